//! Commands with a session that is not theirs, or not for this, or no longer one.

use super::BACKEND;
use super::DOOR;
use super::Request;
use super::Row;
use super::Who;
use super::World;
use super::claims;
use crate::harness::TOKEN_PATH;
use crate::harness::fresh_key;
use portcullis::crypto::encode_base64url;
use portcullis::crypto::sha256;
use portcullis::devkit::AppKey;
use portcullis::devkit::LOGIN_ISSUER;
use portcullis::devkit::NORTH;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::TokenClaims;
use portcullis::json::Number;
use portcullis::json::Object;
use portcullis::json::Value;
use std::slice;

const UNKNOWN: (u16, &str) = (401, "unauthenticated");
const NOT_FOUND: (u16, &str) = (404, "not-found");

struct Rows<'w> {
    world: &'w World,
    rows: Vec<Row>,
}

/// All rows.
pub fn rows(world: &World) -> Vec<Row> {
    let mut rows = Rows { world, rows: Vec::new() };
    rows.proofs();
    rows.replays();
    rows.forged();
    rows.substituted();
    rows.taken_back();
    rows.beyond();
    rows.rows
}

impl Rows<'_> {
    fn row(&mut self, name: &str, request: Request, told: (u16, &'static str), reason: &'static str) {
        self.rows.push(Row { name: name.to_owned(), request, told, reason });
    }

    /// The command at the first door with the good session and these proofs.
    fn proving(&mut self, name: &str, proofs: &[String], reason: &'static str) {
        let request = self.open(&self.world.session, proofs);
        self.row(&format!("proof: {name}"), request, UNKNOWN, reason);
    }

    fn open(&self, session: &str, proofs: &[String]) -> Request {
        Request::open(DOOR, &format!("DPoP {session}"), proofs)
    }

    /// The command at the first door with a session, and a good proof for it.
    fn proven(&self, session: &str) -> Request {
        self.open(session, &[self.world.proof_for(session)])
    }

    /// A proof by the session's key with claims that `change` makes of good ones.
    fn changed(&self, change: impl FnOnce(&mut Object)) -> String {
        let (app, session) = (&self.world.stage.app, &self.world.session);
        let mut claims = AppKey::claims("POST", &format!("{PUBLIC_URL}{DOOR}"), Some(session), None, self.world.now());
        change(&mut claims);
        app.sign(&app.header(""), &claims).unwrap()
    }

    fn proofs(&mut self) {
        let (world, session) = (self.world, self.world.session.clone());
        let (app, thief, now) = (&world.stage.app, &world.thief, world.now());
        let url = format!("{PUBLIC_URL}{DOOR}");
        self.row("the session as it is meant to be used", self.proven(&session), (200, ""), "done");
        self.row("the same by a replica", self.proven(&session).from(Who::Replica), (200, ""), "done");
        self.proving("none", &[], "dpop-missing");
        let bearer = Request::open(DOOR, &format!("Bearer {session}"), &[]);
        self.row("a stolen session as a bearer token", bearer, UNKNOWN, "token-malformed");
        let bearer = Request::open(DOOR, &format!("Bearer {session}"), &[world.proof_for(&session)]);
        self.row("the same with its proof", bearer, UNKNOWN, "token-malformed");
        let foreign = thief.proof("POST", &url, Some(&session), None, now).unwrap();
        self.proving("of the thief's key", &[foreign], "cnf-mismatch");
        let good = AppKey::claims("POST", &url, Some(&session), None, now);
        let in_name = thief.sign(&app.header(""), &good).unwrap();
        self.proving("by the thief under the app's key", &[in_name], "dpop-proof-invalid");
        let two = [world.proof_for(&session), world.proof_for(&session)];
        self.proving("two", &two, "dpop-proof-invalid");
        let joined = format!("{}, {}", world.proof_for(&session), world.proof_for(&session));
        self.proving("two in one field", &[joined], "dpop-proof-invalid");
        for method in ["GET", "PUT", "post", "POST "] {
            let proof = self.changed(|claims| claims.insert("htm", method).map_or((), drop));
            self.proving(&format!("for the method `{method}`"), &[proof], "dpop-proof-invalid");
        }
        for target in [
            format!("{PUBLIC_URL}/v1/houses/house-1/doors/door-2/open"),
            format!("{PUBLIC_URL}/v1/houses/house-2/doors/door-1/open"),
            format!("{PUBLIC_URL}/v1/houses/house-1/doors/door-1/status"),
            format!("{PUBLIC_URL}{TOKEN_PATH}"),
            format!("{PUBLIC_URL}{DOOR}/"),
            format!("{PUBLIC_URL}{DOOR}%2F"),
            format!("{PUBLIC_URL}/?{DOOR}"),
            format!("https://smarthome.gateway.prop.example{DOOR}"),
            format!("{PUBLIC_URL}:8443{DOOR}"),
            format!("{PUBLIC_URL}.other.example{DOOR}"),
            format!("{}{DOOR}", PUBLIC_URL.replace("https", "http")),
            DOOR.to_owned(),
        ] {
            let proof = self.changed(|claims| claims.insert("htu", target.as_str()).map_or((), drop));
            self.proving(&format!("for {target}"), &[proof], "dpop-proof-invalid");
        }
        let digest = |text: &str| Value::from(encode_base64url(sha256(text.as_bytes()).as_bytes()));
        for (name, ath) in [
            ("for another session of the app", digest(&world.second)),
            ("for the session without its signature", digest(session.rsplit_once('.').unwrap().0)),
            ("for no token", Value::Null),
        ] {
            let proof = self.changed(|claims| claims.insert("ath", ath).map_or((), drop));
            self.proving(name, &[proof], "dpop-proof-invalid");
        }
        self.proving(
            "that was made for the token endpoint",
            &[world.proof("POST", TOKEN_PATH, None)],
            "dpop-proof-invalid",
        );
        self.times();
    }

    fn times(&mut self) {
        let now = self.world.now().get();
        let at = |rows: &Self, iat: u64| {
            rows.changed(|claims| claims.insert("iat", Number::try_from(iat).unwrap()).map_or((), drop))
        };
        for (name, iat) in [("a second too old", now - 61), ("a second too far ahead", now + 6), ("of 1970", 0)] {
            let proof = at(self, iat);
            self.proving(name, &[proof], "dpop-not-timely");
        }
        let command = self.open(&self.world.session.clone(), &[at(self, now - 11)]);
        self.row("a command that is a second too old", command, (403, "command-not-timely"), "command-too-old");
        let said = self.proven(&self.world.session.clone()).with("Command-Time", &format!("@{}", now - 1));
        self.row("a command of two times", said, (400, "invalid-request"), "command-time-invalid");
        let nonce = self.changed(|claims| claims.insert("nonce", "AAAAAAAAAAAAAAAAAAAAAA").map_or((), drop));
        self.proving("with a nonce of another run", &[nonce], "dpop-nonce-needed");
    }

    fn replays(&mut self) {
        let world = self.world;
        let used = self.proven(&world.session);
        let proof = used.fields.last().unwrap().1.clone();
        assert_eq!(world.send(&used).status, 200);
        self.row("a command once more, as it was", used, UNKNOWN, "dpop-replay");
        self.proving("used by another command", slice::from_ref(&proof), "dpop-replay");
        let elsewhere = self.open(&world.session, slice::from_ref(&proof)).from(Who::Replica);
        self.row("a proof used before another replica", elsewhere, UNKNOWN, "dpop-replay");
        let jti = claims(&proof)["jti"].as_str().unwrap().to_owned();
        let namesake = self.changed(|claims| {
            claims.insert("jti", jti.as_str());
            claims.insert("iat", Number::try_from(world.now().get() - 1).unwrap());
        });
        self.proving("of another second with a used name", &[namesake], "dpop-replay");
        // Used for getting a session, and then at the door under the same name.
        let at_the_endpoint = world.proof("POST", TOKEN_PATH, None);
        let exchange = world.exchange(&world.user()).proven(&[&at_the_endpoint]);
        assert_eq!(world.stage.wait(exchange.give_once(&world.backend)).status, 200);
        let jti = claims(&at_the_endpoint)["jti"].as_str().unwrap().to_owned();
        let namesake = self.changed(|claims| claims.insert("jti", jti.as_str()).map_or((), drop));
        self.proving("with a name that was used at the token endpoint", &[namesake], "dpop-replay");
    }

    /// With a session that its own issuer's key has signed, after `change`.
    fn minted(&mut self, name: &str, reason: &'static str, change: impl FnOnce(TokenClaims) -> TokenClaims) {
        let stage = &self.world.stage;
        let key = Object::from_iter([("jkt", stage.app.jkt())]);
        let good = stage.resident(&stage.sessions, self.world.now()).with("cnf", key).acted_by(BACKEND);
        let session = stage.sessions.mint(&change(good)).unwrap();
        let told = if reason == "done" { (200, "") } else { UNKNOWN };
        let request = self.proven(&session);
        self.row(&format!("a session {name}"), request, told, reason);
    }

    fn forged(&mut self) {
        let now = self.world.now().get();
        let number = |value: u64| Number::try_from(value).unwrap();
        let object = |name: &'static str, value: &str| Object::from_iter([(name, value)]);
        let jkt = self.world.stage.app.jkt().to_owned();
        self.minted("as its issuer signs them", "done", |claims| claims);
        self.minted("of another backend", "actor-mismatch", |claims| claims.acted_by("spiffe://prop.example/other"));
        self.minted("of a backend whose name begins alike", "actor-mismatch", |claims| {
            claims.acted_by("spiffe://prop.example/back")
        });
        self.minted("of nobody's", "actor-mismatch", |claims| claims.without("act"));
        self.minted("of a backend and what else", "actor-mismatch", |claims| {
            claims.with("act", Object::from_iter([("sub", BACKEND), ("iss", "https://other.example")]))
        });
        self.minted("bound to nothing", "token-binding", |claims| claims.without("cnf"));
        self.minted("bound by an empty cnf", "token-binding", |claims| claims.with("cnf", Object::new()));
        self.minted("bound to the key and by unknown means", "token-binding", |claims| {
            claims.with("cnf", Object::from_iter([("jkt", jkt.as_str()), ("kid", "a")]))
        });
        self.minted("bound to a cut thumbprint", "token-malformed", |claims| {
            claims.with("cnf", object("jkt", jkt.get(1..).unwrap()))
        });
        self.minted("for somebody else", "token-audience", |claims| claims.with("aud", "https://other.example"));
        self.minted("of the identity provider, by its own word", "token-untrusted", |claims| {
            claims.with("iss", LOGIN_ISSUER)
        });
        self.minted("of a second longer than sessions live", "token-expired", |claims| {
            claims.with("exp", number(now + 301))
        });
        self.minted("from the future", "token-expired", |claims| {
            claims.with("iat", number(now + 6)).with("exp", number(now + 60))
        });
        self.minted("that ends now", "token-expired", |claims| claims.with("exp", number(now)));
        self.minted("without a name", "token-malformed", |claims| claims.without("jti"));
        self.minted("without a user", "token-malformed", |claims| claims.without("sub"));
        let expired = self.proven(&self.world.expired.clone());
        self.row("a session whose second is over", expired, UNKNOWN, "token-expired");
        let (good, second) = (&self.world.session, &self.world.second);
        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (one, two) = (parts(good), parts(second));
        let mixed = [one[0].clone(), two[1].clone(), one[2].clone()].join(".");
        let request = self.proven(&mixed);
        self.row("the claims of one session under the signature of another", request, UNKNOWN, "token-signature");
    }

    fn substituted(&mut self) {
        let world = self.world;
        let login = world.stage.login.mint(&world.stage.member_of(&NORTH, &world.stage.login, world.now())).unwrap();
        let request = Request::open(DOOR, &format!("Bearer {login}"), &[]);
        self.row("the user's own token", request, (403, "forbidden"), "session-required");
        let request = self.proven(&login);
        self.row("the user's own token, with a proof", request, UNKNOWN, "token-malformed");
        let proof = world.proof_for(&world.session);
        let request = self.open(&proof.clone(), &[proof]);
        self.row("a proof in place of a session", request, UNKNOWN, "token-malformed");
        let request = self.proven(&world.session).from(Who::Other);
        self.row("a session that another backend brings", request, UNKNOWN, "actor-mismatch");
        let request = self.proven(&world.session).with("Authorization", &format!("DPoP {}", world.second));
        self.row("two sessions", request, UNKNOWN, "token-malformed");
    }

    fn taken_back(&mut self) {
        for (what, session) in &self.world.taken_back {
            let request = self.proven(session);
            self.rows.push(Row {
                name: format!("a session whose {what} was revoked"),
                request,
                told: (403, "forbidden"),
                reason: "revoked",
            });
        }
        let request = self.proven(&self.world.session.clone()).from(Who::Revoked);
        self.row(
            "a session by a machine whose certificate was revoked",
            request,
            (403, "forbidden"),
            "certificate-revoked",
        );
    }

    /// What the session is not for.
    fn beyond(&mut self) {
        let world = self.world;
        let at = |door: &str, session: &str| {
            let proof = world.proof("POST", door, Some(session));
            Request::open(door, &format!("DPoP {session}"), &[proof])
        };
        for (name, door, reason) in [
            ("another door", "/v1/houses/house-1/doors/door-2/open", "policy-denied"),
            ("a door of another house", "/v1/houses/house-2/doors/door-1/open", "policy-denied"),
            ("a door that is not there", "/v1/houses/house-1/doors/no-such-door/open", "resource-unknown"),
        ] {
            self.row(name, at(door, &world.session), NOT_FOUND, reason);
        }
        self.row("opening with the right to see", at(DOOR, &world.seeing), NOT_FOUND, "policy-denied");
        for (name, body) in [
            ("another user in the body", r#"{"userId":"resident-petrova","deviceId":"phone-of-ivanov"}"#),
            ("another device in the body", r#"{"userId":"resident-ivanov","deviceId":"phone-of-petrova"}"#),
        ] {
            let request = self.proven(&world.session).saying(body);
            self.row(name, request, (403, "forbidden"), "identifier-mismatch");
        }
        let request = self.proven(&world.session).with("Idempotency-Key", &fresh_key());
        self.row("two keys", request, (400, "invalid-request"), "idempotency-key-invalid");
    }
}
