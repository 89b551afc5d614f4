//! Algorithms of tokens, and public keys as JWK (RFC 7517, RFC 7518 §6.2, RFC 8037) with their thumbprints (RFC 7638).
//!
//! We verify with five algorithms and sign with two of them. A key has one of them for good (RFC 8725 §3.1); what a token's
//! header says is only ever compared with it. There is no `none`, no HMAC, and nothing with SHA-1.

use crate::crypto::base64url::encode_base64url;
use crate::crypto::digest::sha256;
use crate::crypto::spki::public_digest;
use crate::model::Sha256;

/// A signature algorithm of tokens that we verify.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// ECDSA on P-384 with SHA-384 (RFC 7518 §3.4).
    Es384,
    /// EdDSA on Ed25519 (RFC 8037 §3.1).
    EdDsa,
    /// RSASSA-PSS with SHA-256, a salt of 32 bytes (RFC 7518 §3.5).
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
    Rs256,
}

/// A signature algorithm that we sign with ourselves.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SigningAlgorithm {
    /// [`Algorithm::Es256`].
    Es256,
    /// [`Algorithm::EdDsa`].
    EdDsa,
}

impl Algorithm {
    /// All algorithms, in the order in which configuration lists them.
    pub const ALL: [Self; 5] = [Self::Es256, Self::Es384, Self::EdDsa, Self::Ps256, Self::Rs256];

    /// The `alg` that we write, and that configuration uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    /// Whether its keys are RSA keys, which do not tell by themselves for which of two algorithms they are.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Ps256 | Self::Rs256)
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

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Es256, Self::EdDsa];

    /// What verifies it.
    #[must_use]
    pub const fn verified_by(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::Es256,
            Self::EdDsa => Algorithm::EdDsa,
        }
    }

    /// The `alg` that we write.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.verified_by().name()
    }
}

/// A public key of ours: an uncompressed point of P-256 (`04`, x, y), or the 32 bytes of Ed25519.
pub(super) struct PublicKey {
    algorithm: SigningAlgorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    pub(super) const fn new(algorithm: SigningAlgorithm, bytes: Vec<u8>) -> Self {
        Self { algorithm, bytes }
    }

    /// The required members in the order of their names, without white space: what RFC 7638 §3 digests.
    pub(super) fn required_members(&self) -> String {
        let coordinates = match self.algorithm {
            SigningAlgorithm::Es256 => self.bytes.get(1..).unwrap_or_default(),
            SigningAlgorithm::EdDsa => &self.bytes,
        };
        let (x, y) = coordinates.split_at(coordinates.len().min(32));
        let (x, y) = (encode_base64url(x), encode_base64url(y));
        match self.algorithm {
            SigningAlgorithm::Es256 => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            SigningAlgorithm::EdDsa => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        }
    }

    /// The thumbprint of RFC 7638, base64url.
    pub(super) fn thumbprint(&self) -> String {
        encode_base64url(sha256(self.required_members().as_bytes()).as_bytes())
    }

    /// The digest of the key itself.
    pub(super) fn digest(&self) -> Sha256 {
        public_digest(self.algorithm.verified_by(), &self.bytes)
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
        let key = PublicKey::new(SigningAlgorithm::EdDsa, bytes);
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// RFC 9449 §4.1 and §6.1: the key of the example proof and the `jkt` of the example token.
    #[test]
    fn the_thumbprint_of_p256_is_that_of_rfc_9449() {
        let x = decode_base64url("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs").unwrap();
        let y = decode_base64url("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA").unwrap();
        let key = PublicKey::new(SigningAlgorithm::Es256, [vec![4], x, y].concat());
        assert_eq!(key.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn ed25519_has_two_names_and_all_others_have_one() {
        assert!(Algorithm::EdDsa.is_called("EdDSA") && Algorithm::EdDsa.is_called("Ed25519"));
        for algorithm in Algorithm::ALL {
            assert!(algorithm.is_called(algorithm.name()));
            assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
            let others = Algorithm::ALL.into_iter().filter(|other| *other != algorithm).map(Algorithm::name);
            for name in others.chain(["none", "HS256", "es256", "RS1", "RS512", "ES512", "Ed448", ""]) {
                assert!(!algorithm.is_called(name), "{algorithm:?} is called {name}");
            }
        }
    }
}
