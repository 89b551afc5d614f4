//! The log under a wall clock that jumps, either way, while the gateway runs and between two processes: records stand in the order
//! in which they were made, `clock` records say what happened, nothing that was remembered is forgotten, and all of it verifies.

use crate::harness::ByHand;
use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::told_by;
use crate::harness::until;
use portcullis::clock::Clock;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A gateway's site, its clock, and a command that was given when the clock was right.
struct Jumping {
    stage: Stage,
    clock: Arc<ByHand>,
    command: Command,
    receipt: String,
    answer: Vec<u8>,
}

impl Jumping {
    fn new() -> (Self, Served) {
        let (stage, clock) = (Stage::new(), Arc::new(ByHand::default()));
        let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
        let command = Command::new(&stage);
        let answer = stage.wait(command.give(&stage.backend(gateway.address))).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let (receipt, answer) = (answer.header("receipt-id").unwrap().to_owned(), answer.body.to_vec());
        (Self { stage, clock, command, receipt, answer }, gateway)
    }

    fn start(&self) -> Served {
        Served::by(&self.stage, Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// The command is known: it gets the answer that it got, and nothing moves.
    #[track_caller]
    fn is_known(&self, gateway: SocketAddr) {
        let again = self.stage.wait(self.command.again().give(&self.stage.backend(gateway))).unwrap();
        assert_eq!((again.status, &again.body[..]), (200, &self.answer[..]), "{}", again.text());
        assert_eq!(self.stage.partner.total_actuations(), 1);
        self.is_told(gateway);
    }

    /// What became of it is told.
    #[track_caller]
    fn is_told(&self, gateway: SocketAddr) {
        let backend = self.stage.backend(gateway);
        let told = self.stage.wait(backend.call("GET", &format!("/-/receipts/{}", self.receipt), &[], b"")).unwrap();
        let state: Value = serde_json::from_slice(&told.body).unwrap();
        assert_eq!((told.status, state["state"].as_str()), (200, Some("done")), "{}", told.text());
    }

    /// Refused at the door that moves something, for this reason, which is on record.
    #[track_caller]
    fn is_refused(&self, gateway: SocketAddr, status: u16, reason: &str) {
        let refused = self.stage.wait(Command::new(&self.stage).give(&self.stage.backend(gateway))).unwrap();
        assert_eq!(refused.status, status, "{}", refused.text());
        let receipt = refused.header("receipt-id").unwrap();
        let records = self.stage.records();
        let record = records.iter().find(|record| record.text("receipt") == receipt).unwrap();
        assert_eq!(record.text("reason"), reason);
    }

    /// The steps of the clock, and how it stood, as the log tells them.
    fn told(&self) -> Vec<String> {
        let records = self.stage.records();
        let clock = records.iter().filter(|record| record.text("kind") == "clock");
        clock.map(|record| [record.text("stepped"), record.text("standing")].concat()).collect()
    }

    /// Every record, tree, checkpoint and segment agrees.
    #[track_caller]
    fn verifies(&self) {
        let (folder, key) = (self.stage.path("state/audit"), self.stage.path("state/audit/log.vkey"));
        let [folder, key] = [&folder, &key].map(|path| path.to_str().unwrap());
        let (code, out, err) = told_by(&["audit", "verify", folder, "--key", key]);
        assert_eq!(code, 0, "{out}{err}");
    }
}

#[test]
fn a_clock_that_jumps_while_the_gateway_runs_makes_nothing_forgotten_and_is_on_record_in_its_place() {
    let (site, gateway) = Jumping::new();
    site.clock.set_by(HOUR_MS);
    until("the step forward", || site.told() == ["forward"]);
    // An hour on the token has run out. What that is told under is recorded with the time that the clock shows.
    site.is_refused(gateway.address, 401, "token-expired");
    site.clock.set_by(-HOUR_MS);
    until("the step back", || site.told() == ["forward", "back"]);
    site.is_known(gateway.address);
    site.clock.set_by(-MINUTE_MS);
    until("a clock that is behind", || site.told().contains(&"behind".to_owned()));
    site.clock.set_by(MINUTE_MS);
    until("the end of it", || site.told().contains(&"caught-up".to_owned()));
    site.is_known(gateway.address);
    drop(gateway);

    // The order is that of what happened, whatever time each bears.
    let records = site.stage.records();
    let place = |member: &str, word: &str| records.iter().position(|record| record.text(member) == word).unwrap();
    let order = [
        place("kind", "intent"),
        place("stepped", "forward"),
        place("reason", "token-expired"),
        place("stepped", "back"),
        place("kind", "repeat"),
        place("standing", "behind"),
        place("standing", "caught-up"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    let times = order.map(|place| records[place].text("time"));
    assert!(times[2] > times[3] && times[3] < times[1], "as the clock showed it: {times:?}");
    site.verifies();
    let gateway = site.start();
    site.is_known(gateway.address);
}

#[test]
fn a_clock_that_jumps_between_two_processes_makes_nothing_forgotten_and_is_on_record() {
    let (site, gateway) = Jumping::new();
    drop(gateway);
    // Forward, and back: the process after it moves nothing before a person says that the clock is right, and tells all the same.
    site.clock.set_by(10 * MINUTE_MS);
    drop(site.start());
    site.clock.set_by(-10 * MINUTE_MS);
    let gateway = site.start();
    assert!(gateway.not_ready().contains("clock-behind"), "{}", gateway.not_ready());
    site.is_refused(gateway.address, 503, "clock");
    site.is_told(gateway.address);
    drop(gateway);
    let config = site.stage.path("gateway.yaml");
    let (code, out, err) = told_by(&["store", "accept-clock", "--config", config.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}{err}");
    let gateway = site.start();
    site.is_known(gateway.address);
    drop(gateway);
    assert_eq!(site.told(), ["behind", "accepted"]);
    site.verifies();
}
