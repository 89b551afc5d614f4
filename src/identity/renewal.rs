//! Newer keys for a token that could not be verified by those in force: the one thing about identity that may be waited for.
//!
//! It stands before [`Verifier::verify`], which waits for nothing, and decides nothing: whatever comes of it, the token is
//! verified from the beginning. What it reads of the token is not verified, and only chooses among the issuers we know.

use crate::clock::UnixSeconds;
use crate::crypto::Jws;
use crate::identity::checks::Checks;
use crate::identity::claims::issuer_of;
use crate::identity::header::Header;
use crate::identity::verifier::Verifier;
use http::HeaderMap;
use std::time::Duration;

impl Verifier {
    /// Waits, for two seconds at most, for the key of the token in `fields`, if its issuer publishes its keys; whether it is
    /// worth verifying the token again. `now` and `steady` are the times at which the request came.
    pub async fn renewed(&self, fields: &HeaderMap, now: UnixSeconds, steady: Duration) -> bool {
        match self.presented(fields) {
            Ok((_, token)) => self.renewed_for(token, now, steady).await,
            Err(_) => false,
        }
    }

    /// The same for a token that stands elsewhere.
    pub async fn renewed_for(&self, token: &str, now: UnixSeconds, steady: Duration) -> bool {
        let Ok(jws) = Jws::split(token) else { return false };
        let (Ok(header), Ok(issuer)) = (Header::read(jws.header(), Checks::default()), issuer_of(jws.payload())) else {
            return false;
        };
        let remote = self.remote_keys().find(|(name, _)| issuer.as_deref() == Some(&***name));
        match remote {
            Some((_, keys)) => keys.renewed(&header.key, now, steady).await,
            None => false,
        }
    }
}
