//! Whatever stands in the place of an authorisation server, or does not: the command is refused before it is on record as
//! an intent, the partner receives nothing, and nothing of what was said is told on.

use crate::harness::Command;
use crate::harness::ENDLESS;
use crate::harness::PUBLISHER;
use crate::harness::Page;
use crate::harness::Publisher;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::now;
use portcullis::crypto::SigningAlgorithm;
use portcullis::devkit::NORTH;
use portcullis::devkit::TOKEN_SERVER;
use portcullis::devkit::TokenIssuer;
use portcullis::diagnostic::Diagnostics;

const PARTNER: &str = "https://api.smarthome.example";

const RIGHT: &str = r#"[{"type":"door_access","actions":["see"],"house":"house-1","door":"door-1"}]"#;

/// Stands in what is said instead of a token; whatever shows it tells on what nobody may tell on.
const CANARY: &str = "canary-of-the-server";

/// A stage whose tokens are said to come from pages that the test writes.
struct Scene {
    gateway: Served,
    publisher: Publisher,
    /// A good answer, with a token that the partner takes.
    good: String,
    stage: Stage,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let publisher = Publisher::start(&stage);
        let tls = "tls: {ca: pki/login-authority.pem, certificate: pki/at-login.pem, key: pki/at-login.key}";
        let url = format!("url: \"https://{}/token\", server_name: {PUBLISHER}", publisher.address);
        stage.fetch_from(&format!("{url}, {tls}, scope: doors, timeout: 1s, max_lifetime: 5m"));
        let issuer = TokenIssuer::new(TOKEN_SERVER, SigningAlgorithm::Es256).unwrap();
        stage.takes_tokens_of(TOKEN_SERVER, PARTNER, &issuer.jwks());
        let claims = stage.claims_of(&issuer).with("aud", PARTNER).without("cnf").without("authorization_details");
        let token = issuer.mint(&claims.door_access("house-1", Some("door-1"), &["see"])).unwrap();
        let good = format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":300,"scope":"doors","authorization_details":{RIGHT}}}"#
        );
        Self { gateway: Served::on(&stage), publisher, good, stage }
    }

    fn command(&self) -> Command {
        Command::errand(&self.stage, &NORTH, "readDoor")
    }

    fn fetched(&self, result: &str) -> u64 {
        let series = format!("portcullis_partner_token_fetches_total{{partner=\"smarthome\",result=\"{result}\"}} ");
        let page = self.gateway.metrics();
        page.lines().find_map(|line| line.strip_prefix(series.as_str())).map_or(0, |count| count.parse().unwrap())
    }

    /// A command meets this fault, once, and is refused.
    #[track_caller]
    fn meets(&self, fault: &str, what: &str, asks: bool) {
        let count = || (self.fetched(fault), self.publisher.asked("/token"));
        let before = count();
        let backend = self.stage.backend(self.gateway.address);
        let answer = self.stage.wait(self.command().give(&backend)).unwrap();
        assert_eq!(answer.status, 503, "{what}: {}", answer.text());
        assert!(!answer.text().contains(CANARY), "{what}: {}", answer.text());
        let receipt = answer.header("receipt-id").unwrap();
        let records = self.stage.records();
        let record = records.iter().find(|record| record.text("receipt") == receipt).unwrap();
        let told = (record.text("kind"), record.text("reason"));
        assert_eq!(told, ("refusal", "partner-token-unavailable"), "{what}");
        assert_eq!(count(), (before.0 + 1, before.1 + usize::from(asks)), "{what} as {fault}");
        assert_eq!(self.stage.partner.progress().bytes, 0, "{what}: the partner received something");
    }
}

