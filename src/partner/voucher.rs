//! What goes with one command to its partner: a token, the id by which our record and the partner know the command, and until
//! when both are good. The id is ours and goes with this command alone, whoever made the token.

use crate::clock::UnixSeconds;
use crate::crypto;
use crate::crypto::encode_base64url;
use crate::model::Sha256;
use crate::model::TraceParent;
use crate::model::TreeHead;
use crate::partner::fetched::Held;
use crate::protect::Protected;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A token for one command, and the command's id.
pub struct Voucher {
    bearer: Bearer,
    jti: String,
    /// Of the command that it is for.
    command: Sha256,
    expires_at: UnixSeconds,
    /// The trace of this command, which no other party knows.
    trace: Option<TraceParent>,
    /// What of our record the partner is told in a field, where the token does not say it.
    seen: Option<String>,
}

/// A token, and where it comes from.
pub(super) enum Bearer {
    /// Minted for this command; its `jti` is the command's id.
    Minted(String),
    /// Fetched from the partner's authorisation server, for this command or for an earlier one of the same right.
    Fetched(Held),
}

impl Voucher {
    /// A token for `protected` that goes under `jti`, and is used before `expires_at`.
    pub(super) fn new(bearer: Bearer, jti: String, protected: &Protected, expires_at: UnixSeconds) -> Self {
        Self { bearer, jti, command: protected.digest(), expires_at, trace: None, seen: None }
    }

    /// An id that nobody has had.
    pub(super) fn fresh_id() -> String {
        encode_base64url(&crypto::random::<16>())
    }

    /// The same, with a field that makes the partner a witness of our record (RFC 9651 §3.2).
    pub(super) fn telling(self, seen: Option<&TreeHead>) -> Self {
        let written = |seen: &TreeHead| {
            // A log's name needs no escape.
            let TreeHead { origin, size, root } = seen;
            format!("origin=\"{origin}\", size={size}, root=:{}:", STANDARD.encode(root.as_bytes()))
        };
        Self { seen: seen.map(written), ..self }
    }

    /// The command's id at the partner: random, ours, sent as the receipt too, and named by the partner's events.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The first second in which it may no longer be used.
    #[must_use]
    pub const fn expires_at(&self) -> UnixSeconds {
        self.expires_at
    }

    /// The same, for a command of this trace: the partner is told it, so it is the partner's alone.
    #[must_use]
    pub fn traced(self, trace: TraceParent) -> Self {
        Self { trace: Some(trace), ..self }
    }

    /// The trace that the partner is told.
    #[must_use]
    pub const fn trace(&self) -> Option<TraceParent> {
        self.trace
    }

    /// What the partner is told of our record beside the token.
    pub(super) fn seen(&self) -> Option<&str> {
        self.seen.as_deref()
    }

    pub(super) fn token(&self) -> &str {
        match &self.bearer {
            Bearer::Minted(token) => token,
            Bearer::Fetched(held) => held.token(),
        }
    }

    /// The partner does not take the token: one that would go with further commands goes with none.
    pub(super) fn refused(&self) {
        match &self.bearer {
            Bearer::Minted(_) => {}
            Bearer::Fetched(held) => held.forget(),
        }
    }

    /// The digest of the command that it is for, and may go with.
    pub(super) const fn command(&self) -> Sha256 {
        self.command
    }
}
