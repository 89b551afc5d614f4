//! Issuers that publish their keys: over the network as it is, against a publisher that is down, slow, lies, or rotates.

use crate::harness::ByHand;
use crate::harness::Command;
use crate::harness::ENDLESS;
use crate::harness::PUBLISHER;
use crate::harness::Page;
use crate::harness::Publisher;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::Told;
use crate::harness::ops_page;
use crate::harness::until;
use parking_lot::Mutex;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::Backend;
use portcullis::devkit::LOGIN_ISSUER;
use portcullis::devkit::NORTH;
use portcullis::devkit::PARKLINE_AUTHORITY;
use portcullis::devkit::TokenIssuer;
use portcullis::secret::Secret;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A pause after which a request may ask for newer keys again, and a moment.
const PAUSE: Duration = Duration::from_secs(31);

/// An issuer under the one name of the stage's, with a key of its own.
fn issuer() -> TokenIssuer {
    TokenIssuer::new(LOGIN_ISSUER, SigningAlgorithm::Es256).unwrap()
}

fn set(issuers: &[&TokenIssuer]) -> String {
    let keys: Vec<&SigningKey> = issuers.iter().map(|issuer| issuer.key()).collect();
    jwks_json(&keys)
}

/// A gateway whose sign-in issuer publishes its keys, by a clock that is moved by hand.
struct Scene {
    gateway: Served,
    publisher: Publisher,
    clock: Arc<ManualClock>,
    issuer: TokenIssuer,
    stage: Stage,
}

impl Scene {
    /// Its keys are at `/keys`; `jwks` is what the configuration says besides where it is.
    fn new(key: &str, path: &str, jwks: &str) -> Self {
        Self::at(key, path, jwks, |_, _| {})
    }

    fn at(key: &str, path: &str, jwks: &str, before: impl FnOnce(&Stage, &mut Publisher)) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        Self::made(Arc::clone(&clock) as Arc<dyn Clock>, clock, (key, path, jwks), before)
    }

    /// By a clock that is more than the one that is moved by hand.
    fn by(whole: Arc<dyn Clock>, clock: Arc<ManualClock>, jwks: &str) -> Self {
        Self::made(whole, clock, ("url", "/keys", jwks), |_, _| {})
    }

    fn made(
        whole: Arc<dyn Clock>,
        clock: Arc<ManualClock>,
        (key, path, jwks): (&str, &str, &str),
        before: impl FnOnce(&Stage, &mut Publisher),
    ) -> Self {
        let stage = Stage::by(Arc::clone(&whole));
        stage.limit("exchange_timeout_ms: 1500ms, refusal_records_per_peer_per_minute: 10000");
        let mut publisher = Publisher::start(&stage);
        let (issuer, address) = (issuer(), publisher.address);
        publisher.page("/keys", Page::json(&set(&[&issuer])));
        publisher.page("/metadata", Page::json(&metadata(&format!("https://{PUBLISHER}:{}/keys", address.port()))));
        let tls = "tls: {ca: pki/login-authority.pem, certificate: pki/at-login.pem, key: pki/at-login.key}";
        let published = format!("jwks: {{{key}: \"https://{address}{path}\", server_name: {PUBLISHER}, {jwks}{tls}}}");
        stage.edit("gateway.yaml", "jwks: {file: pki/login.jwks}", &published);
        before(&stage, &mut publisher);
        let gateway = Served::by(&stage, whole);
        Self { gateway, publisher, clock, issuer, stage }
    }

    /// A look at a barrier, for which a sign-in token is enough.
    fn look(&self, issuer: &TokenIssuer) -> Command {
        look(&self.stage, self.clock.now().seconds(), issuer)
    }

    fn backend(&self) -> Backend {
        self.stage.backend_for(self.gateway.address, PARKLINE_AUTHORITY)
    }

    /// What becomes of a token of this issuer: status and reason on record.
    fn told(&self, issuer: &TokenIssuer) -> (u16, String) {
        self.told_at(issuer, self.clock.now().seconds())
    }

    /// The same for one that was issued at a given time.
    fn told_at(&self, issuer: &TokenIssuer, at: UnixSeconds) -> (u16, String) {
        let answer = self.stage.wait(look(&self.stage, at, issuer).give(&self.backend())).unwrap();
        let receipt = answer.header("receipt-id").unwrap();
        let records = self.stage.records();
        let record = records.iter().rfind(|record| record.text("receipt") == receipt).unwrap();
        (Told::by(&answer).0, record.text("reason").to_owned())
    }

    #[track_caller]
    fn passes(&self, what: &str) {
        assert_eq!(self.told(&self.issuer), (200, "done".to_owned()), "{what}");
    }

    #[track_caller]
    fn ends(&self, issuer: &TokenIssuer, status: u16, reason: &str) {
        assert_eq!(self.told(issuer), (status, reason.to_owned()));
    }

    /// How many fetches ended so.
    fn fetched(&self, result: &str) -> u64 {
        let series = format!("portcullis_issuer_fetches_total{{issuer=\"{LOGIN_ISSUER}\",result=\"{result}\"}} ");
        let page = self.gateway.metrics();
        page.lines().find_map(|line| line.strip_prefix(series.as_str())).map_or(0, |count| count.parse().unwrap())
    }

    /// A stranger's key makes the gateway ask once more; what it is told is no keys, and those that it has stay in force.
    #[track_caller]
    fn meets(&self, fault: &str, what: &str, path: Option<&str>) {
        let count = || (self.fetched(fault), path.map_or(0, |path| self.publisher.asked(path)));
        let before = count();
        self.clock.advance(PAUSE);
        self.ends(&issuer(), 401, "token-untrusted");
        until(&format!("{what} is met as {fault}"), || count().0 > before.0);
        assert!(path.is_none() || count().1 > before.1, "{what}: nobody asked");
        self.passes(what);
    }
}

