//! A private key that signs tokens: PKCS#8 in PEM, P-256 for ES256 or Ed25519 for EdDSA.
//!
//! The key is parsed once and kept ready, and so is the header of the tokens that are minted per command: signing costs
//! one signature and one base64url of the payload. Signing goes to aws-lc directly, because the token library would parse
//! the key anew for each signature
//! (`docs/decisions/0006`).

use crate::crypto::base64url::append_base64url;
use crate::crypto::base64url::encode_base64url;
use crate::crypto::jwk::Algorithm;
use crate::crypto::jwk::PublicKey;
use crate::crypto::jwk::SigningAlgorithm;
use crate::crypto::ssh_key::SshKey;
use crate::crypto::ssh_signature::SshHash;
use crate::crypto::ssh_signature::ssh_armour;
use crate::crypto::ssh_signature::ssh_signed_bytes;
use crate::model::Sha256;
use crate::secret::Secret;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::Signature;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

/// The `typ` of partner tokens, one of which is minted for each command: their header is kept ready.
const PARTNER_TOKEN: &str = "partner-token+jwt";

/// A key that signs tokens.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
    kid: Box<str>,
    partner_token_header: Box<str>,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a file holds no signing key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SigningKeyError {
    /// No `PRIVATE KEY` section.
    #[error("no PKCS#8 key in PEM (`-----BEGIN PRIVATE KEY-----`)")]
    NoPkcs8,
    /// Another kind of key.
    #[error("the key is neither P-256 nor Ed25519")]
    Unsupported,
}

/// The cryptographic library could not sign.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("could not sign")]
pub struct SignError;

impl SigningKey {
    /// Reads a PKCS#8 key in PEM.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn from_pem(pem: &Secret) -> Result<Self, SigningKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose()).map_err(|_| SigningKeyError::NoPkcs8)?;
        let der = der.secret_pkcs8_der();
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Ok(Self::of(Pair::P256(pair)));
        }
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| SigningKeyError::Unsupported)?;
        Ok(Self::of(Pair::Ed25519(pair)))
    }

    /// A new key as PKCS#8 in PEM, for development.
    ///
    /// # Errors
    /// [`SignError`] if the library gives no key.
    pub fn generate_pem(algorithm: SigningAlgorithm) -> Result<Secret, SignError> {
        let random = SystemRandom::new();
        let der = match algorithm {
            SigningAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random),
        };
        let base64 = Zeroizing::new(STANDARD.encode(der.map_err(|_| SignError)?));
        let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = base64.as_str();
        while let Some((line, after)) = rest.split_at_checked(rest.len().min(64)).filter(|(line, _)| !line.is_empty()) {
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok(Secret::new(pem.into_bytes()))
    }

    /// The key's id: its thumbprint (RFC 7638), base64url.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The `alg` of its tokens.
    #[must_use]
    pub const fn algorithm(&self) -> &'static str {
        self.verified_by().name()
    }

    /// What verifies its tokens.
    #[must_use]
    pub const fn verified_by(&self) -> Algorithm {
        match self.pair {
            Pair::P256(_) => SigningAlgorithm::Es256.verified_by(),
            Pair::Ed25519(_) => SigningAlgorithm::EdDsa.verified_by(),
        }
    }

    /// The digest of the public key, by which it is the same key in whatever file.
    #[must_use]
    pub fn public_digest(&self) -> Sha256 {
        self.public.digest()
    }

    /// Signs `payload`, a JSON text, as a token of the type `typ`, with the header `alg`, `kid`, `typ`.
    ///
    /// `typ` is one of ours, in plain characters: it is written into the header as it stands.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_jws(&self, typ: &str, payload: &[u8]) -> Result<String, SignError> {
        if typ == PARTNER_TOKEN {
            self.sign_under(&self.partner_token_header, payload)
        } else {
            self.sign_under(&self.header(typ), payload)
        }
    }

    /// Signs `payload` under any `header`: how the development issuer makes tokens that must be refused.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_jws_with_header(&self, header: &[u8], payload: &[u8]) -> Result<String, SignError> {
        self.sign_under(&encode_base64url(header), payload)
    }

    /// The public key as JWK (RFC 7517) with `kid`, `alg` and `use`.
    #[must_use]
    pub fn public_jwk(&self) -> String {
        self.public.jwk()
    }

    /// The public key as JWK of its required members alone, whose SHA-256 is its thumbprint (RFC 7638 §3): what a proof of
    /// possession brings along.
    #[must_use]
    pub fn bare_jwk(&self) -> String {
        self.public.required_members()
    }

    /// The public key as OpenSSH writes it.
    ///
    /// # Errors
    /// [`SignError`] where it is not Ed25519.
    pub fn ssh_key(&self) -> Result<SshKey, SignError> {
        match &self.pair {
            Pair::Ed25519(pair) => {
                let point = pair.public_key().as_ref().try_into().map_err(|_| SignError)?;
                SshKey::ed25519(point).map_err(|_| SignError)
            }
            Pair::P256(_) => Err(SignError),
        }
    }

    /// Signs a file as `ssh-keygen -Y sign` does, for development: people sign with keys of their own.
    ///
    /// # Errors
    /// As [`SigningKey::ssh_key`].
    pub fn sign_ssh(&self, namespace: &str, message: &[u8]) -> Result<String, SignError> {
        let (key, hash) = (self.ssh_key()?, SshHash::Sha512);
        let signature = self.sign(&ssh_signed_bytes(namespace, hash, message))?;
        Ok(ssh_armour(&key, namespace, hash, signature.as_ref()))
    }

    fn of(pair: Pair) -> Self {
        let public = match &pair {
            Pair::P256(pair) => PublicKey::new(SigningAlgorithm::Es256, pair.public_key().as_ref().to_vec()),
            Pair::Ed25519(pair) => PublicKey::new(SigningAlgorithm::EdDsa, pair.public_key().as_ref().to_vec()),
        };
        let kid = public.thumbprint().into_boxed_str();
        let mut key = Self { pair, public, kid, partner_token_header: Box::default() };
        key.partner_token_header = key.header(PARTNER_TOKEN).into_boxed_str();
        key
    }

    fn header(&self, typ: &str) -> String {
        let header = format!(r#"{{"alg":"{}","kid":"{}","typ":"{typ}"}}"#, self.algorithm(), self.kid);
        encode_base64url(header.as_bytes())
    }

    fn sign_under(&self, header: &str, payload: &[u8]) -> Result<String, SignError> {
        // A point, four characters for three bytes, a point, 86 characters of signature.
        let mut token = String::with_capacity(header.len() + payload.len().div_ceil(3) * 4 + 88);
        token.push_str(header);
        token.push('.');
        append_base64url(payload, &mut token);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        append_base64url(signature.as_ref(), &mut token);
        Ok(token)
    }

    /// Signs these very bytes: 64 bytes, of ECDSA as the two numbers one after the other.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Signature, SignError> {
        let signature = match &self.pair {
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), bytes),
            Pair::Ed25519(pair) => pair.try_sign(bytes),
        };
        signature.map_err(|_| SignError)
    }
}

