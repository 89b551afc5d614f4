//! One public key that verifies tokens with one algorithm, from its JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
//!
//! The algorithm is the key's: its curve tells it, or, for RSA, its `alg`. An RSA key without `alg` would be good for two;
//! it is taken only where the one who reads says for which (RFC 8725 §3.1). Numbers are spelled in one way only: base64url
//! without padding, coordinates in full length, moduli without leading zeros.
//!
//! RSA: 2,048 to 8,192 bits, so that a key is neither weak nor a way to burn processor time; the exponent odd, above 2^16
//! (FIPS 186-5 §A.1.1) and below 2^32.

use crate::crypto::base64url::decode_base64url;
use crate::crypto::base64url::decode_exactly;
use crate::crypto::detached::DetachedJws;
use crate::crypto::jwk::Algorithm;
use crate::crypto::jws::Jws;
use crate::crypto::keyset::KeySetError;
use crate::crypto::verified::Verified;
use crate::json::Object;
use crate::json::Value;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use jsonwebtoken::DecodingKey;
use std::ops::RangeInclusive;

/// The longest `kid`, in bytes.
const MAX_KID_BYTES: usize = 256;
/// The sizes of RSA moduli that are taken, in bits.
const RSA_BITS: RangeInclusive<usize> = 2_048..=8_192;
/// The exponents of RSA keys that are taken, if they are odd.
const RSA_EXPONENTS: RangeInclusive<u64> = 65_537..=u32::MAX as u64;

/// Members that only a private or symmetric key has (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "k", "p", "q", "dp", "dq", "qi", "oth"];

/// A public key that verifies tokens with one algorithm.
pub struct VerifyingKey {
    pub(super) kid: Box<str>,
    pub(super) algorithm: Algorithm,
    /// A point (`04`, x, y), the 32 bytes of Ed25519, or an RSA key's SubjectPublicKeyInfo; tells two keys of one `kid` apart.
    pub(super) bytes: Vec<u8>,
    /// How long its signatures are.
    signature_bytes: usize,
    key: DecodingKey,
    verified: Verified,
}

/// A signature does not fit its token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("signature does not fit")]
pub struct SignatureError;

impl VerifyingKey {
    /// The one algorithm that the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Verifies a token's signature; nothing else of it.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, jws: &Jws<'_>) -> Result<(), SignatureError> {
        if jws.signature_bytes != self.signature_bytes {
            return Err(SignatureError);
        }
        let token = jws.digest();
        if self.verified.knows(&token) {
            return Ok(());
        }
        self.fits(jws.signature, jws.signed)?;
        self.verified.remember(token);
        Ok(())
    }

    /// Verifies a detached signature over `content`; nothing else of it.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify_detached(&self, jws: &DetachedJws<'_>, content: &[u8]) -> Result<(), SignatureError> {
        if jws.signature_bytes != self.signature_bytes {
            return Err(SignatureError);
        }
        self.fits(jws.signature, jws.signed(content).as_bytes())
    }

    /// Verifies a signature of so many bytes, in base64url, over `signed`; nothing else.
    pub(super) fn verify_bytes(&self, signature: &str, bytes: usize, signed: &[u8]) -> Result<(), SignatureError> {
        if bytes != self.signature_bytes {
            return Err(SignatureError);
        }
        self.fits(signature, signed)
    }

    fn fits(&self, signature: &str, signed: &[u8]) -> Result<(), SignatureError> {
        let algorithm = match self.algorithm {
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        };
        let fits = jsonwebtoken::crypto::verify(signature, signed, &self.key, algorithm);
        if fits.unwrap_or(false) { Ok(()) } else { Err(SignatureError) }
    }

    /// The key of `jwk`, the set's key of that number from 1; `None` if it is not for verifying with our algorithms. `rsa` is
    /// what an RSA key is for that does not say it.
    pub(super) fn read(jwk: &Value, number: usize, rsa: Option<Algorithm>) -> Result<Option<Self>, KeySetError> {
        let jwk = Jwk { members: jwk.as_object().ok_or(KeySetError::Malformed(number))?, number };
        let kind = jwk.text("kty")?.ok_or(KeySetError::Malformed(number))?;
        if kind == "oct" || PRIVATE_MEMBERS.iter().any(|name| jwk.members.get(name).is_some()) {
            return Err(KeySetError::SecretKey(number));
        }
        let (curve, called) = (jwk.text("crv")?, jwk.text("alg")?);
        let algorithm = match (kind, curve) {
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("EC", Some("P-384")) => Algorithm::Es384,
            ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
            ("RSA", None) => match called.map_or(rsa, Algorithm::named).filter(|algorithm| algorithm.is_rsa()) {
                Some(algorithm) => algorithm,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let called_otherwise = called.is_some_and(|name| !algorithm.is_called(name));
        let used_otherwise = jwk.text("use")?.is_some_and(|name| name != "sig");
        if called_otherwise || used_otherwise || !jwk.may_verify()? {
            return Ok(None);
        }
        let kid = jwk.text("kid")?.filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len()));
        let kid = kid.ok_or(KeySetError::NoKid(number))?.into();
        let Material { bytes, signature_bytes, key, .. } = jwk.material(algorithm)?;
        Ok(Some(Self { kid, algorithm, bytes, signature_bytes, key, verified: Verified::default() }))
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm.name(), self.kid)
    }
}

