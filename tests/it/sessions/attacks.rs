//! Requests for a session that must be refused, each in its own way, over one gateway; after each, a good one is answered.

use super::Scene;
use crate::harness::Exchange;
use crate::harness::Stage;
use crate::harness::member;
use crate::harness::now;
use crate::harness::proof_by;
use portcullis::crypto::SigningAlgorithm;
use portcullis::crypto::encode_base64url;
use portcullis::crypto::sha256;
use portcullis::devkit::AppKey;
use portcullis::devkit::PUBLIC_URL;
use portcullis::devkit::TokenClaims;
use portcullis::json::Number;
use portcullis::json::Object;

/// One request, what it is told, and why by the record.
struct Row {
    name: String,
    exchange: Exchange,
    status: u16,
    /// `error`, or the last word of a problem's type.
    error: &'static str,
    reason: &'static str,
}

struct Rows<'s> {
    stage: &'s Stage,
    rows: Vec<Row>,
}

impl Rows<'_> {
    fn row(&mut self, name: &str, exchange: Exchange, status: u16, error: &'static str, reason: &'static str) {
        self.rows.push(Row { name: name.to_owned(), exchange, status, error, reason });
    }

    fn good(&self) -> Exchange {
        Exchange::new(self.stage)
    }

    fn form(&mut self, name: &str, exchange: Exchange) {
        self.row(name, exchange, 400, "invalid_request", "token-request-invalid");
    }

    /// A request with claims that `change` makes of the user's good ones.
    fn subject(&mut self, name: &str, reason: &'static str, change: impl FnOnce(TokenClaims) -> TokenClaims) {
        let login = &self.stage.login;
        let token = login.mint(&change(self.stage.resident(login, now()))).unwrap();
        self.row(name, Exchange::of(self.stage, token), 400, "invalid_request", reason);
    }

    fn forms(&mut self) {
        for name in ["grant_type", "subject_token", "subject_token_type"] {
            let without = self.good().without(name);
            self.form(&format!("without {name}"), without);
            let empty = self.good().with(name, "");
            self.form(&format!("{name} empty"), empty);
        }
        for name in ["grant_type", "subject_token", "authorization_details"] {
            let value = self.good().form.iter().find(|(known, _)| known == name).unwrap().1.clone();
            let twice = self.good().also(name, &value);
            self.form(&format!("{name} twice"), twice);
        }
        // A key that is merely named is nobody's, and nobody speaks for another actor.
        for name in ["cnf", "jkt", "dpop_jkt", "actor_token", "actor_token_type", "client_secret", "act", "Scope"] {
            let unknown = self.good().also(name, self.stage.app.jkt());
            self.form(&format!("unknown parameter {name}"), unknown);
        }
        let types = "urn:ietf:params:oauth:token-type:";
        for name in ["id_token", "refresh_token", "saml2"] {
            let subject = self.good().with("subject_token_type", &format!("{types}{name}"));
            self.form(&format!("a subject of the type {name}"), subject);
            let requested = self.good().with("requested_token_type", &format!("{types}{name}"));
            self.form(&format!("a request for {name}"), requested);
        }
        for value in ["0", "301", "-1", "1e2", "5m", "18446744073709551617"] {
            let lifetime = self.good().with("expires_in", value);
            self.form(&format!("a lifetime of {value}"), lifetime);
        }
        for grant in ["client_credentials", "authorization_code", "refresh_token"] {
            let other = self.good().with("grant_type", grant);
            self.row(grant, other, 400, "unsupported_grant_type", "token-request-invalid");
        }
        for name in ["audience", "resource"] {
            let other = self.good().with(name, "https://api.smarthome.example");
            self.row(name, other, 400, "invalid_target", "exchange-refused");
        }
        let other = self.good().with("client_id", "development-app");
        self.row("a client_id that is not the peer's name", other, 401, "invalid_client", "client-refused");
        let scope = self.good().with("scope", "doors:all");
        self.row("a scope that the user has not", scope, 400, "invalid_scope", "exchange-refused");
        let both = self.good().field("Authorization", "Basic YTpi");
        self.row("a secret beside the certificate", both, 400, "unauthorized_client", "exchange-refused");
        let json = Exchange { media_type: "application/json", ..self.good() };
        self.row("JSON", json, 415, "unsupported-media-type", "media-type-not-declared");
        let query = Exchange { target: "/-/oauth/token?a=b".to_owned(), ..self.good() };
        self.row("a query", query, 400, "invalid-request", "query-invalid");
    }

    fn proofs(&mut self) {
        let app = &self.stage.app;
        let (url, at) = (format!("{PUBLIC_URL}/-/oauth/token"), now());
        let proof = |method: &str, url: &str, token: Option<&str>, at| app.proof(method, url, token, None, at).unwrap();
        let long_ago = portcullis::clock::UnixSeconds::new(at.get() - 3_600);
        let subject = self.good().form.iter().find(|(name, _)| name == "subject_token").unwrap().1.clone();
        for (name, proofs, reason) in [
            ("no proof", vec![], "dpop-missing"),
            ("two proofs", vec![proof_by(app, None), proof_by(app, None)], "dpop-proof-invalid"),
            ("no token at all", vec!["a.b.c".to_owned()], "dpop-proof-invalid"),
            ("for GET", vec![proof("GET", &url, None, at)], "dpop-proof-invalid"),
            ("for a door", vec![proof("POST", &format!("{PUBLIC_URL}/v1/houses"), None, at)], "dpop-proof-invalid"),
            (
                "for another host",
                vec![proof("POST", "https://other.example/-/oauth/token", None, at)],
                "dpop-proof-invalid",
            ),
            ("for the use of a token", vec![proof("POST", &url, Some(&subject), at)], "dpop-proof-invalid"),
            ("an hour old", vec![proof("POST", &url, None, long_ago)], "dpop-not-timely"),
        ] {
            let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
            let exchange = self.good().proven(&proofs);
            self.row(&format!("proof: {name}"), exchange, 400, "invalid_dpop_proof", reason);
        }
    }

    fn subjects(&mut self) {
        let other_key = AppKey::new(SigningAlgorithm::Es256).unwrap();
        let other_peer = encode_base64url(sha256(b"another certificate").as_bytes());
        let cnf = |name: &'static str, value: &str| Object::from_iter([(name, value)]);
        let number = |value: u64| Number::try_from(value).unwrap();
        let gateway = || "https://gateway.prop.example".into();
        self.subject("bound to a key, which its issuer may not do", "token-binding", |claims| {
            claims.bound_to(&other_key)
        });
        self.subject("bound to another peer", "token-binding", |claims| {
            claims.with("cnf", cnf("x5t#S256", &other_peer))
        });
        self.subject("bound by unknown means", "token-binding", |claims| claims.with("cnf", cnf("kid", "a")));
        self.subject("bound to an empty cnf", "token-binding", |claims| claims.with("cnf", Object::new()));
        self.subject("expired", "token-expired", |claims| claims.with("exp", number(now().get() - 1)));
        self.subject("for an hour and a second", "token-expired", |claims| {
            claims.with("exp", number(now().get() + 3_601))
        });
        self.subject("for somebody else", "token-audience", |claims| claims.with("aud", "https://other.example"));
        self.subject("for somebody else, too", "exchange-refused", |claims| {
            claims.with("aud", vec![gateway(), "https://other.example".into()])
        });
        self.subject("of another app", "exchange-refused", |claims| claims.with("client_id", "another-app"));
        self.subject("issued to another app", "exchange-refused", |claims| claims.with("azp", "another-app"));
        self.subject("for another actor", "exchange-refused", |claims| {
            claims.with("may_act", cnf("sub", "spiffe://prop.example/other"))
        });
        self.subject("for an actor who is said in other words", "exchange-refused", |claims| {
            claims.with("may_act", cnf("client_id", super::BACKEND))
        });
        self.subject("that somebody acts by", "exchange-refused", |claims| claims.acted_by(super::BACKEND));
        self.subject("without a subject", "token-malformed", |claims| claims.without("sub"));
        self.subject("of an unknown issuer", "token-untrusted", |claims| claims.with("iss", "https://other.example"));
        let stage = self.stage;
        let session = stage.sessions.mint(&stage.claims().without("act")).unwrap();
        self.row("a session token", Exchange::of(stage, session), 400, "invalid_request", "exchange-refused");
        let header = format!(r#"{{"alg":"ES256","kid":"{}","typ":"JWT"}}"#, stage.login.key().kid());
        let id = stage.login.mint_raw(&header, &stage.resident(&stage.login, now()).text()).unwrap();
        self.row("an ID token", Exchange::of(stage, id), 400, "invalid_request", "token-malformed");
        let mut forged = stage.login.mint(&stage.resident(&stage.login, now())).unwrap();
        let place = forged.len() - 10..forged.len() - 9;
        let other = if forged.get(place.clone()) == Some("A") { "Q" } else { "A" };
        forged.replace_range(place, other);
        self.row("a forged token", Exchange::of(stage, forged), 400, "invalid_request", "token-signature");
        self.row("no JWT", Exchange::of(stage, "opaque".to_owned()), 400, "invalid_request", "token-malformed");
    }

    fn rights(&mut self) {
        let right = |text: &str| text.replace('\'', "\"");
        let without = self.good().without("authorization_details");
        self.row("no rights", without, 400, "invalid_authorization_details", "token-request-invalid");
        for text in [
            "",
            "[]",
            "{}",
            "door-1",
            "[{'type':'payment','house':'house-1','actions':['open']}]",
            "[{'type':'door_access','house':'house-1','actions':['open'],'until':'never'}]",
            "[{'type':'door_access','house':'house-1','actions':[]}]",
            "[{'type':'door_access','actions':['open']}]",
        ] {
            let asked = self.good().with("authorization_details", &right(text));
            self.row(&format!("rights: {text}"), asked, 400, "invalid_authorization_details", "token-request-invalid");
        }
        for text in [
            "[{'type':'door_access','house':'house-1','door':'door-2','actions':['open']}]",
            "[{'type':'door_access','house':'house-1','actions':['open']}]",
            "[{'type':'door_access','house':'house-2','door':'door-1','actions':['open']}]",
            "[{'type':'door_access','house':'house-1','door':'door-1','actions':['lock']}]",
            "[{'type':'house_access','house':'house-1','actions':['sync-face']}]",
            "[{'type':'barrier_access','house':'house-1','barrier':'gate-1','actions':['open']}]",
        ] {
            let asked = self.good().with("authorization_details", &right(text));
            self.row(&format!("beyond the user's: {text}"), asked, 400, "access_denied", "policy-denied");
        }
    }
}

