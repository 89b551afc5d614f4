//! A change of files that brings a key which an issuer publishes, as one of ours or as one of another issuer's: refused as a whole
//! and told, and the last good keys stay. What is fetched is held against the same (`issuers.rs`).

use crate::harness::ByHand;
use crate::harness::Command;
use crate::harness::Page;
use crate::harness::Publisher;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use crate::harness::ops_page;
use crate::harness::publish_keys;
use crate::harness::until;
use crate::harness::write_key;
use portcullis::clock::Clock;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::NORTH;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::TokenIssuer;
use portcullis::secret::Secret;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const PUBLISHED: &str = "https://published.prop.example";

/// A gateway that has fetched a key, and the key.
struct Scene {
    gateway: Served,
    publisher: Publisher,
    clock: Arc<ByHand>,
    /// The private half of what is published.
    pem: Secret,
    stage: Stage,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ByHand::default());
        // The partner goes by it, too.
        let stage = Stage::by(Arc::clone(&clock) as Arc<dyn Clock>);
        let publisher = Publisher::start(&stage);
        publish_keys(&stage, publisher.address);
        let pem = SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap();
        publisher.page("/keys", Page::json(&TokenIssuer::with(PUBLISHED, &pem).unwrap().jwks()));
        let gateway = Served::by(&stage, Arc::clone(&clock) as Arc<dyn Clock>);
        let scene = Self { gateway, publisher, clock, pem, stage };
        until("the keys come", || scene.fetched("done") == 1);
        scene
    }

    fn fetched(&self, result: &str) -> u64 {
        let series = format!("portcullis_issuer_fetches_total{{issuer=\"{PUBLISHED}\",result=\"{result}\"}} ");
        let page = self.gateway.metrics();
        page.lines().find_map(|line| line.strip_prefix(series.as_str())).map_or(0, |count| count.parse().unwrap())
    }

    /// The same key in the name of another issuer.
    fn published_as(&self, name: &str) -> TokenIssuer {
        TokenIssuer::with(name, &self.pem).unwrap()
    }

    /// What becomes of a look at a barrier with a sign-in token of this issuer.
    fn look(&self, issuer: &TokenIssuer) -> u16 {
        let token = issuer.mint(&self.stage.member_of(&NORTH, issuer, now())).unwrap();
        let backend = self.stage.backend_for(self.gateway.address, PARKLINE_AUTHORITY);
        let command = Command::errand(&self.stage, &NORTH, "readBarrier").bearing(token);
        self.stage.wait(command.give(&backend)).unwrap().status
    }

    /// What becomes of a command with a session that this issuer signs.
    fn open(&self, issuer: &TokenIssuer) -> u16 {
        let token = issuer.mint(&self.stage.claims_of(issuer)).unwrap();
        let backend = self.stage.backend(self.gateway.address);
        self.stage.wait(Command::new(&self.stage).bearing(token).give(&backend)).unwrap().status
    }

    fn is_told(&self) -> bool {
        ops_page(self.gateway.ops, "/readyz").1.contains("\"reload-failed\"")
    }

    fn reloads(&self, result: &str) -> u64 {
        self.gateway.metric(&format!("portcullis_reloads_total{{result=\"{result}\"}}"))
    }
}

#[test]
fn a_key_that_an_issuer_publishes_is_taken_up_for_nothing_else_and_the_last_good_ones_stay() {
    let scene = Scene::new();
    let stage = &scene.stage;
    let of_sessions = scene.published_as(stage.sessions.name());
    let of_login = scene.published_as(stage.login.name());
    let all_as_before = || {
        assert_eq!((scene.open(&stage.sessions), scene.look(&stage.login)), (200, 200), "what was good");
        assert_eq!((scene.open(&of_sessions), scene.look(&of_login)), (401, 401), "what was not");
        assert_eq!((scene.look(&scene.published_as(PUBLISHED)), scene.gateway.not_ready()), (200, String::new()));
    };
    all_as_before();
    let both = jwks_json(&[stage.login.key(), of_login.key()]);
    let rows: [(&str, &str, Vec<u8>); 2] = [
        ("the key of sessions", "pki/session.key", scene.pem.expose().to_vec()),
        ("one more key of another issuer", "pki/login.jwks", both.into_bytes()),
    ];
    for (what, file, bytes) in rows {
        let (good, failed) = (fs::read(stage.path(file)).unwrap(), scene.reloads("failed"));
        fs::write(stage.path(file), bytes).unwrap();
        until(what, || scene.reloads("failed") > failed || scene.reloads("done") > 0);
        assert!(scene.is_told() && scene.reloads("done") == 0, "{what}");
        all_as_before();
        fs::write(stage.path(file), good).unwrap();
        until("the notice's end", || !scene.is_told());
    }

    // One that nobody publishes is; and is nobody else's to publish from then on.
    let fresh = write_key(stage, "pki/session.key");
    until("another key of sessions", || scene.reloads("done") == 1);
    let pem = Secret::new(fs::read(stage.path("pki/session.key")).unwrap());
    assert_eq!(scene.open(&TokenIssuer::with(stage.sessions.name(), &pem).unwrap()), 200);
    let published = scene.published_as(PUBLISHED);
    scene.publisher.page("/keys", Page::json(&jwks_json(&[published.key(), &fresh])));
    scene.clock.pass(Duration::from_secs(31));
    let stranger = TokenIssuer::new(PUBLISHED, SigningAlgorithm::Es256).unwrap();
    assert_eq!(scene.look(&stranger), 401);
    until("what is published is met", || scene.fetched("key-used-elsewhere") > 0);
    assert_eq!(scene.look(&published), 200);
}
