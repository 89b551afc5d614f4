//! The partner token: minted for one command, one action, one object (RFC 9068, RFC 9396). It names the person by the
//! partner's pseudonym and ends with the command's `max_age`. Its claim `audit_log` tells how far our audit log has come: `origin`,
//! `size` and `root` of the newest checkpoint (C2SP tlog-checkpoint). Whoever keeps tokens can hold the log to that later.

use crate::clock::UnixSeconds;
use crate::crypto;
use crate::crypto::encode_base64url;
use crate::json;
use crate::model::Sha256;
use crate::model::TraceParent;
use crate::model::TreeHead;
use crate::partner::fault::PartnerFault;
use crate::partner::line::PartnerSettings;
use crate::protect::Protected;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The `typ` of partner tokens: no other token that we make or take has it.
const PARTNER_TOKEN: &str = "partner-token+jwt";

/// A token for one command, and its `jti`.
pub struct Voucher {
    token: String,
    jti: String,
    /// Of the command that it was minted for.
    command: Sha256,
    expires_at: UnixSeconds,
    /// The trace of this command, which no other party knows.
    trace: Option<TraceParent>,
}

impl Voucher {
    /// The command's id at the partner: random, ours, sent as the receipt too, and named by the partner's events.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The first second in which the partner no longer takes it.
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

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// The digest of the command that it was minted for, and may go with.
    pub(super) const fn command(&self) -> Sha256 {
        self.command
    }
}

impl PartnerSettings {
    /// Mints a token that is valid from `now` until its lifetime is over, and never past `good_until`. With `seen`, the partner
    /// becomes a witness of our record.
    pub(super) fn mint(
        &self,
        protected: &Protected,
        good_until: Option<UnixSeconds>,
        seen: Option<&TreeHead>,
        now: UnixSeconds,
    ) -> Result<Voucher, PartnerFault> {
        let longest = now.plus(self.lifetime_s);
        let expires = good_until.map_or(longest, |limit| limit.min(longest));
        if expires <= now {
            return Err(PartnerFault::TooOld);
        }
        let jti = encode_base64url(&crypto::random::<16>());
        let payload = self.claims(protected, &jti, seen, now, expires);
        let token = self.keys.first().sign_jws(PARTNER_TOKEN, &payload).map_err(|_| PartnerFault::Signing)?;
        Ok(Voucher { token, jti, command: protected.digest(), expires_at: expires, trace: None })
    }

    fn claims(
        &self,
        protected: &Protected,
        jti: &str,
        seen: Option<&TreeHead>,
        now: UnixSeconds,
        expires: UnixSeconds,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let mut text = |name: &str, value: &str| {
            out.push(if out.is_empty() { b'{' } else { b',' });
            json::write_string(name, &mut out);
            out.push(b':');
            json::write_string(value, &mut out);
        };
        text("iss", &self.issuer);
        text("aud", &self.audience);
        text("client_id", &self.client_id);
        text("jti", jti);
        if let Some(subject) = protected.subject() {
            text("sub", subject);
        }
        let times = format!(",\"iat\":{},\"nbf\":{},\"exp\":{}", now.get(), now.get(), expires.get());
        out.extend_from_slice(times.as_bytes());
        if let Some((kind, action)) = protected.right() {
            out.extend_from_slice(b",\"authorization_details\":[{\"type\":");
            json::write_string(kind, &mut out);
            out.extend_from_slice(b",\"actions\":[");
            json::write_string(action, &mut out);
            out.push(b']');
            for (kind, id) in protected.object() {
                out.push(b',');
                json::write_string(kind.word(), &mut out);
                out.push(b':');
                json::write_string(id, &mut out);
            }
            out.extend_from_slice(b"}]");
        }
        if let Some(TreeHead { origin, size, root }) = seen {
            out.extend_from_slice(b",\"audit_log\":{\"origin\":");
            json::write_string(origin, &mut out);
            let root = STANDARD.encode(root.as_bytes());
            out.extend_from_slice(format!(",\"size\":{size},\"root\":\"{root}\"}}").as_bytes());
        }
        out.push(b'}');
        out
    }
}