#[test]
fn every_exchange_that_must_not_be_is_refused_for_its_own_reason_and_nothing_of_it_is_told() {
    let scene = Scene::new();
    let backend = scene.backend();
    let mut rows = Rows { stage: &scene.stage, rows: Vec::new() };
    rows.forms();
    rows.proofs();
    rows.subjects();
    rows.rights();
    let rows = rows.rows;
    assert!(rows.len() >= 80, "{}", rows.len());
    for Row { name, exchange, status, error, reason } in &rows {
        let answer = scene.exchange(exchange, &backend);
        let told =
            member(&answer, "error").or_else(|| member(&answer, "type").map(|kind| kind.replace("/problems/", "")));
        assert_eq!((answer.status, told.as_deref()), (*status, Some(*error)), "{name}");
        if answer.status < 402 && member(&answer, "error").is_some() {
            assert_eq!(answer.text(), format!(r#"{{"error":"{error}"}}"#), "{name}: one word and no more");
        }
        assert_eq!(scene.last_reason(), *reason, "{name}");
    }
    assert_eq!(scene.exchange(&Exchange::new(&scene.stage), &backend).status, 200);
    // Another backend's certificate is as good, and may exchange nothing.
    let answer = scene.exchange(&Exchange::unbound(&scene.stage), &scene.replica("spiffe://prop.example/other"));
    assert_eq!((answer.status, member(&answer, "error").as_deref()), (400, Some("unauthorized_client")));
    assert_eq!(scene.stage.records().iter().filter(|record| record.text("kind") == "session").count(), 1);
    assert_eq!(scene.stage.partner.progress().bytes, 0);
}
