//! Algorithms of tokens, and public keys as JWK (RFC 7517, RFC 7518 §6.2, RFC 8037) with their thumbprints (RFC 7638).
//!
//! Two algorithms: ECDSA on P-256 with SHA-256 (`ES256`) and EdDSA on Ed25519. A key has one of them for good; what a
//! token's header says is only ever compared with it.

use crate::crypto::base64url::encode_base64url;
use crate::crypto::digest::sha256;

/// A signature algorithm of tokens.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// EdDSA on Ed25519 (RFC 8037 §3.1).
    EdDsa,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 2] = [Self::Es256, Self::EdDsa];

    /// The `alg` that we write, and that configuration uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Whether a header or a JWK may call the algorithm so. EdDSA on this curve is also called `Ed25519` (RFC 9864 §2.2).
    #[must_use]
    pub fn is_called(self, name: &str) -> bool {
        name == self.name() || (self == Self::EdDsa && name == "Ed25519")
    }

    /// The algorithm that configuration calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// A public key: an uncompressed point of P-256 (`04`, x, y), or the 32 bytes of Ed25519.
pub(super) struct PublicKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    pub(super) const fn new(algorithm: Algorithm, bytes: Vec<u8>) -> Self {
        Self { algorithm, bytes }
    }

    /// The required members in the order of their names, without white space: what RFC 7638 §3 digests.
    fn required_members(&self) -> String {
        let coordinates = match self.algorithm {
            Algorithm::Es256 => self.bytes.get(1..).unwrap_or_default(),
            Algorithm::EdDsa => &self.bytes,
        };
        let (x, y) = coordinates.split_at(coordinates.len().min(32));
        let (x, y) = (encode_base64url(x), encode_base64url(y));
        match self.algorithm {
            Algorithm::Es256 => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Algorithm::EdDsa => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        }
    }

    /// The thumbprint of RFC 7638, base64url.
    pub(super) fn thumbprint(&self) -> String {
        encode_base64url(sha256(self.required_members().as_bytes()).as_bytes())
    }

    /// The key as JWK with `kid`, `alg` and `use`.
    pub(super) fn jwk(&self) -> String {
        let members = self.required_members();
        let members = members.trim_end_matches('}');
        format!(r#"{members},"kid":"{}","alg":"{}","use":"sig"}}"#, self.thumbprint(), self.algorithm.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::base64url::decode_base64url;

    /// RFC 8037 appendix A.3.
    #[test]
    fn the_thumbprint_of_ed25519_is_that_of_rfc_8037() {
        let bytes = decode_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::new(Algorithm::EdDsa, bytes);
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// RFC 9449 §4.1 and §6.1: the key of the example proof and the `jkt` of the example token.
    #[test]
    fn the_thumbprint_of_p256_is_that_of_rfc_9449() {
        let x = decode_base64url("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs").unwrap();
        let y = decode_base64url("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA").unwrap();
        let key = PublicKey::new(Algorithm::Es256, [vec![4], x, y].concat());
        assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn ed25519_has_two_names_and_es256_one() {
        assert!(Algorithm::EdDsa.is_called("EdDSA") && Algorithm::EdDsa.is_called("Ed25519"));
        assert!(Algorithm::Es256.is_called("ES256"));
        for name in ["none", "HS256", "es256", "ES384", "Ed25519", "EdDSA", ""] {
            assert!(!Algorithm::Es256.is_called(name), "{name}");
        }
        assert!(!Algorithm::EdDsa.is_called("Ed448") && !Algorithm::EdDsa.is_called("ES256"));
    }
}
