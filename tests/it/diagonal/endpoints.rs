//! Every kind of token, got where it is given out, at every endpoint of every listener, in every way in which a token can
//! come there: only the diagonal passes. Where a certificate decides, a token beside it changes nothing. The admin socket is
//! not here: it knows people by their uid, and an order has no place for a token.

use crate::harness::Captured;
use crate::harness::Exchange;
use crate::harness::Inbound;
use crate::harness::PATIENCE;
use crate::harness::Served;
use crate::harness::Stage;
use crate::harness::TOKEN_PATH;
use crate::harness::Told;
use crate::harness::fresh_key;
use crate::harness::member;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use portcullis::crypto::SivKey;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_HOST;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::SESSION_ISSUER;
use portcullis::model::DataClass;
use portcullis::model::IdentifierKind;
use portcullis::model::Name;
use portcullis::protect::Protector;
use portcullis::secret::Secret;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

const PARTNERS_ISSUER: &str = "https://smarthome.gateway.prop.example";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const JWT_BEARER: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// What the session may do: what the two operations at the backend's listener ask for.
const RIGHTS: &str = r#"[{"type":"door_access","house":"house-1","door":"door-1","actions":["open","see"]}]"#;

/// What is given out, and what is made for one request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    /// By the gateway to a backend, for its user's app.
    Session,
    /// By the identity provider.
    SignIn,
    /// By the identity provider, to the app about its user.
    Identity,
    /// By the gateway to a partner that calls.
    Client,
    /// By the partner's client, about itself.
    Assertion,
    /// By the gateway for one command, taken from what the partner received.
    Partner,
    /// By the app, for this request.
    Proof,
}

/// Where a token decides something.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Place {
    OpenDoor,
    ReadDoor,
    Exchange,
    ReadGrant,
    ClientToken,
    /// What is the one listener's, at the other.
    OpenDoorAtPartners,
    ReadGrantAtBackends,
    ExchangeAtPartners,
    ClientTokenAtBackends,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Session, Self::SignIn, Self::Identity, Self::Client, Self::Assertion, Self::Partner, Self::Proof];
}

impl Place {
    const ALL: [Self; 9] = [
        Self::OpenDoor,
        Self::ReadDoor,
        Self::Exchange,
        Self::ReadGrant,
        Self::ClientToken,
        Self::OpenDoorAtPartners,
        Self::ReadGrantAtBackends,
        Self::ExchangeAtPartners,
        Self::ClientTokenAtBackends,
    ];

    /// Why what does not belong there is refused; at the other listener there is no such thing, whatever comes along.
    const fn reasons(self) -> &'static [&'static str] {
        match self {
            // The last is a proof beside a token that needs none.
            Self::OpenDoor => &["token-malformed", "token-untrusted", "session-required", "dpop-proof-invalid"],
            Self::ReadDoor | Self::ReadGrant => &["token-malformed", "token-untrusted"],
            Self::Exchange => &["token-malformed", "token-untrusted", "exchange-refused"],
            // Some have a type that assertions may have, and their issuers' keys are none of the client's.
            Self::ClientToken => &["token-malformed", "token-untrusted"],
            Self::OpenDoorAtPartners => &["unknown-operation"],
            Self::ReadGrantAtBackends => &["method-not-declared"],
            Self::ExchangeAtPartners | Self::ClientTokenAtBackends => &["token-request-invalid"],
        }
    }
}

/// The diagonal: reading takes two kinds.
const BELONGS: [(Kind, Place); 6] = [
    (Kind::Session, Place::OpenDoor),
    (Kind::Session, Place::ReadDoor),
    (Kind::SignIn, Place::ReadDoor),
    (Kind::SignIn, Place::Exchange),
    (Kind::Client, Place::ReadGrant),
    (Kind::Assertion, Place::ClientToken),
];

