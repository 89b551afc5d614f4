//! Attacks on tokens that are bound to an app's key (RFC 9449): over one gateway, each with its status, its reason on record
//! and not a byte at the partner, and each followed by a fence: a good request on the same connection. The clock stands
//! still, so that limits are met to the second. What can be wrong with a token alone is in `tokens.rs`.

mod proofs;

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::SigningAlgorithm;
use portcullis::devkit::AppKey;
use portcullis::devkit::BackendConnection;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::TokenClaims;
use proofs::Rows;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// What is asked for: something that a sign-in token may ask for.
const PATH: &str = "/v1/houses/house-1/doors/door-1/status";

/// One request, and what becomes of it.
pub struct Row {
    name: String,
    /// The values of the `Authorization` fields.
    authorization: Vec<String>,
    /// The values of the `DPoP` fields.
    proofs: Vec<String>,
    status: u16,
    reason: &'static str,
}

/// A gateway whose sign-in issuer may bind tokens to certificates and to keys, an app, and a thief.
pub struct Scene {
    gateway: Served,
    stage: Stage,
    clock: Arc<ManualClock>,
    app: AppKey,
    thief: AppKey,
    /// A token that is bound to the app's key.
    token: String,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let stage = Stage::by(clock.clone());
        stage.edit("gateway.yaml", "bind: [mtls]", "bind: [mtls, dpop]");
        // Each row has a record of its own, though all come from one peer at one moment.
        stage.limit("refusal_records_per_peer_per_minute: 10000, peer_rate_per_second: 100000");
        let gateway = Served::by(&stage, clock.clone());
        // So long ago that the oldest proof that is good needs no nonce: none may be from before the gateway's first minute.
        clock.advance(Duration::from_secs(180));
        let app = || AppKey::new(SigningAlgorithm::Es256).unwrap();
        let mut scene = Self { gateway, stage, clock, app: app(), thief: app(), token: String::new() };
        scene.token = scene.mint(&scene.claims().bound_to(&scene.app));
        scene
    }

    fn now(&self) -> UnixSeconds {
        self.clock.now().seconds()
    }

    /// The claims of a good token that is bound to the backend's certificate.
    fn claims(&self) -> TokenClaims {
        self.stage.member_of(&NORTH, &self.stage.login, self.now())
    }

    fn mint(&self, claims: &TokenClaims) -> String {
        self.stage.login.mint(claims).unwrap()
    }

    /// A good proof, which no other request has.
    fn proof(&self) -> String {
        self.app.proof("GET", &format!("{PUBLIC_URL}{PATH}"), Some(&self.token), None, self.now()).unwrap()
    }

    /// The status, the receipt, and whether the connection goes on.
    async fn give(&self, connection: &mut BackendConnection, row: &Row) -> (u16, String, bool) {
        let command = Command { token: None, ..Command::errand(&self.stage, &NORTH, "readDoor") };
        let with = |command: Command, (name, values): (&str, &[String])| {
            values.iter().fold(command, |command, value| command.with(name, value))
        };
        let given = [("Authorization", row.authorization.as_slice()), ("DPoP", row.proofs.as_slice())];
        let command = given.into_iter().fold(command, with);
        let fields = command.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let answer = connection.call(command.method, PATH, &fields, &command.body).await.unwrap();
        command.examine(&answer);
        let receipt = answer.header("receipt-id").unwrap().to_owned();
        (answer.status, receipt, answer.header("connection") != Some("close"))
    }

    fn good(&self) -> Row {
        let authorization = vec![format!("DPoP {}", self.token)];
        Row { name: "good".to_owned(), authorization, proofs: vec![self.proof()], status: 200, reason: "done" }
    }
}

#[test]
fn every_way_in_which_a_proof_is_none_is_refused_for_its_own_reason_and_good_neighbours_pass() {
    let scene = Scene::new();
    let rows = Rows::new(&scene).all();
    assert!(rows.iter().filter(|row| row.status != 200).count() >= 120, "{} rows", rows.len());
    let backend = scene.stage.backend(scene.gateway.address);
    let receipts = scene.stage.wait(async {
        let mut receipts = Vec::new();
        let mut connection = backend.connect().await.unwrap();
        for row in &rows {
            let before = scene.stage.partner.progress().bytes;
            let (status, receipt, goes_on) = scene.give(&mut connection, row).await;
            assert_eq!(status, row.status, "{}", row.name);
            let received = scene.stage.partner.progress().bytes != before;
            assert_eq!(received, status == 200, "{}: what the partner received", row.name);
            receipts.push(receipt);
            if !goes_on {
                connection = backend.connect().await.unwrap();
            }
            let (status, _, goes_on) = scene.give(&mut connection, &scene.good()).await;
            assert!(status == 200 && goes_on, "after {}", row.name);
        }
        receipts
    });

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
