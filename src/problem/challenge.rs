//! What an answer of 401 asks for: `WWW-Authenticate` (RFC 9110 §11.6.1), for tokens that are bound to a certificate (RFC 6750
//! §3) and for those that are bound to a key (RFC 9449 §7.1). It names the kind of fault and nothing of the token.
//!
//! Each scheme has a field of its own, since many clients read only the first challenge of one; the scheme that the caller
//! used comes first.

use http::HeaderValue;

/// The algorithms by which proofs may be signed, as `algs` lists them.
const PROOF_ALGORITHMS: &str = "ES256 ES384 EdDSA PS256 RS256";

/// A scheme under which tokens come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// RFC 6750 §2.1.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

/// What is told of the fault; where there is no token nothing is (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChallengeError {
    /// The token is not good, or not in these hands (RFC 6750 §3.1).
    InvalidToken,
    /// The proof is not good (RFC 9449 §7.1).
    InvalidDpopProof,
    /// The proof needs the nonce that comes along (RFC 9449 §9).
    UseDpopNonce,
}

/// Why a token is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Challenge {
    /// The scheme that the caller used; `None` where it is none of ours, or not known.
    pub scheme: Option<Scheme>,
    /// What was wrong.
    pub error: Option<ChallengeError>,
}

impl ChallengeError {
    const fn word(self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
        }
    }
}

impl Challenge {
    /// The values of `WWW-Authenticate`, one for each scheme.
    pub(super) fn values(self) -> impl Iterator<Item = HeaderValue> {
        let first = match self.error {
            // Only a proof that was sent, or must be, can be wrong: that is said of the scheme that has proofs.
            Some(ChallengeError::InvalidDpopProof | ChallengeError::UseDpopNonce) => Scheme::Dpop,
            Some(ChallengeError::InvalidToken) | None => self.scheme.unwrap_or(Scheme::Bearer),
        };
        let order = match first {
            Scheme::Bearer => [Scheme::Bearer, Scheme::Dpop],
            Scheme::Dpop => [Scheme::Dpop, Scheme::Bearer],
        };
        // Where nobody knows under which scheme the token came, it is wrong under both.
        let either = self.scheme.is_none() && self.error == Some(ChallengeError::InvalidToken);
        let error = self.error;
        order.into_iter().filter_map(move |scheme| {
            let error = error.filter(|_| either || scheme == first);
            HeaderValue::try_from(value(scheme, error)).ok()
        })
    }
}

fn value(scheme: Scheme, error: Option<ChallengeError>) -> String {
    let error = error.map(|error| format!("error=\"{}\"", error.word()));
    let (scheme, algs) = match scheme {
        Scheme::Bearer => ("Bearer", None),
        Scheme::Dpop => ("DPoP", Some(format!("algs=\"{PROOF_ALGORITHMS}\""))),
    };
    let parameters: Vec<String> = error.into_iter().chain(algs).collect();
    if parameters.is_empty() { scheme.to_owned() } else { format!("{scheme} {}", parameters.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Algorithm;

    #[test]
    fn the_algorithms_of_proofs_are_those_of_tokens() {
        assert_eq!(PROOF_ALGORITHMS, Algorithm::ALL.map(Algorithm::name).join(" "));
    }

    #[test]
    fn each_scheme_is_offered_and_the_fault_is_told_of_the_one_that_was_used() {
        let values = |scheme, error| {
            let values = Challenge { scheme, error }.values();
            values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let algs = format!("algs=\"{PROOF_ALGORITHMS}\"");
        let dpop = |error: &str| format!("DPoP error=\"{error}\", {algs}");
        let (plain_dpop, plain_bearer) = (format!("DPoP {algs}"), "Bearer".to_owned());
        let bearer = "Bearer error=\"invalid_token\"".to_owned();
        for (scheme, error, expected) in [
            (None, None, [plain_bearer.clone(), plain_dpop.clone()]),
            (Some(Scheme::Bearer), None, [plain_bearer.clone(), plain_dpop.clone()]),
            (Some(Scheme::Dpop), None, [plain_dpop.clone(), plain_bearer.clone()]),
            (None, Some(ChallengeError::InvalidToken), [bearer.clone(), dpop("invalid_token")]),
            (Some(Scheme::Bearer), Some(ChallengeError::InvalidToken), [bearer, plain_dpop]),
            (Some(Scheme::Dpop), Some(ChallengeError::InvalidToken), [dpop("invalid_token"), plain_bearer.clone()]),
            (Some(Scheme::Dpop), Some(ChallengeError::UseDpopNonce), [dpop("use_dpop_nonce"), plain_bearer.clone()]),
            (Some(Scheme::Bearer), Some(ChallengeError::InvalidDpopProof), [dpop("invalid_dpop_proof"), plain_bearer]),
        ] {
            assert_eq!(values(scheme, error), expected, "{scheme:?} {error:?}");
        }
    }
}
