//! Keys that are exchanged while partners call: a partner's own, by which it proves itself, and the gateway's, which sign its
//! tokens. Nobody who asks meanwhile is refused, and a file that is none leaves what was good.

use crate::callers::FORM;
use crate::callers::ISSUER;
use crate::callers::Intercom;
use crate::callers::JWT_BEARER;
use crate::callers::TOKEN;
use crate::callers::bearer;
use crate::harness::Inbound;
use crate::harness::until;
use crate::harness::write_key;
use parking_lot::Mutex;
use portcullis::clock::Clock;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::SigningKey;
use portcullis::crypto::jwks_json;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::CLIENT_ID;
use portcullis::secret::Secret;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

const KEYS: &str = "pki/smarthome-client.jwks";

/// How many ask at a time.
const ASKING: usize = 3;

/// What those who ask have in common.
struct Shared {
    caller: Backend,
    clock: Arc<dyn Clock>,
    path: String,
    next: AtomicUsize,
    key: Mutex<Arc<SigningKey>>,
    stopped: AtomicBool,
    /// How often each of them was told how it stands with the grant.
    told: [AtomicUsize; ASKING],
    /// What one of them was told otherwise.
    failed: Mutex<Vec<String>>,
}

/// Everybody who asks, and with which key.
struct Load<'i> {
    intercom: &'i Intercom,
    shared: Arc<Shared>,
}

/// An assertion of the partner's by this key.
fn asserted_by(key: &SigningKey, id: &str, now: UnixSeconds) -> String {
    let (now, client) = (now.get(), CLIENT_ID);
    let claims = json!({"iss": client, "sub": client, "aud": ISSUER, "jti": id, "iat": now, "exp": now + 60});
    key.sign_jws("client-authentication+jwt", claims.to_string().as_bytes()).unwrap()
}

fn form_of(assertion: &str) -> String {
    format!(
        "grant_type=client_credentials&scope=grants.read&client_assertion_type={JWT_BEARER}&client_assertion={assertion}"
    )
}

impl Shared {
    /// One who asks for a token and then with it, again and again; and is never refused.
    async fn asks(&self, which: usize) {
        while !self.stopped.load(Ordering::SeqCst) {
            match self.once().await {
                Ok(()) => drop(self.told[which].fetch_add(1, Ordering::SeqCst)),
                Err(what) => self.failed.lock().push(what),
            }
        }
    }

    async fn once(&self) -> Result<(), String> {
        let key = Arc::clone(&self.key.lock());
        let id = format!("under-load-{}", self.next.fetch_add(1, Ordering::SeqCst));
        let form = form_of(&asserted_by(&key, &id, self.clock.now().seconds()));
        let given =
            self.caller.call("POST", TOKEN, &[FORM], form.as_bytes()).await.map_err(|fault| format!("{fault:?}"))?;
        if given.status != 200 {
            return Err(format!("no token: {}", given.text()));
        }
        let token: Value = serde_json::from_slice(&given.body).unwrap();
        let bearer = bearer(token["access_token"].as_str().unwrap());
        let asked = self.caller.call("GET", &self.path, &[("Authorization", &bearer)], b"").await;
        let told = asked.map_err(|fault| format!("{fault:?}"))?;
        if told.status == 200 { Ok(()) } else { Err(format!("a token, and no answer: {}", told.text())) }
    }
}

impl Intercom {
    /// What becomes of a request for a token by this key.
    fn asks_by(&self, key: &SigningKey) -> BackendAnswer {
        self.ask(&form_of(&asserted_by(key, &self.id(), self.now())))
    }

    fn reloads(&self, result: &str) -> u64 {
        self.gateway.metric(&format!("portcullis_reloads_total{{result=\"{result}\"}}"))
    }

    /// Puts a file in place at once, and waits until it is taken up, or refused.
    fn takes_up(&self, name: &str, content: &str, result: &str) {
        let before = self.reloads(result);
        let fresh = self.stage.path(&format!("{name}.fresh"));
        fs::write(&fresh, content).unwrap();
        fs::rename(fresh, self.stage.path(name)).unwrap();
        until(result, || self.reloads(result) > before);
    }
}

impl<'i> Load<'i> {
    fn new(intercom: &'i Intercom) -> Self {
        let pem = Secret::new(fs::read(intercom.stage.path("pki/partner-itself.key")).unwrap());
        let shared = Shared {
            caller: intercom.caller.clone(),
            clock: Arc::clone(&intercom.clock) as Arc<dyn Clock>,
            path: intercom.path(),
            next: AtomicUsize::new(0),
            key: Mutex::new(Arc::new(SigningKey::from_pem(&pem).unwrap())),
            stopped: AtomicBool::new(false),
            told: Default::default(),
            failed: Mutex::default(),
        };
        Self { intercom, shared: Arc::new(shared) }
    }

    fn key(&self) -> Arc<SigningKey> {
        Arc::clone(&self.shared.key.lock())
    }