/// The public keys as JWKS (RFC 7517 §5), for those who verify our tokens.
#[must_use]
pub fn jwks_json(keys: &[&SigningKey]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| key.public_jwk()).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::base64url::decode_base64url;
    use crate::crypto::jws::Jws;
    use crate::crypto::keyset::KeySet;

    fn pem(der: &[u8]) -> Secret {
        let base64 = STANDARD.encode(der);
        Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n").into_bytes())
    }

    /// The key of RFC 8037 appendix A.1, in the PKCS#8 of RFC 8410 §7.
    fn published_ed25519() -> SigningKey {
        let seed = decode_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        SigningKey::from_pem(&pem(&[&prefix[..], &seed].concat())).unwrap()
    }

    /// RFC 8037 appendices A.3 and A.4: Ed25519 is deterministic, so the very token must come out.
    #[test]
    fn ed25519_signs_the_published_token() {
        let key = published_ed25519();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let token = key.sign_jws_with_header(br#"{"alg":"EdDSA"}"#, b"Example of Ed25519 signing").unwrap();
        let published = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
             hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(token, published);
    }

    #[test]
    fn both_kinds_sign_what_their_published_key_verifies() {
        for algorithm in SigningAlgorithm::ALL {
            let key = SigningKey::from_pem(&SigningKey::generate_pem(algorithm).unwrap()).unwrap();
            assert_eq!(key.algorithm(), algorithm.name());
            let keys = KeySet::parse(jwks_json(&[&key, &published_ed25519()]).as_bytes()).unwrap();
            for typ in ["partner-token+jwt", "at+jwt"] {
                let token = key.sign_jws(typ, br#"{"sub":"p1x"}"#).unwrap();
                let jws = Jws::split(&token).unwrap();
                let header = format!(r#"{{"alg":"{}","kid":"{}","typ":"{typ}"}}"#, algorithm.name(), key.kid());
                assert_eq!((jws.header(), jws.payload()), (header.as_bytes(), &br#"{"sub":"p1x"}"#[..]));
                assert_eq!(keys.key(key.kid()).unwrap().verify(&jws), Ok(()));
                assert!(keys.key(published_ed25519().kid()).unwrap().verify(&jws).is_err());
            }
        }
    }

    #[test]
    fn other_keys_are_refused() {
        let refusal = |pem: &Secret| SigningKey::from_pem(pem).err();
        assert_eq!(refusal(&Secret::new(b"no PEM".to_vec())), Some(SigningKeyError::NoPkcs8));
        let sec1 = b"-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n";
        assert_eq!(refusal(&Secret::new(sec1.to_vec())), Some(SigningKeyError::NoPkcs8));
        let p384 = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
            &aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            &SystemRandom::new(),
        );
        assert_eq!(refusal(&pem(p384.unwrap().as_ref())), Some(SigningKeyError::Unsupported));
    }
}
