//! A scene: a gateway with one worker, a good backend, and the fence that stands behind every hostile input: a good
//! command over the pool that was warm before, and not one byte at the partner but its own.

use crate::harness::client::Command;
use crate::harness::gateway::Served;
use crate::harness::records::Record;
use crate::harness::stage::Stage;
use parking_lot::Mutex;
use portcullis::devkit::Backend;
use portcullis::devkit::SimulatedPartner;

/// A stage with a gateway of one worker, so of one pool, which is warm; and the good backend.
pub struct Scene {
    pub gateway: Served,
    pub backend: Backend,
    pub stage: Stage,
    seen: Mutex<Seen>,
}

/// How much the partner had seen after a good command.
struct Seen {
    /// Bytes of each connection.
    bytes: Vec<usize>,
    requests: usize,
}

impl Scene {
    /// A scene with the limits of the house.
    pub fn new() -> Self {
        Self::on(Stage::new())
    }

    /// A scene within other limits, as they are written under `limits:`.
    pub fn within(limits: &str) -> Self {
        let stage = Stage::new();
        stage.limit(limits);
        Self::on(stage)
    }

    /// A scene on a stage that the test has set.
    pub fn on(stage: Stage) -> Self {
        stage.edit("gateway.yaml", "workers: 2", "workers: 1");
        let gateway = Served::on(&stage);
        let backend = stage.backend(gateway.address);
        let answer = stage.wait(Command::new(&stage).give(&backend)).unwrap();
        assert_eq!(answer.status, 200, "the pool is warm: {}", answer.text());
        let seen = Mutex::new(Seen::by(&stage.partner));
        Self { gateway, backend, stage, seen }
    }

    /// A good command.
    pub fn command(&self) -> Command {
        Command::new(&self.stage)
    }

    /// The command is refused with this status and this reason on record, and the partner has received nothing.
    #[track_caller]
    pub fn refuses(&self, command: &Command, status: u16, reason: &str) -> String {
        let before = self.stage.partner.progress().bytes;
        let answer = self.stage.wait(command.give(&self.backend)).unwrap();
        assert_eq!(answer.status, status, "{reason}: {}", answer.text());
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        assert_eq!(self.record(&receipt).text("reason"), reason);
        assert_eq!(self.stage.partner.progress().bytes, before, "the partner received something");
        receipt
    }

    /// A good command still passes.
    #[track_caller]
    pub fn passes(&self) {
        self.passes_after("what came before");
    }

    /// The fence: a good command passes over the connection that stood in the pool before, and since the last good
    /// command the partner has received that one request, not a byte of `what`, and has refused nothing.
    #[track_caller]
    pub fn passes_after(&self, what: &str) {
        let partner = &self.stage.partner;
        let moved = partner.total_actuations();
        let answer = self.stage.wait(self.command().give(&self.backend)).unwrap();
        assert_eq!((answer.status, partner.total_actuations()), (200, moved + 1), "{what}: {}", answer.text());
        let now = Seen::by(partner);
        let mut before = self.seen.lock();
        let connections = (before.bytes.len(), now.bytes.len());
        assert_eq!(connections.0, connections.1, "{what}: the pooled connection was lost");
        assert_eq!(now.requests, before.requests + 1, "{what}: one request came");
        let grown: Vec<_> = (0..now.bytes.len()).filter(|number| now.bytes[*number] > before.bytes[*number]).collect();
        assert_eq!(grown.len(), 1, "{what}: over one connection");
        let came = partner.raw()[grown[0]].bytes[before.bytes[grown[0]]..].to_vec();
        let came = String::from_utf8(came).unwrap();
        let only_a_good_one = came.starts_with("POST /v1/houses/") && came.matches(" HTTP/1.1\r\n").count() == 1;
        assert!(only_a_good_one, "{what}: {came}");
        assert_eq!(partner.refusals(), [""; 0], "{what}: the partner refused something");
        *before = now;
    }

    /// Takes what the partner has seen by now as what it was to see.
    pub fn notes(&self) {
        *self.seen.lock() = Seen::by(&self.stage.partner);
    }

    /// The record under a receipt.
    #[track_caller]
    pub fn record(&self, receipt: &str) -> Record {
        let records = self.stage.records();
        records.into_iter().find(|record| record.text("receipt") == receipt).expect("the refusal is on record")
    }
}

impl Seen {
    fn by(partner: &SimulatedPartner) -> Self {
        let bytes = partner.raw().iter().map(|connection| connection.bytes.len()).collect();
        Self { bytes, requests: partner.progress().requests }
    }
}