    /// Waits until everybody has begun and ended a round from now on, and nobody was refused.
    fn goes_round(&self) {
        let before: Vec<usize> = self.shared.told.iter().map(|told| told.load(Ordering::SeqCst)).collect();
        until("everybody goes on", || {
            assert_eq!(*self.shared.failed.lock(), [""; 0]);
            self.shared.told.iter().zip(&before).all(|(told, before)| told.load(Ordering::SeqCst) >= before + 2)
        });
    }

    /// Runs `rotate` while everybody asks.
    fn beside(&self, rotate: impl FnOnce()) {
        let asks = |which: usize| {
            let shared = Arc::clone(&self.shared);
            self.intercom.stage.beside(async move { shared.asks(which).await })
        };
        let asking: Vec<_> = (0..ASKING).map(asks).collect();
        self.goes_round();
        rotate();
        self.goes_round();
        self.shared.stopped.store(true, Ordering::SeqCst);
        asking.into_iter().for_each(|one| self.intercom.stage.wait(one).unwrap());
        assert_eq!(*self.shared.failed.lock(), [""; 0]);
    }
}

/// A gateway with two keys for its tokens, and a partner with a key of its own.
fn intercom() -> Intercom {
    let stage = Inbound::new();
    stage.edit(
        "gateway.yaml",
        "clients: {keys: pki/clients.key}",
        "clients: {keys: [pki/clients.key, pki/clients-next.key]}",
    );
    write_key(&stage, "pki/clients-next.key");
    let own = write_key(&stage, "pki/partner-itself.key");
    fs::write(stage.path(KEYS), jwks_json(&[&own])).unwrap();
    Intercom::on(stage)
}

#[test]
fn a_partners_key_is_exchanged_under_load_with_no_failed_request_and_the_old_one_is_nobodys_then() {
    let intercom = intercom();
    let load = Load::new(&intercom);
    let (old, new) = (load.key(), Arc::new(write_key(&intercom.stage, "pki/partner-new.key")));
    let refused = |key: &SigningKey| intercom.met(&intercom.asks_by(key));
    assert_eq!(refused(&new), (401, "token-untrusted".into()), "nobody knows it yet");
    load.beside(|| {
        intercom.takes_up(KEYS, &jwks_json(&[&old, &new]), "done");
        *load.shared.key.lock() = Arc::clone(&new);
        // Whoever still asks with the old one has been answered.
        load.goes_round();
        intercom.takes_up(KEYS, &jwks_json(&[&new]), "done");
    });
    assert_eq!(refused(&old), (401, "token-untrusted".into()));
}

#[test]
fn a_file_of_a_partners_keys_that_is_none_leaves_the_last_good_ones_and_is_told() {
    let intercom = intercom();
    let load = Load::new(&intercom);
    let own = load.key();
    let good = jwks_json(&[&own]);
    load.beside(|| {
        for bad in ["", "no keys", r#"{"keys":[]}"#, good.get(..good.len() - 9).unwrap()] {
            intercom.takes_up(KEYS, bad, "failed");
            assert!(intercom.gateway.metrics().contains("portcullis_notice{notice=\"reload-failed\"} 1\n"), "{bad}");
            load.goes_round();
        }
        // Taken back, it is as if nothing had been.
        fs::write(intercom.stage.path(KEYS), &good).unwrap();
        until("the notice is gone", || !intercom.gateway.metrics().contains("notice=\"reload-failed\""));
    });
    assert_eq!(intercom.reloads("done"), 0);
    // A key of ours is no partner's, wherever it lies.
    intercom.takes_up(KEYS, &jwks_json(&[&own, &intercom.own]), "failed");
    assert_eq!(intercom.asks_by(&own).status, 200);
    assert_eq!(intercom.asks_by(&intercom.own).status, 401);
}

#[test]
fn the_keys_of_callers_tokens_are_exchanged_under_load_with_no_failed_request_and_tokens_before_stay_good() {
    let intercom = intercom();
    let load = Load::new(&intercom);
    let jwks = || {
        let told = intercom.stage.wait(intercom.caller.call("GET", "/-/oauth/jwks", &[], b"")).unwrap();
        let told: Value = serde_json::from_slice(&told.body).unwrap();
        let kids = told["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned());
        kids.collect::<Vec<_>>()
    };
    let before = jwks();
    let given = intercom.asks_by(&load.key());
    let first: Value = serde_json::from_slice(&given.body).unwrap();
    load.beside(|| {
        // What the two files hold changes places: the next one signs, and the first still verifies.
        let done = intercom.reloads("done");
        let place = |name: &str| intercom.stage.path(name);
        for (from, to) in [("clients", "aside"), ("clients-next", "clients"), ("aside", "clients-next")] {
            fs::rename(place(&format!("pki/{from}.key")), place(&format!("pki/{to}.key"))).unwrap();
        }
        until("the change", || intercom.reloads("done") > done);
    });
    let turned: Vec<String> = before.iter().rev().cloned().collect();
    assert_eq!(jwks(), turned, "the first of them signs");
    let told = intercom.status(&[&bearer(first["access_token"].as_str().unwrap())]);
    assert_eq!(told.status, 200, "a token of before: {}", told.text());
}
