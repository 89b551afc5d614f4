//! The partner token: minted for one command, one action, one object (RFC 9068, RFC 9396). It names the person by the
//! partner's pseudonym and ends with the command's `max_age`.

use crate::clock::UnixSeconds;
use crate::crypto;
use crate::crypto::encode_base64url;
use crate::json;
use crate::model::Sha256;
use crate::model::TraceParent;
use crate::partner::fault::PartnerFault;
use crate::partner::line::PartnerSettings;
use crate::protect::Protected;

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
    /// The token's id: random, ours, and named by the partner's events.
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
    /// Mints a token that is valid from `now` until its lifetime is over, and never past `good_until`.
    pub(super) fn mint(
        &self,
        protected: &Protected,
        good_until: Option<UnixSeconds>,
        now: UnixSeconds,
    ) -> Result<Voucher, PartnerFault> {
        let longest = now.plus(self.lifetime_s);
        let expires = good_until.map_or(longest, |limit| limit.min(longest));
        if expires <= now {
            return Err(PartnerFault::TooOld);
        }
        let jti = encode_base64url(&crypto::random::<16>());
        let payload = self.claims(protected, &jti, now, expires);
        let token = self.key.sign_jws("at+jwt", &payload).map_err(|_| PartnerFault::Signing)?;
        Ok(Voucher { token, jti, command: protected.digest(), expires_at: expires, trace: None })
    }

    fn claims(&self, protected: &Protected, jti: &str, now: UnixSeconds, expires: UnixSeconds) -> Vec<u8> {
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
        out.push(b'}');
        out
    }
}
