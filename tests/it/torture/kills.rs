//! kill -9 at points that nobody chose, again and again under load: whatever reached the partner is durably on record, and
//! whatever tail is left recovers. A few rounds in every run of the tests; two hundred with `make torture`.

use crate::harness::Command;
use crate::harness::Process;
use crate::harness::Stage;
use crate::harness::fresh_key;
use crate::harness::told_by;
use portcullis::crypto::decode_base64url;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Who give commands at the same time.
const CALLERS: usize = 8;
/// Requests that reach the partner before the gateway is killed: fewer than this.
const REQUESTS: usize = 40;

/// Numbers that look random and are the same each time (the multiplier and increment of Numerical Recipes' `ranqd1`).
struct Dice(u32);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % bound
    }
}

/// The `jti` of the partner token of every request of which the partner saw the head.
fn tokens_that_arrived(stage: &Stage) -> HashSet<String> {
    let mut found = HashSet::new();
    for connection in stage.partner.raw() {
        let text = String::from_utf8_lossy(&connection.bytes).to_ascii_lowercase();
        let places = text.match_indices("authorization: bearer ").map(|(at, word)| at + word.len());
        for at in places {
            // Not out of the text in lower case: a token has both.
            let token = connection.bytes[at..].split(|byte| *byte == b'\r').next().unwrap_or_default();
            let Some(payload) = token.split(|byte| *byte == b'.').nth(1) else { continue };
            let payload = decode_base64url(std::str::from_utf8(payload).unwrap()).unwrap();
            let claims: Value = serde_json::from_slice(&payload).unwrap();
            found.insert(claims["jti"].as_str().unwrap().to_owned());
        }
    }
    found
}

/// The newest segment that holds a record, and where its last record begins and ends.
fn newest_segment(stage: &Stage) -> (PathBuf, usize, usize) {
    let mut files: Vec<PathBuf> = fs::read_dir(stage.path("state/audit")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    for path in files.into_iter().rev() {
        let mut bytes = Vec::new();
        File::open(&path).unwrap().read_to_end(&mut bytes).unwrap();
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            let begin = bytes[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |before| before + 1);
            return (path, begin, end + 1);
        }
    }
    panic!("the log holds no record");
}

/// Leaves behind the last record what a write that was cut short would: the first bytes of another.
fn tear(stage: &Stage, dice: &mut Dice) -> usize {
    let (path, begin, end) = newest_segment(stage);
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut record = vec![0; end - begin];
    file.read_exact_at(&mut record, begin as u64).unwrap();
    let torn = 1 + dice.below(record.len() - 1);
    file.write_all_at(&record[..torn], end as u64).unwrap();
    torn
}

/// One life of a gateway: callers give commands until it is killed.
fn live_and_die(stage: &Stage, process: Process, dice: &mut Dice) {
    let (base, address) = (Command::new(stage), process.address);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (base, backend) = (base.clone(), stage.backend(address));
            stage.beside(async move {
                let mut answered = 0;
                // Ended by the kill; the bound is for a gateway that never dies.
                for _ in 0..100 * REQUESTS {
                    match base.again().under(&fresh_key()).give(&backend).await {
                        Ok(answer) => answered += usize::from(answer.status == 200),
                        Err(_) => break,
                    }
                }
                answered
            })
        })
        .collect();
    let enough = stage.partner.progress().requests + dice.below(REQUESTS);
    stage.partner_until(|partner| partner.requests >= enough);
    process.kill();
    for caller in callers {
        stage.wait(caller).unwrap();
    }
}

/// The log is one tree from its first record to its last, and every checkpoint is one of it.
pub fn verified(stage: &Stage) {
    let log = stage.path("state/audit");
    let key = log.join("log.vkey");
    let (code, out, err) = told_by(&["audit", "verify", log.to_str().unwrap(), "--key", key.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");
}

#[expect(clippy::print_stderr, reason = "the figures of a long run")]
fn rounds(count: usize) {
    let stage = Stage::new();
    stage.edit("gateway.yaml", "segments: {}", "segments: {max_bytes: 32MiB}");
    let mut dice = Dice(u32::try_from(count).unwrap());
    let mut torn_tails = 0;
    for round in 0..count {
        live_and_die(&stage, Process::on(&stage), &mut dice);
        if round % 2 == 0 {
            continue;
        }
        let torn = tear(&stage, &mut dice);
        let process = Process::on(&stage);
        let recovery = stage.records().into_iter().rfind(|record| record.text("kind") == "recovery").unwrap();
        assert_eq!(recovery.get("cut")["bytes"], torn, "round {round}");
        torn_tails += 1;
        live_and_die(&stage, process, &mut dice);
    }
    drop(Process::on(&stage));
    stage.partner_until(|partner| partner.ended == partner.connections);
    let arrived = tokens_that_arrived(&stage);
    let records = stage.records();
    let of_kind = |kind| records.iter().filter(move |record| record.text("kind") == kind);
    let intended: HashSet<&str> = of_kind("intent").map(|record| record.text("token")).collect();
    let missing: Vec<&String> = arrived.iter().filter(|token| !intended.contains(token.as_str())).collect();
    assert!(missing.is_empty(), "{} of {} requests have no intent on record", missing.len(), arrived.len());
    let ended: HashSet<&str> = of_kind("outcome").map(|record| record.text("receipt")).collect();
    assert!(of_kind("intent").all(|record| ended.contains(record.text("receipt"))), "every intent has an outcome");
    // It was no idle life: commands arrived, some were under way when the gateway died, and tails were torn.
    assert!(arrived.len() >= count && torn_tails == count / 2, "{} arrived, {torn_tails} torn", arrived.len());
    let unknown = of_kind("outcome").filter(|record| record.text("state") == "unknown").count();
    assert!(unknown > 0, "no command was under way at any kill");
    eprintln!(
        "{count} rounds: {} requests reached the partner, each with an intent; {unknown} unknown; {torn_tails} torn tails",
        arrived.len()
    );
}

#[test]
fn whatever_reached_the_partner_before_a_kill_is_on_record_and_every_torn_tail_recovers() {
    rounds(4);
}

#[test]
#[ignore = "takes minutes: `make torture`"]
fn the_same_in_two_hundred_rounds() {
    rounds(200);
}
