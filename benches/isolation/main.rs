//! What one tenant or partner at its limit costs another: `taskset -c 1 cargo bench --profile dist --locked --bench isolation`.
//!
//! The resident callers of the tenant north give commands to a partner that answers at once, at a rate that they can well be
//! served at. Beside them, in turns, there is nobody; the tenant south, far beyond its rate; and callers of another partner that takes
//! long, so that all its places are taken. Told is what the residents wait, in each case, in the same run, as medians of several
//! rounds. Every one of the residents' commands must succeed, and the flood must be refused for its limits and for nothing else;
//! otherwise the run fails. This is a measurement, not a test: `tests/it/rates.rs` shows that nobody is refused for another.
//!
//! The gateway has a core of its own, and the callers whom the figures are of come first on the other one: gateway, residents, flood
//! and partners are processes, this program under other arguments. `PORTCULLIS` names another build of the gateway.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench tells its figures to who runs it")]

mod house;
mod load;
mod upstream;

use house::House;
use load::Told;
use portcullis::crypto;
use portcullis::devkit::GatewayProcess;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

pub type Fallible<T> = Result<T, Box<dyn Error>>;

/// How often each case is measured; an odd number, so that there is a median.
const ROUNDS: usize = 5;
/// For how long, after a second in which nothing is measured.
const SECONDS: u64 = 4;
/// Commands of the residents in a second.
const RESIDENTS: u64 = 200;
/// The core of the gateway, and that of all others.
const CORES: [&str; 2] = ["0", "1"];
/// Resident callers come before the flood, so that the flood does not make them wait on their own side. Only root may say so.
const FIRST: &str = "-10";
const LAST: &str = "10";

/// What stands beside the residents.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// Whose tokens flood which partner, over how many connections, with how many commands in a second; 0 is as fast as it goes.
    flood: Option<(&'static str, &'static str, u64, u64)>,
    /// How the flood is refused.
    refused: u16,
}

const CASES: [Case; 5] = [
    Case { name: "nobody else", flood: None, refused: 0 },
    Case {
        name: "a tenant at its rate, asking at ten times that",
        flood: Some(("south", house::QUICK, 32, 2_000)),
        refused: 429,
    },
    Case {
        name: "a partner at its places, asked 240 times a second",
        flood: Some(("south", house::SLOW, 300, 240)),
        refused: 503,
    },
    Case { name: "nobody else, once more", flood: None, refused: 0 },
    Case {
        name: "a tenant at its rate, asking as fast as it can",
        flood: Some(("south", house::QUICK, 32, 0)),
        refused: 429,
    },
];

/// What one round of a case told.
struct Round {
    residents: Told,
    flood: Option<Told>,
    /// Share of its core that the gateway used.
    gateway: f64,
}

fn main() -> Fallible<()> {
    crypto::install_provider()?;
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["upstream", folder, millis] => upstream::serve(folder.as_ref(), millis.parse()?),
        ["load", folder, gateway, tenant, authority, connections, pace, rate] => {
            let rate = rate.parse()?;
            let pace = if *pace == "due" { load::Pace::Due(rate) } else { load::Pace::Each(rate) };
            let calls = load::Calls { folder: folder.as_ref(), tenant, authority, pace };
            println!("{}", load::run(&calls, gateway.parse()?, connections.parse()?, SECONDS)?);
            Ok(())
        }
        _ => compare(),
    }
}

/// Measures all cases and prints the table.
fn compare() -> Fallible<()> {
    let place = tempfile::tempdir()?;
    let house = House::make(place.path())?;
    let quick = Upstream::start(&house, 0)?;
    // Long enough that a few hundred commands in a second take every place.
    let slow = Upstream::start(&house, 500)?;
    house.configure([quick.address.as_str(), slow.address.as_str()])?;
    let mut gateway = Command::new("taskset");
    let program = std::env::var_os("PORTCULLIS").unwrap_or_else(|| env!("CARGO_BIN_EXE_portcullis").into());
    gateway.args(["-c", CORES[0]]).arg(program).args(["run", "--config"]);
    gateway.arg(house.path("gateway.yaml"));
    let gateway = GatewayProcess::of(gateway)?;
    let mut rounds: Vec<Vec<Round>> = CASES.iter().map(|_| Vec::new()).collect();
    for round in 0..ROUNDS {
        // Another order in each round.
        for turn in 0..CASES.len() {
            let index = (turn + round) % CASES.len();
            let (Some(case), Some(told)) = (CASES.get(index), rounds.get_mut(index)) else { continue };
            let measured = measure(&house, &gateway, *case)?;
            eprintln!("{}/{ROUNDS} {}: {}", round + 1, case.name, measured.residents);
            told.push(measured);
        }
    }
    println!("{}", table(&rounds)?);
    Ok(())
}