#[test]
fn without_a_token_that_is_what_was_asked_for_nothing_is_sent() {
    let mut scene = Scene::new();
    let elsewhere = scene.publisher.another(&scene.stage);
    elsewhere.page("/token", Page::json(&scene.good));
    let json = "Content-Type: application/json\r\n";
    let redirect = format!("Location: https://{}/token\r\n{json}", elsewhere.address);
    let error = format!(r#"{{"error":"invalid_client","error_description":"{CANARY}"}}"#);
    let good = scene.good.clone();
    let but = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        Page::json(&good.replacen(from, to, 1))
    };
    let endless = |framing: &str| Page::Endless(format!("HTTP/1.1 200 OK\r\n{json}{framing}\r\n\r\n"));
    let cut = format!("HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\n\r\n{good}", good.len() + 1);
    let both =
        format!("HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{good}", good.len());
    for (fault, what, page) in [
        ("client-refused", "an error", Page::of("400 Bad Request", json, &error)),
        ("client-refused", "a client that is not known", Page::of("401 Unauthorized", json, &error)),
        ("client-refused", "a client that may not", Page::of("403 Forbidden", json, &error)),
        ("status", "a redirect", Page::of("302 Found", &redirect, "")),
        ("status", "a redirect with the request", Page::of("307 Temporary Redirect", &redirect, &good)),
        ("status", "nothing there", Page::of("404 Not Found", json, &good)),
        ("status", "something made", Page::of("201 Created", json, &good)),
        ("status", "a fault of theirs", Page::of("500 Internal Server Error", json, &error)),
        ("media-type", "a page for people", Page::of("200 OK", "Content-Type: text/html\r\n", &good)),
        ("media-type", "no media type", Page::of("200 OK", "", &good)),
        ("media-type", "a coding", Page::of("200 OK", &format!("{json}Content-Encoding: gzip\r\n"), &good)),
        ("answer-malformed", "garbage", Page::json(&format!("<html>{CANARY}"))),
        ("answer-malformed", "half an answer", Page::json(good.trim_end_matches('}'))),
        ("answer-malformed", "an error that is well", Page::json(&error)),
        ("answer-malformed", "a token with a line in it", but("eyJ", &format!("{CANARY}\\r\\nX: "))),
        ("answer-malformed", "a time that is a text", but("300", "\"300\"")),
        ("token-type", "a token of another type", but("Bearer", "DPoP")),
        ("no-expiry", "a token without an end", but(",\"expires_in\":300", "")),
        ("lifetime", "a token that is over", but("300", "0")),
        ("lifetime", "a token that lives too long", but("300", "301")),
        ("grant-differs", "a scope more", but("\"doors\"", "\"doors admin\"")),
        ("grant-differs", "an action more", but("[\"see\"]", "[\"see\",\"open\"]")),
        ("grant-differs", "another door", but("\"door\":\"door-1\"", "\"door\":\"door-2\"")),
        ("grant-differs", "every door of the house", but(",\"door\":\"door-1\"", "")),
        ("grant-differs", "a right that nobody speaks of", but(&format!(",\"authorization_details\":{RIGHT}"), "")),
        ("answer-too-large", "a byte too much", Page::json(&" ".repeat(64 * 1024 + 1))),
        ("answer-too-large", "50 MB with a length", endless(&format!("Content-Length: {ENDLESS}"))),
        ("answer-too-large", "50 MB in chunks", endless("Transfer-Encoding: chunked")),
        ("answer-broke-off", "an answer that is cut", Page::BreakOff(cut.into_bytes())),
        ("framing", "two lengths", Page::Say(both.into_bytes())),
        ("status-line", "no HTTP", Page::Say(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n".to_vec())),
        ("timeout", "silence", Page::Hang),
    ] {
        scene.publisher.page("/token", page);
        scene.meets(fault, what, true);
    }
    assert!(scene.publisher.sent() < ENDLESS / 2, "nobody reads on what is too large: {}", scene.publisher.sent());
    assert_eq!(elsewhere.asked("/token"), 0, "no redirect is followed");
    scene.publisher.page("/token", Page::json(&good));
    scene.publisher.swaps_certificates();
    scene.meets("handshake", "a certificate of another authority", false);
    scene.publisher.swaps_certificates();
    scene.publisher.stop(&scene.stage);
    scene.meets("refused", "nobody there", false);
    scene.publisher.resume(&scene.stage);
    // What is good again is used with the next command that needs it.
    scene.command().told(&scene.stage, scene.gateway.address).is(200, "");
    assert_eq!(scene.stage.partner.refusals(), [""; 0]);
    let kept = std::fs::read_dir(scene.stage.path("state/audit")).unwrap();
    for file in kept.map(|file| file.unwrap().path()).filter(|file| file.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{}", file.display());
    }
}

#[test]
fn rights_are_told_to_no_server_that_nobody_approved() {
    let stage = Stage::new();
    let tls = "tls: {ca: pki/partner-authority.pem}";
    let starts = || {
        let codes = |faults: Diagnostics| faults.iter().map(|fault| fault.code).collect::<Vec<_>>();
        Served::try_on(&stage).map(drop).map_err(codes)
    };
    stage.fetch_from(&format!("url: \"https://as.elsewhere.example/token\", {tls}"));
    assert_eq!(starts(), Err(vec!["requirement-undercut"]));
    stage.edit("gateway.yaml", "as.elsewhere.example/token\"", "127.0.0.1/token\", server_name: as.elsewhere.example");
    assert_eq!(starts(), Ok(()), "a host that is approved for the partner");
    let pinned = "partners:\n  smarthome:\n    ca: [\"{}\"]\n";
    let pin = "ab".repeat(32);
    stage.edit("policies/requirements.yaml", "partners:\n  smarthome:\n", &pinned.replace("{}", &pin));
    // The partner's own authority, and the same at its server.
    assert_eq!(starts(), Err(vec!["requirement-undercut"; 2]));
}

#[test]
fn a_command_does_not_wait_for_a_token_past_its_own_time() {
    let scene = Scene::new();
    scene.publisher.page("/token", Page::Hang);
    // Given nine seconds ago, of the ten that it has: it ends before the server's second is over, or with it.
    let mut command = Command::new(&scene.stage);
    command.time = Some(format!("@{}", now().get() - 9));
    let told = command.told(&scene.stage, scene.gateway.address);
    assert!(told.0 == 503 || told.0 == 403, "{told:?}");
    assert_eq!(scene.stage.partner.progress().bytes, 0);
}