fn look(stage: &Stage, at: UnixSeconds, issuer: &TokenIssuer) -> Command {
    let claims = stage.member_of(&NORTH, issuer, at);
    Command::errand(stage, &NORTH, "readBarrier").bearing(issuer.mint(&claims).unwrap())
}

fn metadata(jwks_uri: &str) -> String {
    format!(r#"{{"issuer":"{LOGIN_ISSUER}","jwks_uri":"{jwks_uri}","response_types_supported":["code"]}}"#)
}

#[test]
fn whatever_is_published_instead_of_keys_is_met_and_refused_and_the_last_good_set_stays() {
    let mut scene = Scene::new("url", "/keys", "");
    scene.passes("at the beginning");
    let elsewhere = scene.publisher.another(&scene.stage);
    elsewhere.page("/keys", Page::json(&set(&[&issuer()])));
    let (good, another) = (set(&[&scene.issuer]), set(&[&issuer()]));
    let key = good.trim_start_matches("{\"keys\":[").trim_end_matches("]}").to_owned();
    let other_key = another.trim_start_matches("{\"keys\":[").trim_end_matches("]}").to_owned();
    let kid = format!("\"kid\":\"{}\"", scene.issuer.key().kid());
    let other_kid = other_key.split("\"kid\":").nth(1).unwrap().split('"').nth(1).unwrap();
    let twice = format!("{{\"keys\":[{key},{}]}}", other_key.replace(&format!("\"kid\":\"{other_kid}\""), &kid));
    let private = good.replace("\"kty\"", "\"d\":\"AQAB\",\"kty\"");
    let many: Vec<_> = (0..65).map(|number| key.replace(&kid, &format!("\"kid\":\"{number}\""))).collect();
    assert!(good.contains(&kid) && twice.matches(&kid).count() == 2 && private.contains("\"d\""), "{good} {twice}");
    let json = "Content-Type: application/json\r\n";
    let redirect = format!("Location: https://{}/keys\r\n{json}", elsewhere.address);
    let endless = |framing: &str| Page::Endless(format!("HTTP/1.1 200 OK\r\n{json}{framing}\r\n\r\n"));
    let cut = format!("HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\n\r\n{another}", another.len() + 1);
    let slow =
        format!("HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\n\r\n{}", another.len(), another.trim_end_matches('}'));
    let both = format!(
        "HTTP/1.1 200 OK\r\n{json}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{another}",
        another.len()
    );
    // Ours, for whatever purpose, beside a good one.
    let ours = |name: &str| {
        let pem = Secret::new(std::fs::read(scene.stage.path(name)).unwrap());
        let own = SigningKey::from_pem(&pem).unwrap();
        Page::json(&jwks_json(&[scene.issuer.key(), &own]))
    };
    for (fault, what, page) in [
        ("key-used-elsewhere", "the key of sessions", ours("pki/session.key")),
        ("key-used-elsewhere", "the key of partner tokens", ours("pki/partner-token.key")),
        ("key-used-elsewhere", "the key of requests", ours("pki/partner-signing.key")),
        ("key-used-elsewhere", "the key of the listener", ours("pki/gateway.key")),
        ("status", "a redirect", Page::of("302 Found", &redirect, "")),
        ("status", "a redirect with keys", Page::of("307 Temporary Redirect", &redirect, &another)),
        ("status", "nothing there", Page::of("404 Not Found", json, &another)),
        ("status", "a fault of theirs", Page::of("500 Internal Server Error", json, &another)),
        ("status", "no content", Page::Say(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())),
        ("media-type", "another media type", Page::of("200 OK", "Content-Type: text/html\r\n", &another)),
        ("media-type", "no media type", Page::of("200 OK", "", &another)),
        ("media-type", "a coding", Page::of("200 OK", &format!("{json}Content-Encoding: gzip\r\n"), &another)),
        ("key-set-refused", "garbage", Page::json("<html>garbage")),
        ("key-set-refused", "half a set", Page::json(another.trim_end_matches("]}"))),
        ("key-set-refused", "no keys", Page::json("{\"keys\":[]}")),
        ("key-set-refused", "a private key", Page::json(&private)),
        ("key-set-refused", "one id for two keys", Page::json(&twice)),
        ("key-set-refused", "65 keys", Page::json(&format!("{{\"keys\":[{}]}}", many.join(",")))),
        ("answer-too-large", "a byte too much", Page::json(&" ".repeat(256 * 1024 + 1))),
        ("answer-too-large", "50 MB with a length", endless(&format!("Content-Length: {ENDLESS}"))),
        ("answer-too-large", "50 MB in chunks", endless("Transfer-Encoding: chunked")),
        ("answer-broke-off", "an answer that is cut", Page::BreakOff(cut.into_bytes())),
        ("framing", "two lengths", Page::Say(both.into_bytes())),
        ("status-line", "no HTTP", Page::Say(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n".to_vec())),
        ("timeout", "silence", Page::Hang),
        ("timeout", "a slow one: byte by byte, and never the last", Page::Drip(slow.into_bytes())),
    ] {
        scene.publisher.page("/keys", page);
        scene.meets(fault, what, Some("/keys"));
    }
    assert!(scene.publisher.sent() < ENDLESS / 2, "nobody reads on what is too large: {}", scene.publisher.sent());
    assert_eq!(elsewhere.asked("/keys"), 0, "no redirect is followed");
    scene.publisher.page("/keys", Page::json(&another));
    scene.publisher.swaps_certificates();
    scene.meets("handshake", "a certificate of another authority", None);
    scene.publisher.swaps_certificates();
    scene.publisher.stop(&scene.stage);
    scene.meets("refused", "nobody there", None);
    scene.publisher.resume(&scene.stage);
    // What is good again comes into force with the first request that needs it.
    let fresh = issuer();
    scene.publisher.page("/keys", Page::json(&set(&[&fresh])));
    scene.clock.advance(PAUSE);
    scene.ends(&fresh, 200, "done");
    scene.ends(&scene.issuer, 401, "token-untrusted");
}

#[test]
fn metadata_of_another_issuer_or_that_names_another_host_is_met_and_refused_and_the_last_good_set_stays() {
    let scene = Scene::new("discovery", "/metadata", "");
    scene.passes("at the beginning");
    assert_eq!((scene.publisher.asked("/metadata"), scene.publisher.asked("/keys")), (1, 1));
    let elsewhere = scene.publisher.another(&scene.stage);
    elsewhere.page("/keys", Page::json(&set(&[&issuer()])));
    let (port, keys) = (scene.publisher.address.port(), scene.publisher.asked("/keys"));
    let at_home = format!("https://{PUBLISHER}:{port}/keys");
    let other = |from: &str, to: &str| Page::json(&metadata(&at_home).replace(from, to));
    for (fault, what, page) in [
        ("issuer-mismatch", "another issuer", other(LOGIN_ISSUER, "https://other.prop.example")),
        ("issuer-mismatch", "a slash more", other(LOGIN_ISSUER, &format!("{LOGIN_ISSUER}/"))),
        ("host-not-configured", "another port", Page::json(&metadata(&format!("https://{}/keys", elsewhere.address)))),
        ("host-not-configured", "another host", Page::json(&metadata(&format!("https://127.0.0.2:{port}/keys")))),
        ("host-not-configured", "the cloud", Page::json(&metadata("https://169.254.169.254/keys"))),
        ("metadata-malformed", "no TLS", Page::json(&metadata(&at_home.replace("https", "http")))),
        ("metadata-malformed", "no issuer", other("\"issuer\"", "\"iss\"")),
        ("metadata-malformed", "garbage", Page::json("<html>")),
        ("media-type", "a page for people", Page::of("200 OK", "Content-Type: text/html\r\n", "<html>")),
        ("status", "a redirect", Page::of("301 Moved Permanently", &format!("Location: {at_home}\r\n"), "")),
    ] {
        scene.publisher.page("/metadata", page);
        scene.meets(fault, what, Some("/metadata"));
    }
    assert_eq!((elsewhere.asked("/keys"), scene.publisher.asked("/keys")), (0, keys), "nobody goes on from there");
    // The keys may have moved, at the same place; and be called by its address.
    let fresh = issuer();
    scene.publisher.page("/moved", Page::json(&set(&[&fresh, &scene.issuer])));
    scene.publisher.page("/metadata", Page::json(&metadata(&format!("https://127.0.0.1:{port}/moved"))));
    scene.clock.advance(PAUSE);
    scene.ends(&fresh, 200, "done");
    scene.passes("the key before");
}

#[test]
fn a_key_is_rotated_under_load_and_no_request_fails() {
    let scene = Scene::new("url", "/keys", "");
    scene.passes("at the beginning");
    let stage = &scene.stage;
    let claims = stage.member_of(&NORTH, &scene.issuer, scene.clock.now().seconds());
    let (command, before) = (scene.look(&scene.issuer), set(&[&scene.issuer]));
    let after = Arc::new(issuer());
    let rotated = Arc::new(AtomicBool::new(false));
    let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let progress: Vec<_> = (0..4).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    let old = Arc::new(scene.issuer);
    let backends: Vec<_> =
        progress.iter().map(|_| stage.backend_for(scene.gateway.address, PARKLINE_AUTHORITY)).collect();
    let tasks: Vec<_> = progress
        .iter()
        .zip(backends)
        .map(|(done, backend)| {
            let (stop, rotated, failed, done) =
                (Arc::clone(&stop), Arc::clone(&rotated), Arc::clone(&failed), Arc::clone(done));
            let (old, after, claims, command) = (Arc::clone(&old), Arc::clone(&after), claims.clone(), command.clone());
            stage.beside(async move {
                while !stop.load(Ordering::SeqCst) {
                    let issuer = if rotated.load(Ordering::SeqCst) { &after } else { &old };
                    let answer = command.clone().bearing(issuer.mint(&claims).unwrap()).give(&backend).await.unwrap();
                    if answer.status != 200 {
                        failed.lock().push((answer.status, answer.text()));
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let all_go_on = || {
        let seen: Vec<_> = progress.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        let goes_on = |(done, seen): (&Arc<AtomicUsize>, &usize)| done.load(Ordering::SeqCst) > seen + 4;
        until("everybody goes on", || progress.iter().zip(&seen).all(goes_on));
    };
    all_go_on();
    // As issuers do it: the new key is published, and from the next moment on it signs.
    scene.publisher.page("/keys", Page::json(&set(&[&old, &after])));
    rotated.store(true, Ordering::SeqCst);
    all_go_on();
    stop.store(true, Ordering::SeqCst);
    tasks.into_iter().for_each(|task| stage.wait(task).unwrap());
    assert!(failed.lock().is_empty(), "{:?}", failed.lock());
    assert_eq!(scene.publisher.asked("/keys"), 2, "at the start, and for the first token with the new key");
    assert!(!before.contains(after.key().kid()));
}

#[test]
fn a_flood_of_keys_that_nobody_knows_is_refused_and_asks_for_the_keys_once() {
    let scene = Scene::new("url", "/keys", "");
    scene.passes("at the beginning");
    let before = scene.publisher.asked("/keys");
    let flood: Vec<_> = (0..100)
        .map(|_| {
            let (command, backend) = (scene.look(&issuer()), scene.backend());
            scene.stage.beside(async move { command.give(&backend).await.unwrap().status })
        })
        .collect();
    let statuses: Vec<u16> = flood.into_iter().map(|one| scene.stage.wait(one).unwrap()).collect();
    assert_eq!(statuses, vec![401; 100]);
    assert_eq!(scene.publisher.asked("/keys"), before + 1);
    scene.ends(&issuer(), 401, "token-untrusted");
    assert_eq!(scene.publisher.asked("/keys"), before + 1, "not within thirty seconds");
    scene.passes("beside it");
    scene.clock.advance(PAUSE);
    scene.ends(&issuer(), 401, "token-untrusted");
    assert_eq!(scene.publisher.asked("/keys"), before + 2);
}

#[test]
fn the_last_good_set_counts_to_its_last_second_and_then_its_tokens_are_refused_until_another_comes() {
    let mut scene = Scene::new("url", "/keys", "keep: 5m, ");
    scene.passes("at the beginning");
    assert_eq!(scene.gateway.metric(&format!("portcullis_issuer_keys_keep_seconds{{issuer=\"{LOGIN_ISSUER}\"}}")), 300);
    scene.publisher.stop(&scene.stage);
    let notices = |scene: &Scene| ops_page(scene.gateway.ops, "/readyz");
    scene.clock.advance(Duration::from_secs(300));
    scene.passes("at the limit");
    assert!(!notices(&scene).1.contains("issuer-keys-missing"));
    scene.clock.advance(Duration::from_secs(1));
    scene.ends(&scene.issuer, 503, "issuer-unavailable");
    let (status, told) = notices(&scene);
    assert!(status == 200 && told.contains("issuer-keys-missing"), "{told}");
    let age = format!("portcullis_issuer_keys_age_seconds{{issuer=\"{LOGIN_ISSUER}\"}}");
    until("the age is told", || scene.gateway.metric(&age) == 301);
    // Tokens of others are as good as before.
    let session = scene.stage.resident(&scene.stage.sessions, scene.clock.now().seconds());
    let command =
        Command { time: Some(format!("@{}", scene.clock.now().seconds().get())), ..Command::new(&scene.stage) };
    let command = command.bearing(scene.stage.sessions.mint(&session).unwrap());
    command.told(&scene.stage, scene.gateway.address).is(200, "");
    scene.publisher.resume(&scene.stage);
    scene.clock.advance(PAUSE);
    scene.passes("once it is there again");
    until("the age is told", || scene.gateway.metric(&age) == 0);
    assert!(!notices(&scene).1.contains("issuer-keys-missing"));
}

#[test]
fn a_wall_clock_that_jumps_either_way_loses_no_keys_that_can_be_had_and_prolongs_none() {
    let under = Arc::new(ManualClock::new(SystemClock::new().now()));
    let clock = Arc::new(ByHand::over(Arc::clone(&under) as Arc<dyn Clock>));
    let mut scene = Scene::by(Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&under), "keep: 5m, ");
    let set_by = |minutes: i64| clock.set_by(minutes * 60_000);
    let told = |scene: &Scene| scene.told_at(&scene.issuer, clock.now().seconds());
    assert_eq!(told(&scene), (200, "done".to_owned()));
    // Forwards: by the wall the set is too old; it is had anew with the first request, though no steady time has gone.
    let before = scene.publisher.asked("/keys");
    set_by(10);
    assert_eq!(told(&scene), (200, "done".to_owned()), "they are fetched anew");
    assert_eq!(scene.publisher.asked("/keys"), before + 1);
    // Forwards, and nobody publishes: refused, until somebody does.
    scene.publisher.stop(&scene.stage);
    set_by(10);
    assert_eq!(told(&scene), (503, "issuer-unavailable".to_owned()));
    scene.publisher.resume(&scene.stage);
    under.advance(PAUSE);
    assert_eq!(told(&scene), (200, "done".to_owned()));
    // Back, and nobody publishes: the set counts on, and by steady time to its last second.
    scene.publisher.stop(&scene.stage);
    set_by(-50);
    assert_eq!(told(&scene), (200, "done".to_owned()), "a step back takes no keys away");
    under.advance(Duration::from_secs(301));
    let ends = || told(&scene) == (503, "issuer-unavailable".to_owned());
    until("its end by steady time, whatever the wall says", ends);
}

#[test]
fn a_gateway_starts_though_nobody_publishes_and_goes_on_as_soon_as_somebody_does() {
    let mut scene = Scene::at("url", "/keys", "", |stage, publisher| publisher.stop(stage));
    until("it has been tried", || scene.fetched("refused") > 0);
    let (status, told) = ops_page(scene.gateway.ops, "/readyz");
    assert!(status == 200 && told.contains("issuer-keys-missing"), "{told}");
    scene.ends(&scene.issuer, 503, "issuer-unavailable");
    scene.publisher.resume(&scene.stage);
    scene.clock.advance(PAUSE);
    scene.passes("once somebody publishes");
    assert_eq!(scene.fetched("done"), 1);
}

#[test]
fn keys_are_fetched_anew_when_their_sender_says_without_anybody_asking() {
    let scene = Scene::at("url", "/keys", "", |_, publisher| {
        let fields = "Content-Type: application/jwk-set+json; charset=utf-8\r\nCache-Control: public, max-age=120\r\n";
        publisher.page("/keys", Page::of("200 OK", fields, &set(&[&issuer()])));
    });
    until("they come", || scene.fetched("done") == 1);
    let fields = "Content-Type: application/json\r\nCache-Control: no-cache\r\n";
    scene.publisher.page("/keys", Page::of("200 OK", fields, &set(&[&scene.issuer])));
    scene.clock.advance(Duration::from_secs(104));
    // Nobody can see that nothing happens; what follows can be seen.
    assert_eq!(scene.fetched("done"), 1);
    scene.clock.advance(Duration::from_secs(16));
    until("they come anew", || scene.fetched("done") == 2);
    scene.clock.advance(Duration::from_secs(60));
    until("after a minute at the least", || scene.fetched("done") == 3);
    scene.passes("by the set that came last");
}