/// A gateway by a clock that stands still, with both who come to it, and one token of each kind that lasts.
struct World {
    gateway: Served,
    stage: Inbound,
    clock: Arc<ManualClock>,
    backend: Backend,
    caller: Backend,
    session: String,
    client: String,
    partner: String,
    /// The command's receipt.
    receipt: String,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let stage = Stage::by(clock.clone());
        stage.limit("refusal_records_per_peer_per_minute: 10000, peer_rate_per_second: 100000");
        let stage = Inbound::on(stage);
        let gateway = Served::by(&stage, clock.clone());
        // Past the time in which an earlier run may have taken a proof or an assertion.
        clock.advance(Duration::from_secs(100));
        let (backend, caller) = (stage.backend(gateway.address), stage.caller(gateway.partners));
        let nothing = String::new;
        let (session, client, partner, receipt) = (nothing(), nothing(), nothing(), nothing());
        let mut world = Self { gateway, stage, clock, backend, caller, session, client, partner, receipt };
        let answer = world.exchanged(&world.token(Kind::SignIn, Place::Exchange));
        world.session = member(&answer, "access_token").unwrap_or_else(|| panic!("{}", answer.text()));
        let answer = world.client_token(&world.caller, &world.token(Kind::Assertion, Place::ClientToken), None);
        world.client = member(&answer, "access_token").unwrap_or_else(|| panic!("{}", answer.text()));
        let opened = world.asked(&world.backend, Place::OpenDoor, "DPoP", &world.session, true);
        assert_eq!(opened.status, 200, "{}", opened.text());
        opened.header("receipt-id").unwrap().clone_into(&mut world.receipt);
        let sent = Captured::last(&world.stage.partner);
        sent.field("authorization").strip_prefix("Bearer ").unwrap().clone_into(&mut world.partner);
        world
    }

    /// A token of this kind, which nobody has used where that counts.
    fn token(&self, kind: Kind, place: Place) -> String {
        let now = self.clock.now().seconds();
        let user = self.stage.member_of(&NORTH, &self.stage.login, now);
        match kind {
            Kind::Session => self.session.clone(),
            Kind::Client => self.client.clone(),
            Kind::Partner => self.partner.clone(),
            Kind::SignIn => self.stage.login.mint(&user).unwrap(),
            Kind::Identity => {
                let header = format!(r#"{{"alg":"ES256","kid":"{}","typ":"JWT"}}"#, self.stage.login.key().kid());
                let claims = user.with("aud", "development-app").with("nonce", "n-0S6_WzA2Mj");
                self.stage.login.mint_raw(&header, &claims.text()).unwrap()
            }
            Kind::Assertion => self.stage.kit.client_assertion(PARTNERS_ISSUER, &fresh_key(), now).unwrap(),
            Kind::Proof => {
                let (method, target, _) = self.request(place);
                self.stage.app.proof(method, &format!("{PUBLIC_URL}{target}"), None, None, now).unwrap()
            }
        }
    }

    /// Method, target and body of what a place is.
    fn request(&self, place: Place) -> (&'static str, String, String) {
        let errand = |operation: &str| {
            let errand = NORTH.errands("").into_iter().find(|errand| errand.operation == operation).unwrap();
            (errand.method, errand.target, errand.body.unwrap_or_default())
        };
        match place {
            Place::OpenDoor | Place::OpenDoorAtPartners => errand("openDoor"),
            Place::ReadDoor => errand("readDoor"),
            Place::ReadGrant | Place::ReadGrantAtBackends => ("GET", self.path_of_grant(), String::new()),
            _ => ("POST", TOKEN_PATH.to_owned(), String::new()),
        }
    }

    /// The path of a grant by the name that the partner knows it by.
    fn path_of_grant(&self) -> String {
        let seed = Secret::new(fs::read(self.stage.path("pki/pseudonym.key")).unwrap());
        let protector = Protector::new(Name::new("smarthome").unwrap(), SivKey::from_secret(&seed).unwrap());
        let (tenant, kind) = (Name::new("north").unwrap(), Some(IdentifierKind::Request));
        let grant = protector.pseudonym(&tenant, DataClass::Identifier, kind, "grant-1").unwrap();
        format!("/v1/houses/house-1/grants/{grant}")
    }

    fn proof(&self, method: &str, target: &str, token: Option<&str>) -> String {
        self.stage.app.proof(method, &format!("{PUBLIC_URL}{target}"), token, None, self.clock.now().seconds()).unwrap()
    }

    /// Asks for an operation with this token under a scheme, and a proof of the app's key for it or none.
    fn asked(&self, who: &Backend, place: Place, scheme: &str, token: &str, proven: bool) -> BackendAnswer {
        let (method, target, body) = self.request(place);
        let (authorization, key) = (format!("{scheme} {token}"), fresh_key());
        let proof = self.proof(method, &target, Some(token));
        let mut fields = vec![("Authorization", authorization.as_str())];
        if proven {
            fields.push(("DPoP", &proof));
        }
        if !body.is_empty() {
            fields.extend([("Content-Type", "application/json"), ("Idempotency-Key", &key)]);
        }
        self.stage.wait(who.call(method, &target, &fields, body.as_bytes())).unwrap()
    }

    fn exchange_of(&self, subject: &str) -> Exchange {
        let exchange = Exchange::of(&self.stage, subject.to_owned());
        exchange.with("authorization_details", RIGHTS).proven(&[&self.proof("POST", TOKEN_PATH, None)])
    }

    fn exchanged(&self, subject: &str) -> BackendAnswer {
        self.stage.wait(self.exchange_of(subject).give_once(&self.backend))
    }

    fn client_token(&self, who: &Backend, assertion: &str, authorization: Option<&str>) -> BackendAnswer {
        let form = format!(
            "grant_type=client_credentials&scope=grants.read&client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
        );
        let mut fields = vec![FORM];
        fields.extend(authorization.map(|authorization| ("Authorization", authorization)));
        self.stage.wait(who.call("POST", TOKEN_PATH, &fields, form.as_bytes())).unwrap()
    }

    /// What becomes of a token there, in each of the ways in which it can come.
    fn met(&self, kind: Kind, place: Place) -> Vec<BackendAnswer> {
        let token = || self.token(kind, place);
        let ways = |who: &Backend| {
            let ways = [("Bearer", false), ("Bearer", true), ("DPoP", false), ("DPoP", true)];
            ways.map(|(scheme, proven)| self.asked(who, place, scheme, &token(), proven)).to_vec()
        };
        let types = ["access_token", "jwt"].map(|name| format!("urn:ietf:params:oauth:token-type:{name}"));
        let exchanges = |who: &Backend| {
            let one = |kind: &String| self.exchange_of(&token()).with("subject_token_type", kind);
            types.iter().map(|kind| self.stage.wait(one(kind).give_once(who))).collect()
        };
        match place {
            Place::OpenDoor | Place::ReadDoor | Place::ReadGrantAtBackends => ways(&self.backend),
            Place::ReadGrant | Place::OpenDoorAtPartners => ways(&self.caller),
            Place::Exchange => exchanges(&self.backend),
            Place::ExchangeAtPartners => exchanges(&self.caller),
            Place::ClientToken => vec![self.client_token(&self.caller, &token(), None)],
            Place::ClientTokenAtBackends => vec![self.client_token(&self.backend, &token(), None)],
        }
    }

    /// What was done for anybody by now: requests at the partner and at the backend, sessions and tokens given out.
    fn done(&self) -> [usize; 4] {
        let records = self.stage.records();
        let of = |kind: &str| records.iter().filter(|record| record.text("kind") == kind).count();
        let requests = self.stage.partner.progress().requests;
        [requests, self.stage.receiver.asked().len(), of("session"), of("token")]
    }

    fn reason(&self, answer: &BackendAnswer) -> String {
        let receipt = answer.header("receipt-id").unwrap();
        let records = self.stage.records();
        records.iter().rfind(|record| record.text("receipt") == receipt).unwrap().text("reason").to_owned()
    }
}

