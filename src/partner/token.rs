//! The partner token that we mint: for one command, one action, one object (RFC 9068, RFC 9396). It names the person by the
//! partner's pseudonym and ends with the command's `max_age`. Its claim `audit_log` tells how far our audit log has come: `origin`,
//! `size` and `root` of the newest checkpoint (C2SP tlog-checkpoint). Whoever keeps tokens can hold the log to that later.

use crate::clock::UnixSeconds;
use crate::crypto::PublishedKeys;
use crate::json;
use crate::model::TreeHead;
use crate::partner::fault::PartnerFault;
use crate::partner::right::details;
use crate::partner::voucher::Bearer;
use crate::partner::voucher::Voucher;
use crate::protect::Protected;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The `typ` of partner tokens: no other token that we make or take has it.
const PARTNER_TOKEN: &str = "partner-token+jwt";

/// What the tokens that are minted for a partner say, and what signs them.
pub struct Minting {
    /// The claim `iss`.
    pub issuer: Box<str>,
    /// The claim `aud`.
    pub audience: Box<str>,
    /// The claim `client_id`.
    pub client_id: Box<str>,
    /// What signs them.
    pub keys: PublishedKeys,
    /// The longest that one is valid, in seconds.
    pub lifetime_s: u64,
}

impl Minting {
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
        let jti = Voucher::fresh_id();
        let payload = self.claims(protected, &jti, seen, now, expires);
        let token = self.keys.first().sign_jws(PARTNER_TOKEN, &payload).map_err(|_| PartnerFault::Signing)?;
        Ok(Voucher::new(Bearer::Minted(token), jti, protected, expires))
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
        if let Some(details) = details(protected) {
            out.extend_from_slice(b",\"authorization_details\":");
            out.extend_from_slice(details.as_bytes());
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
