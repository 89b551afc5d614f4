//! The digest of a public key, by which one key is known in whatever file it lies: SHA-256 over its SubjectPublicKeyInfo
//! (RFC 5280 §4.1.2.7), as the pins of certificates have it.

use crate::crypto::digest::sha256;
use crate::crypto::jwk::Algorithm;
use crate::model::Sha256;

/// What stands before the point of a P-256 key (RFC 5480 §2).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The same of P-384.
const P384: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x62, 0x00,
];
/// The same of Ed25519 (RFC 8410 §4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The digest of a key: of a point (`04`, x, y), of the 32 bytes of Ed25519, or of an RSA key's SubjectPublicKeyInfo.
pub(super) fn public_digest(algorithm: Algorithm, bytes: &[u8]) -> Sha256 {
    let before: &[u8] = match algorithm {
        Algorithm::Es256 => &P256,
        Algorithm::Es384 => &P384,
        Algorithm::EdDsa => &ED25519,
        Algorithm::Ps256 | Algorithm::Rs256 => &[],
    };
    sha256(&[before, bytes].concat())
}

#[cfg(test)]
mod tests {
    use crate::crypto::base64url::encode_base64url;
    use crate::crypto::certificate::Certificate;
    use crate::crypto::keyset::KeySet;
    use rcgen::PublicKeyData;

    /// A certificate's pin, and the digest of the same key in a JWKS, made by others' code.
    #[test]
    fn a_key_of_each_curve_has_the_digest_that_its_certificate_has() {
        for (algorithm, kind, curve, half) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, "EC", "P-256", 32),
            (&rcgen::PKCS_ECDSA_P384_SHA384, "EC", "P-384", 48),
            (&rcgen::PKCS_ED25519, "OKP", "Ed25519", 32),
        ] {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let certificate = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap().self_signed(&key);
            let [_, pin] = Certificate::pins(certificate.unwrap().der()).unwrap();
            let raw = key.der_bytes();
            let (x, y) = raw[raw.len() % 2..].split_at(half);
            let y = if y.is_empty() { String::new() } else { format!(r#","y":"{}""#, encode_base64url(y)) };
            let x = encode_base64url(x);
            let jwks = format!(r#"{{"keys":[{{"kty":"{kind}","crv":"{curve}","x":"{x}"{y},"kid":"a"}}]}}"#);
            let keys = KeySet::parse(jwks.as_bytes()).unwrap();
            assert_eq!(keys.public_digests().collect::<Vec<_>>(), [pin], "{curve}");
        }
    }
}