#[test]
fn every_kind_of_token_is_good_at_its_own_endpoints_and_for_nothing_at_any_other() {
    let world = World::new();
    let (mut passed, mut strange) = (BTreeSet::new(), Vec::new());
    for place in Place::ALL {
        for kind in Kind::ALL {
            let before = world.done();
            let answers = world.met(kind, place);
            let good = answers.iter().filter(|answer| answer.status == 200).count();
            for answer in answers.iter().filter(|answer| answer.status != 200) {
                let reason = world.reason(answer);
                // A good one in another way than it belongs: without its proof, or with one that nobody asked for.
                let astray = good > 0 && matches!(&*reason, "token-malformed" | "dpop-missing" | "dpop-proof-invalid");
                assert!((400..500).contains(&answer.status), "{kind:?} at {place:?}: {}", answer.text());
                if !astray && !place.reasons().contains(&&*reason) {
                    strange.push(format!("{kind:?} at {place:?}: {reason}"));
                }
            }
            let did: usize = world.done().iter().zip(before).map(|(now, before)| now - before).sum();
            assert_eq!(did, good, "{kind:?} at {place:?}: nothing is done for who is refused");
            if good > 0 {
                passed.insert((kind, place));
            }
        }
    }
    assert!(strange.is_empty(), "refused for something else: {}", strange.join(", "));
    assert_eq!(passed, BTreeSet::from(BELONGS));
}