/// A JWK that is being read.
pub(super) struct Jwk<'j> {
    members: &'j Object,
    number: usize,
}

/// A key's mathematics.
pub(super) struct Material {
    bytes: Vec<u8>,
    pub(super) signature_bytes: usize,
    key: DecodingKey,
    /// The same key as the cryptographic library holds it.
    pub(super) parsed: ParsedPublicKey,
}

impl<'j> Jwk<'j> {
    /// A key that stands by itself.
    pub(super) const fn alone(members: &'j Object) -> Self {
        Self { members, number: 1 }
    }

    fn text(&self, name: &str) -> Result<Option<&'j str>, KeySetError> {
        match self.members.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(KeySetError::Malformed(self.number)),
        }
    }

    /// Whether `key_ops` (RFC 7517 §4.3), if it is there, names `verify`.
    fn may_verify(&self) -> Result<bool, KeySetError> {
        let Some(operations) = self.members.get("key_ops") else { return Ok(true) };
        let operations = operations.as_array().ok_or(KeySetError::Malformed(self.number))?;
        Ok(operations.iter().any(|operation| operation.as_str() == Some("verify")))
    }

    /// The token library would find out with the first token whether the key is one; an operator wants to know now.
    pub(super) fn material(&self, algorithm: Algorithm) -> Result<Material, KeySetError> {
        let not_on_curve = KeySetError::NotOnCurve(self.number);
        let (bytes, signature_bytes, key, checked) = match algorithm {
            Algorithm::Es256 => {
                let point = self.point::<32>()?;
                let checked = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point);
                (point.clone(), 64, DecodingKey::from_ec_der(&point), checked)
            }
            Algorithm::Es384 => {
                let point = self.point::<48>()?;
                let checked = ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &point);
                (point.clone(), 96, DecodingKey::from_ec_der(&point), checked)
            }
            Algorithm::EdDsa => {
                let point = self.coordinate::<32>("x")?.to_vec();
                let checked = ParsedPublicKey::new(&ED25519, &point);
                (point.clone(), 64, DecodingKey::from_ed_der(&point), checked)
            }
            Algorithm::Ps256 | Algorithm::Rs256 => return self.rsa(algorithm),
        };
        let parsed = checked.map_err(|_| not_on_curve)?;
        Ok(Material { bytes, signature_bytes, key, parsed })
    }

    fn point<const N: usize>(&self) -> Result<Vec<u8>, KeySetError> {
        Ok([&[4][..], &self.coordinate::<N>("x")?, &self.coordinate::<N>("y")?].concat())
    }

    fn coordinate<const N: usize>(&self, name: &str) -> Result<[u8; N], KeySetError> {
        let text = self.text(name)?.ok_or(KeySetError::NotOnCurve(self.number))?;
        decode_exactly::<N>(text.as_bytes()).ok_or(KeySetError::NotOnCurve(self.number))
    }

    fn rsa(&self, algorithm: Algorithm) -> Result<Material, KeySetError> {
        let (n, e) = (self.unsigned("n")?, self.unsigned("e")?);
        let leading_zeros = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if !RSA_BITS.contains(&(n.len() * 8).saturating_sub(leading_zeros)) {
            return Err(KeySetError::RsaSize(self.number));
        }
        let exponent = if e.len() <= 8 { e.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)) } else { 0 };
        if !RSA_EXPONENTS.contains(&exponent) || exponent % 2 == 0 {
            return Err(KeySetError::RsaExponent(self.number));
        }
        let signature_bytes = n.len();
        let malformed = KeySetError::Malformed(self.number);
        let der = RsaPublicKeyComponents { n, e }.as_der().map_err(|_| malformed)?;
        let bytes = der.as_ref().to_vec();
        let parsed = match algorithm {
            Algorithm::Ps256 => ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &bytes),
            _ => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &bytes),
        };
        let parsed = parsed.map_err(|_| malformed)?;
        Ok(Material { key: DecodingKey::from_rsa_der(&bytes), bytes, signature_bytes, parsed })
    }

    /// A positive number as RFC 7518 §2 spells it (Base64urlUInt): big end first, no leading zero.
    fn unsigned(&self, name: &str) -> Result<Vec<u8>, KeySetError> {
        let bytes = self.text(name)?.and_then(decode_base64url);
        let bytes = bytes.filter(|bytes| bytes.first().is_some_and(|first| *first != 0));
        bytes.ok_or(KeySetError::Malformed(self.number))
    }
}