fn measure(house: &House, gateway: &GatewayProcess, case: Case) -> Fallible<Round> {
    let address = gateway.backend().to_string();
    let flood = case.flood.map(|(tenant, partner, connections, rate)| {
        caller(house, LAST, [&address, tenant, partner, &connections.to_string(), "each", &rate.to_string()])
    });
    let flood = flood.transpose()?;
    let before = cpu_ticks(gateway.id())?;
    let residents = caller(house, FIRST, [&address, "north", house::QUICK, "16", "due", &RESIDENTS.to_string()])?;
    let residents = Told::by(residents)?;
    let gateway = (cpu_ticks(gateway.id())? - before) / 100.0 / (SECONDS as f64 + 1.0);
    let flood = flood.map(Told::by).transpose()?;
    if residents.statuses.keys().any(|status| *status != 200) {
        return Err(format!("{}: the residents were told {:?}", case.name, residents.statuses).into());
    }
    if let Some(flood) = &flood
        && (!flood.statuses.contains_key(&case.refused)
            || flood.statuses.keys().any(|status| ![200, 429, case.refused].contains(status)))
    {
        return Err(format!("{}: the flood was told {:?}", case.name, flood.statuses).into());
    }
    Ok(Round { residents, flood, gateway })
}

/// Callers in a process of their own.
fn caller(house: &House, nice: &str, words: [&str; 6]) -> Fallible<Child> {
    let mut command = Command::new("nice");
    command.args(["-n", nice, "taskset", "-c", CORES[1]]).arg(std::env::current_exe()?);
    command.arg("load").arg(house.path("")).args(words);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?)
}

/// CPU time of a process so far, in hundredths of a second (`proc_pid_stat(5)`).
fn cpu_ticks(process: u32) -> Fallible<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').ok_or("a name in brackets")?.1.split_whitespace().collect();
    let field = |index: usize| -> Fallible<f64> { Ok(fields.get(index).ok_or("a field")?.parse()?) };
    Ok(field(11)? + field(12)?)
}

/// The table, with the range of the rounds behind each median.
fn table(rounds: &[Vec<Round>]) -> Fallible<String> {
    let mut text = format!(
        "Medians of {ROUNDS} rounds of {SECONDS} s in turn, with their range; {RESIDENTS} commands a second of the tenant north, open \
         loop; gateway with one worker on core {}, all else on core {}.\n\n\
         | beside them | p50 ms | (range) | p99 ms | (range) | most ms | flood: served a second | refused a second | gateway's core |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        CORES[0], CORES[1]
    );
    for (case, rounds) in CASES.iter().zip(rounds) {
        let of = |figure: &dyn Fn(&Round) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
            (at(figures.len() / 2), at(0), at(figures.len().saturating_sub(1)))
        };
        let refused = |round: &Round, refused: bool| {
            let statuses = round.flood.iter().flat_map(|flood| &flood.statuses);
            let counted =
                statuses.filter(|(status, _)| (**status != 200) == refused).map(|(_, count)| *count).sum::<u64>();
            counted as f64 / SECONDS as f64
        };
        let (p50, p99) = (of(&|round| round.residents.p50_ms), of(&|round| round.residents.p99_ms));
        writeln!(
            text,
            "| {} | {:.2} | {:.2}..{:.2} | {:.2} | {:.2}..{:.2} | {:.1} | {:.0} | {:.0} | {:.0}% |",
            case.name,
            p50.0,
            p50.1,
            p50.2,
            p99.0,
            p99.1,
            p99.2,
            of(&|round| round.residents.most_ms).0,
            of(&|round| refused(round, false)).0,
            of(&|round| refused(round, true)).0,
            of(&|round| round.gateway * 100.0).0,
        )?;
    }
    Ok(text)
}

/// A partner in a process of its own; ended when dropped.
struct Upstream {
    process: Child,
    address: String,
}

impl Upstream {
    fn start(house: &House, millis: u64) -> Fallible<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", CORES[1]]).arg(std::env::current_exe()?).arg("upstream");
        command.arg(house.path("")).arg(millis.to_string());
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let address = load::first_line(process.stdout.take())?;
        Ok(Self { process, address })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