#[test]
fn beside_what_proves_who_asks_for_a_token_no_token_is_taken_and_what_came_with_it_is_not_used_up() {
    let world = World::new();
    let (before, mut last) = (world.done(), None);
    for kind in Kind::ALL {
        let authorization = format!("Bearer {}", world.token(kind, Place::Exchange));
        let subject = world.token(Kind::SignIn, Place::Exchange);
        let exchange = world.exchange_of(&subject);
        let both = exchange.clone().field("Authorization", &authorization);
        let answer = world.stage.wait(both.give_once(&world.backend));
        assert_eq!(
            (answer.status, member(&answer, "error").as_deref()),
            (400, Some("unauthorized_client")),
            "{kind:?}"
        );
        let assertion = world.token(Kind::Assertion, Place::ClientToken);
        let answer = world.client_token(&world.caller, &assertion, Some(&authorization));
        assert_eq!((answer.status, member(&answer, "error").as_deref()), (401, Some("invalid_client")), "{kind:?}");
        assert_eq!(world.done(), before, "{kind:?}");
        last = Some((exchange, assertion));
    }
    // The same by themselves are good.
    let (exchange, assertion) = last.unwrap();
    assert_eq!(world.stage.wait(exchange.give_once(&world.backend)).status, 200);
    assert_eq!(world.client_token(&world.caller, &assertion, None).status, 200);
    let [partner, backend, sessions, tokens] = before;
    assert_eq!(world.done(), [partner, backend, sessions + 1, tokens + 1]);
}

#[test]
fn where_a_certificate_decides_a_token_changes_nothing_for_whoever_has_one() {
    let world = World::new();
    let (stage, before) = (&world.stage, world.done());
    let public = stage.backend_for(world.gateway.address, PUBLIC_HOST);
    let metadata = SESSION_ISSUER.strip_prefix(PUBLIC_URL).unwrap();
    let metadata = format!("/.well-known/oauth-authorization-server{metadata}");
    let (backend, caller) = (&world.backend, &world.caller);
    let rows: [(&Backend, &str, &str, &str, u16); 14] = [
        (backend, "GET", &format!("/-/receipts/{}", world.receipt), "", 200),
        (backend, "POST", "/-/revocations", "{}", 400),
        (backend, "POST", "/-/events", "{}", 404),
        (backend, "PUT", "/-/directory", "{}", 403),
        (backend, "GET", "/-/jwks", "", 404),
        (backend, "GET", "/-/checkpoint", "", 404),
        (backend, "GET", "/-/nothing", "", 404),
        (&public, "GET", &metadata, "", 200),
        (caller, "POST", "/-/events", "{}", 403),
        (caller, "GET", "/-/jwks", "", 200),
        (caller, "GET", "/-/oauth/jwks", "", 200),
        (caller, "GET", "/.well-known/oauth-authorization-server", "", 200),
        (caller, "GET", &format!("/-/receipts/{}", world.receipt), "", 404),
        (caller, "PUT", "/-/directory", "{}", 404),
    ];
    let mut alones = Vec::new();
    for (who, method, path, body, status) in rows {
        let told = |authorization: Option<&str>| {
            let mut fields: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", *value)).collect();
            if !body.is_empty() {
                fields.push(("Content-Type", "application/json"));
            }
            let answer = stage.wait(who.call(method, path, &fields, body.as_bytes())).unwrap();
            let content = if answer.status == 200 { answer.text() } else { String::new() };
            (Told::by(&answer), content)
        };
        let alone = told(None);
        alones.push((path, alone.0.0, status));
        for kind in Kind::ALL {
            for scheme in ["Bearer", "DPoP"] {
                let authorization = format!("{scheme} {}", world.token(kind, Place::Exchange));
                assert_eq!(told(Some(&authorization)), alone, "{scheme} {kind:?} at {method} {path}");
            }
        }
    }
    let strange: Vec<_> = alones.iter().filter(|(_, told, expected)| told != expected).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert_eq!(world.done(), before);
}

#[test]
fn the_ops_listener_gives_its_pages_to_everybody_alike_and_nothing_for_a_token() {
    let world = World::new();
    let status = |method: &str, path: &str, authorization: &str| {
        let mut socket = TcpStream::connect(world.gateway.ops).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(socket, "{method} {path} HTTP/1.1\r\nHost: a\r\n{authorization}Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    let before = world.done();
    for (method, path) in [
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/-/status"),
        ("GET", "/-/checkpoint"),
        ("GET", "/-/receipts/x"),
        ("POST", TOKEN_PATH),
        ("POST", "/-/revocations"),
        ("POST", "/v1/houses/house-1/doors/door-1/open"),
    ] {
        let alone = status(method, path, "");
        let is_page = method == "GET" && path != "/-/receipts/x";
        assert_eq!(alone == "200", is_page, "{method} {path}: {alone}");
        for kind in Kind::ALL {
            let authorization = format!("Authorization: Bearer {}\r\n", world.token(kind, Place::Exchange));
            assert_eq!(status(method, path, &authorization), alone, "{kind:?} at {method} {path}");
        }
    }
    assert_eq!(world.done(), before);
}
