//! Callers of one tenant towards one partner, and what they were told.

use crate::Fallible;
use parking_lot::Mutex;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::crypto::TlsIdentity;
use portcullis::crypto::random;
use portcullis::crypto::read_certificates;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendConnection;
use portcullis::tasks::Tasks;
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How long it runs before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Who asks for what.
pub struct Calls<'c> {
    pub folder: &'c Path,
    pub tenant: &'c str,
    pub authority: &'c str,
    pub pace: Pace,
}

/// When a command is given.
#[derive(Clone, Copy)]
pub enum Pace {
    /// So often in a second, whether or not those before have been answered.
    Due(u64),
    /// On each connection when the one before was answered, and so often in a second on all of them together; 0 is as often as it
    /// goes.
    Each(u64),
}

/// What was told, and how long it took.
pub struct Told {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub most_ms: f64,
    /// How often each status.
    pub statuses: BTreeMap<u16, u64>,
}

/// All that the callers share.
struct Callers {
    backend: Backend,
    /// Houses, each with the token for it.
    tokens: Vec<(String, String)>,
    next: AtomicUsize,
    idle: Mutex<Vec<BackendConnection>>,
    clock: SystemClock,
    seconds: u64,
    measured: Mutex<(Vec<Duration>, BTreeMap<u16, u64>)>,
    failed: Mutex<Option<String>>,
}

/// Runs the callers for the time of a round.
pub fn run(calls: &Calls<'_>, gateway: SocketAddr, connections: usize, seconds: u64) -> Fallible<Told> {
    let identity = TlsIdentity::read(&calls.folder.join("pki/caller.pem"), &calls.folder.join("pki/caller.key"))?;
    let roots = read_certificates(&calls.folder.join("pki/authority.pem"))?;
    let text = std::fs::read_to_string(calls.folder.join(format!("{}.tokens", calls.tenant)))?;
    let pair = |line: &str| line.split_once(' ').map(|(house, token)| (house.to_owned(), token.to_owned()));
    let callers = Arc::new(Callers {
        backend: Backend::new(gateway, calls.authority, Some(&identity), roots)?,
        tokens: text.lines().filter_map(pair).collect(),
        next: AtomicUsize::new(0),
        idle: Mutex::new(Vec::new()),
        clock: SystemClock::new(),
        seconds,
        measured: Mutex::default(),
        failed: Mutex::default(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        for _ in 0..connections {
            let connection = callers.backend.connect().await?;
            callers.idle.lock().push(connection);
        }
        let tasks = Tasks::new();
        match calls.pace {
            Pace::Due(rate) => by_the_clock(&callers, &tasks, rate).await,
            Pace::Each(rate) => {
                for number in 0..connections {
                    let callers = Arc::clone(&callers);
                    drop(tasks.spawn(async move { callers.one_after_the_other(number, connections, rate).await }));
                }
            }
        }
        tasks.idle().await;
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    if let Some(failed) = callers.failed.lock().take() {
        return Err(failed.into());
    }
    let (times, statuses) = std::mem::take(&mut *callers.measured.lock());
    Ok(Told::of(times, statuses))
}

/// Begins a command whenever one is due, whether or not those before it have been answered.
async fn by_the_clock(callers: &Arc<Callers>, tasks: &Tasks, rate: u64) {
    let mut due = tokio::time::interval(Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while callers.goes_on() {
        due.tick().await;
        let callers = Arc::clone(callers);
        drop(tasks.spawn(async move { callers.command().await }));
    }
}

impl Callers {
    fn goes_on(&self) -> bool {
        self.clock.steady() < WARM_UP + Duration::from_secs(self.seconds) && self.failed.lock().is_none()
    }

    /// The commands of one of so many connections. Each has its own place in the common period, so that they come evenly: as
    /// many at once as there are connections would be another question, and its answer how long one core works on so many.
    async fn one_after_the_other(&self, number: usize, connections: usize, rate: u64) {
        let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let each = wide(connections).saturating_mul(1_000_000_000) / rate.max(1);
        let first = Duration::from_nanos(each / wide(connections).max(1) * wide(number));
        if rate > 0 {
            tokio::time::sleep(first).await;
        }
        let mut due = (rate > 0).then(|| tokio::time::interval(Duration::from_nanos(each)));
        if let Some(due) = &mut due {
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        while self.goes_on() {
            if let Some(due) = &mut due {
                due.tick().await;
            }
            if !self.command().await {
                break;
            }
        }
    }

    /// Gives one command and notes what it was told; whether it was told anything.
    async fn command(&self) -> bool {
        let began = self.clock.steady();
        match self.give().await {
            Ok(status) => {
                if began >= WARM_UP {
                    let mut measured = self.measured.lock();
                    measured.0.push(self.clock.steady().saturating_sub(began));
                    *measured.1.entry(status).or_default() += 1;
                }
                true
            }
            Err(fault) => {
                *self.failed.lock() = Some(fault);
                false
            }
        }
    }

    async fn give(&self) -> Result<u16, String> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let (house, token) = self.tokens.get(turn % self.tokens.len().max(1)).ok_or("a token")?;
        // A guard that is held across an await would stop the others.
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.backend.connect().await.map_err(|fault| fault.to_string())?,
        };
        let bytes: Vec<String> = random::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [0..4, 4..6, 6..8, 8..10, 10..16].map(|part| bytes.get(part).unwrap_or_default().concat());
        let body = format!("{{\"requestId\":\"{}\",\"userHash\":\"{}\"}}", parts.join("-"), "ab".repeat(32));
        let target = format!("/v1/houses/{house}/doors/door-1/open?reason=guest");
        let bearer = format!("Bearer {token}");
        let time = format!("@{}", self.clock.now().seconds().get());
        let fields =
            [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Command-Time", time.as_str())];
        let answer = connection.call("POST", &target, &fields, body.as_bytes()).await;
        let answer = answer.map_err(|fault| format!("{fault}"))?;
        if answer.header("connection") != Some("close") {
            self.idle.lock().push(connection);
        }
        Ok(answer.status)
    }
}

impl Told {
    fn of(mut times: Vec<Duration>, statuses: BTreeMap<u16, u64>) -> Self {
        times.sort_unstable();
        let at = |hundredths: usize| {
            let index = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
            times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        Self { p50_ms: at(50), p99_ms: at(99), most_ms: at(100), statuses }
    }

    /// Waits for callers in a process of their own.
    pub fn by(mut callers: Child) -> Fallible<Self> {
        let said = first_line(callers.stdout.take());
        let ended = callers.wait()?;
        let said = said?;
        let told = Self::read(&said).filter(|_| ended.success());
        told.ok_or_else(|| format!("the callers ended with {ended} and said `{said}`").into())
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let mut figure = || words.next()?.parse().ok();
        let (p50_ms, p99_ms, most_ms) = (figure()?, figure()?, figure()?);
        let status = |word: &str| {
            let (status, count) = word.split_once(':')?;
            Some((status.parse().ok()?, count.parse().ok()?))
        };
        Some(Self { p50_ms, p99_ms, most_ms, statuses: words.map(status).collect::<Option<_>>()? })
    }
}

/// As [`Told::by`] reads it: three figures in milliseconds, then statuses with their counts.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} {:.3} {:.3}", self.p50_ms, self.p99_ms, self.most_ms)?;
        self.statuses.iter().try_for_each(|(status, count)| write!(f, " {status}:{count}"))
    }
}

/// The first line that a process says.
pub fn first_line(said: Option<impl Read>) -> Fallible<String> {
    let mut line = String::new();
    BufReader::new(said.ok_or("an output")?).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
