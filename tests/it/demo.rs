//! `portcullis demo`: the whole story is played, its ending says how it went, and what it prints can be pasted.

use portcullis::devkit::NORTH;
use portcullis::devkit::SOUTH;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.arg("demo").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What follows a word, up to the end of its line.
fn after<'t>(text: &'t str, word: &str) -> &'t str {
    let (_, rest) = text.split_once(word).unwrap_or_else(|| panic!("no `{word}` in: {text}"));
    rest.lines().next().unwrap().trim()
}

#[test]
fn every_step_of_the_demo_does_what_it_should_and_nothing_is_left_behind() {
    let output = demo().output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let steps: Vec<&str> = told.lines().filter(|line| line.starts_with("  ok  ")).collect();
    assert_eq!((steps.len(), told.matches("FAIL").count()), (50, 0), "{told}");
    // Both tenants, both partners, every operation.
    for household in [NORTH, SOUTH] {
        for errand in household.errands("") {
            let step = format!("{}: {} ", household.tenant, errand.operation);
            assert!(steps.iter().any(|line| line.contains(&step) && line.contains("; receipt r-")), "{step}in: {told}");
        }
    }
    // The door opens by a real session, which is no wider than the user's own rights, and by nothing else that is at hand.
    for (step, told_of_it) in [
        ("1 sign-in token", "403, session-required"),
        ("2 exchanged for a session", "asked to open door-1 and door-2, given open door-1 of house-1: 300 s"),
        ("3 the app's proof", "401, dpop-nonce-needed"),
        ("a stolen session, another's key", "401, cnf-mismatch"),
        ("a proof for another door", "401, dpop-proof-invalid"),
        ("a session for another company", "400, policy-denied"),
        ("a session for an expired token", "400, token-expired"),
        ("a proof used twice", "401, dpop-replay"),
    ] {
        assert!(steps.iter().any(|line| line.contains(step) && line.contains(told_of_it)), "{step} in: {told}");
    }
    // An event each way, on record from the answer to the delivery.
    for (step, told_of_it) in [
        ("a grant has ended, to the partner", "202, then delivered: signature good, in pseudonyms; receipt r-"),
        ("somebody was let in, to the backend", "204, then delivered: signed by us, for resident-ivanov; receipt r-"),
    ] {
        assert!(steps.iter().any(|line| line.contains(step) && line.contains(told_of_it)), "{step} in: {told}");
    }
    // Each refusal is told with its receipt, but for the one that has no answer.
    let refusals = steps.iter().skip(8 + 17 + 2).filter(|step| step.contains("; receipt r-")).count();
    assert_eq!(refusals, 22, "{told}");
    assert!(!Path::new(after(&told, "folder    ")).exists());
    let process = after(&told, "(process ").trim_end_matches(')');
    assert!(!Path::new("/proc").join(process).exists(), "the gateway has ended");
}

/// A demo that goes on running; told to stop by its id when dropped, so that it takes its gateway with it.
struct Kept(Child);

impl Kept {
    fn stop(&mut self) -> Option<i32> {
        let stopped = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(stopped.unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

#[test]
fn what_a_kept_demo_prints_works_when_pasted_until_it_is_told_to_stop() {
    let mut kept = Kept(demo().arg("--keep").spawn().unwrap());
    let mut told = String::new();
    let mut lines = BufReader::new(kept.0.stdout.take().unwrap()).lines();
    while !told.contains("\ntail -n 5 ") {
        told.push_str(&lines.next().expect("the demo goes on").unwrap());
        told.push('\n');
    }
    let (_, pasted) = told.split_once("To paste:\n\n").unwrap();
    let run = |comment: &str| {
        let (_, command) = pasted.split_once(comment).unwrap_or_else(|| panic!("no `{comment}` in: {pasted}"));
        let command = command.split_once('\n').unwrap().1.split("\n\n").next().unwrap();
        let output = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // curl speaks HTTP/2 where it can.
    let status = |answer: &str| answer.split(' ').nth(1).unwrap().to_owned();
    for household in [NORTH, SOUTH] {
        for errand in household.errands("") {
            let answer = run(&format!("# {} of {}", errand.operation, household.tenant));
            assert!(matches!(&*status(&answer), "200" | "204"), "{errand:?}: {answer}");
        }
    }
    let opened = run("# openDoor of north");
    assert!(status(&opened) == "200" && opened.contains(r#""status":"opened""#), "{opened}");
    assert_eq!(status(&run("# another company's house")), "404");
    assert_eq!(status(&run("# an undeclared field")), "400");
    let records = run("# the last records");
    assert!(records.lines().count() == 2 && records.contains("body-invalid"), "{records}");
    assert!(run("# metrics").contains("openDoor"));
    // The story has told two events to the partner and one to the backend.
    assert_eq!(status(&run("# the backend announces an event")), "202");
    assert_eq!(status(&run("# an announced event with an undeclared field")), "400");
    assert_eq!(status(&run("# the partner reports an event")), "204");
    assert_eq!(status(&run("# other bytes than the signed ones")), "403");
    assert_eq!(status(&run("# an event about somebody in another company's house")), "400");
    let delivered = |direction: &str, count: u32| {
        let series = format!("direction=\"{direction}\",partner=\"smarthome\",result=\"delivered\"}} {count}\n");
        crate::harness::until(&series, || run("# deliveries").contains(&series));
    };
    delivered("outbound", 3);
    delivered("inbound", 2);
    assert!(run("# take the phone's rights away").starts_with("in force since epoch "));
    assert_eq!(status(&run("# openDoor of north")), "403", "revoked by what was pasted");
    assert_eq!(status(&run("# openDoor of south")), "200", "of another tenant");
    assert!(run("# the gateway's log").contains("serving"));

    assert_eq!(kept.stop(), Some(0));
    assert!(lines.map(Result::unwrap).any(|line| line == "All 50 steps did what they should."));
    assert!(!Path::new(after(&told, "folder    ")).exists());
}
