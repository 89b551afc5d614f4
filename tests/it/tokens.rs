//! Tokens that must be refused, each in its own way, and some that must not be: over one gateway, each with its reason on
//! record, and each followed by a fence: a good command on the same connection, before which the partner has received not
//! one byte. The clock stands still, so that limits are met to the second.

mod forge;
mod rows;

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use forge::Forge;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::crypto::encode_base64url;
use portcullis::devkit::BackendConnection;
use portcullis::devkit::ConnectionLog;
use portcullis::devkit::NORTH;
use portcullis::json::Object;
use rows::Rows;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

/// One token and what becomes of it.
pub struct Row {
    name: String,
    /// The values of the `Authorization` fields.
    sent: Vec<String>,
    status: u16,
    reason: &'static str,
}

/// A gateway whose sign-in issuer has keys of all kinds, and may not use Ed25519.
struct Scene {
    stage: Stage,
    gateway: Served,
    clock: Arc<ManualClock>,
    forge: Forge,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let stage = Stage::by(clock.clone());
        let forge = Forge::new();
        fs::write(stage.path("pki/login.jwks"), forge.jwks()).unwrap();
        stage.edit(
            "gateway.yaml",
            "algorithms: [ES256]\n    max_lifetime: 1h",
            "algorithms: [ES256, ES384, PS256, RS256]\n    max_lifetime: 10m",
        );
        // Each row has a record of its own, though all come from one peer at one moment.
        stage.limit("refusal_records_per_peer_per_minute: 10000");
        let gateway = Served::by(&stage, clock.clone());
        Self { stage, gateway, clock, forge }
    }

    fn rows(&self) -> Rows<'_> {
        let now = self.clock.now().seconds();
        let stage = &self.stage;
        let (good, session) = (stage.member_of(&NORTH, &stage.login, now), stage.resident(&stage.sessions, now));
        let of_session = stage.sessions.mint(&session).unwrap();
        // As sign-in tokens are here: by the certificate of the very backend that brings them.
        let own = encode_base64url(stage.pki.backend.parsed().unwrap().thumbprint.as_bytes());
        let cnf = |members: &[(&str, &str)]| Object::from_iter(members.iter().copied());
        let bound = |members: &[(&str, &str)]| stage.sessions.mint(&session.clone().with("cnf", cnf(members))).unwrap();
        let misbound = vec![
            ("to the certificate", bound(&[("x5t#S256", own.as_str())])),
            ("to the certificate and the key", bound(&[("x5t#S256", own.as_str()), ("jkt", stage.app.jkt())])),
            ("to nothing", bound(&[])),
        ];
        Rows::new(&self.forge, good, now.get(), of_session, misbound)
    }

    /// A request that moves nothing, with these `Authorization` fields.
    fn command(&self, sent: &[String]) -> Command {
        let command = Command { token: None, ..Command::errand(&self.stage, &NORTH, "readDoor") };
        sent.iter().fold(command, |command, value| command.with("Authorization", value))
    }

    /// The status, the receipt, and whether the connection goes on.
    async fn give(&self, connection: &mut BackendConnection, sent: &[String]) -> (u16, String, bool) {
        let command = self.command(sent);
        let fields = command.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = connection.call(command.method, &command.target, &fields, &command.body).await.unwrap();
        command.examine(&answer);
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        (answer.status, receipt, answer.header("connection") != Some("close"))
    }
}

#[test]
fn every_trap_that_a_token_can_be_is_refused_for_its_own_reason_and_good_neighbours_pass() {
    let scene = Scene::new();
    let rows = scene.rows();
    let good = rows.good();
    let rows = rows.all();
    assert!(rows.iter().filter(|row| row.status != 200).count() >= 150, "{} rows", rows.len());
    let backend = scene.stage.backend(scene.gateway.address);
    let receipts = scene.stage.wait(async {
        let mut receipts = Vec::new();
        let mut connection = backend.connect().await.unwrap();
        for row in &rows {
            let before = scene.stage.partner.progress().bytes;
            let (status, receipt, goes_on) = scene.give(&mut connection, &row.sent).await;
            assert_eq!(status, row.status, "{}", row.name);
            if status != 200 {
                assert_eq!(scene.stage.partner.progress().bytes, before, "{}: the partner received it", row.name);
            }
            receipts.push(receipt);
            if !goes_on {
                connection = backend.connect().await.unwrap();
            }
            let (status, _, goes_on) = scene.give(&mut connection, &good).await;
            assert!(status == 200 && goes_on, "after {}", row.name);
        }
        receipts
    });
    let accepted = rows.iter().filter(|row| row.status == 200).count();
    let asked = |log: ConnectionLog| String::from_utf8_lossy(&log.bytes).matches("GET /v1/houses/").count();
    assert_eq!(scene.stage.partner.raw().into_iter().map(asked).sum::<usize>(), rows.len() + accepted);

    let mut reasons = HashMap::new();
    for record in scene.stage.records() {
        reasons.insert(record.text("receipt").to_owned(), record.text("reason").to_owned());
    }
    let wrong: Vec<String> = rows
        .iter()
        .zip(&receipts)
        .filter(|(row, receipt)| reasons.get(*receipt).is_none_or(|reason| reason != row.reason))
        .map(|(row, receipt)| format!("{}: {:?}, not {}", row.name, reasons.get(receipt), row.reason))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let names: HashSet<_> = rows.iter().map(|row| &row.name).collect();
    assert_eq!(names.len(), rows.len(), "no row twice");
}
