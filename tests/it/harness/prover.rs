//! An app instance that proves its key (RFC 9449) as the gateway of its stage wants it proven: dated by the gateway's clock, and
//! with a nonce of its, without which no proof is taken in the first minute after a start.
//!
//! A gateway in this process is asked for both directly, so that its records hold what the test did and nothing else. One in a
//! process of its own is heard: it asks for a nonce once, and the next proof has it. That it must be asked for, and how, is
//! the matter of `proofs.rs` and `sessions/proofs.rs`.

use crate::harness::stage::now;
use parking_lot::Mutex;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::decode_base64url;
use portcullis::devkit::AppKey;
use portcullis::devkit::PUBLIC_URL;
use portcullis::pipeline::Core;
use portcullis::pipeline::Gate;
use std::sync::Arc;
use std::sync::Weak;

/// What the proofs on a stage go by.
#[derive(Default)]
pub struct Desk {
    /// The gateway that began last, while it runs in this process.
    here: Mutex<Weak<Core>>,
    /// The nonce that one in a process of its own gave out last.
    heard: Mutex<Option<String>>,
}

impl Desk {
    /// A gateway has begun in this process.
    pub fn meets(&self, gate: &Gate) {
        *self.here.lock() = Arc::downgrade(gate.core());
        *self.heard.lock() = None;
    }

    /// A gateway has begun in a process of its own.
    pub fn forgets(&self) {
        *self.here.lock() = Weak::new();
        *self.heard.lock() = None;
    }

    fn now(&self) -> UnixSeconds {
        self.here.lock().upgrade().map_or_else(now, |core| core.clock.now().seconds())
    }

    fn nonce(&self) -> Option<String> {
        let here = self.here.lock().upgrade();
        here.map(|core| core.guard.nonce(core.clock.now())).or_else(|| self.heard.lock().clone())
    }
}

/// An app instance.
#[derive(Clone)]
pub struct Prover {
    key: Arc<AppKey>,
    desk: Arc<Desk>,
}

impl Prover {
    /// One with this key, at a stage's desk.
    pub fn new(key: &Arc<AppKey>, desk: &Arc<Desk>) -> Self {
        Self { key: Arc::clone(key), desk: Arc::clone(desk) }
    }

    /// A new proof for a request with this token, made at `at`, or now.
    pub fn proof(&self, method: &str, target: &str, token: &str, at: Option<UnixSeconds>) -> String {
        self.proof_with(self.desk.nonce().as_deref(), method, target, token, at)
    }

    /// The same for a nonce.
    pub fn proof_for(&self, nonce: &str, method: &str, target: &str, token: &str, at: Option<UnixSeconds>) -> String {
        self.proof_with(Some(nonce), method, target, token, at)
    }

    /// Has the next proofs bring this nonce, where their gateway is in a process of its own.
    pub fn hears(&self, nonce: &str) {
        *self.desk.heard.lock() = Some(nonce.to_owned());
    }

    fn proof_with(
        &self,
        nonce: Option<&str>,
        method: &str,
        target: &str,
        token: &str,
        at: Option<UnixSeconds>,
    ) -> String {
        let path = target.split('?').next().unwrap();
        let at = at.unwrap_or_else(|| self.desk.now());
        self.key.proof(method, &format!("{PUBLIC_URL}{path}"), Some(token), nonce, at).unwrap()
    }
}

/// Whether a token says that it is bound to a key.
pub fn is_bound_to_key(token: &str) -> bool {
    let payload = token.split('.').nth(1).and_then(decode_base64url);
    let claims: Option<serde_json::Value> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    claims.is_some_and(|claims| claims["cnf"]["jkt"].is_string())
}
