//! Makes tokens of every kind, good and bad, with real keys of every algorithm that the gateway takes, and some that it
//! does not.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use aws_lc_rs::signature::RSA_PKCS1_SHA512;
use aws_lc_rs::signature::RSA_PSS_SHA256;
use aws_lc_rs::signature::RSA_PSS_SHA384;
use aws_lc_rs::signature::RsaEncoding;
use aws_lc_rs::signature::RsaKeyPair;
use portcullis::crypto::encode_base64url;

/// How a token is signed.
#[derive(Clone, Copy, Debug)]
pub enum Hand {
    Es256,
    /// The same key, as ASN.1.
    Es256Der,
    /// Another key of the kind.
    Es256Other,
    Es384,
    EdDsa,
    Rs256,
    Rs512,
    Ps256,
    Ps384,
    /// HMAC with SHA-256, keyed by what is public.
    Hs256,
}

/// The session issuer's keys.
pub struct Forge {
    pkcs8: Vec<u8>,
    es256: EcdsaKeyPair,
    other: EcdsaKeyPair,
    es384: EcdsaKeyPair,
    eddsa: Ed25519KeyPair,
    rsa: RsaKeyPair,
}

impl Forge {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let p256 = || EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        let pkcs8 = p256().as_ref().to_vec();
        let of = |pkcs8: &[u8]| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).unwrap();
        Self {
            es256: of(&pkcs8),
            other: of(p256().as_ref()),
            es384: EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, p384.as_ref()).unwrap(),
            eddsa: Ed25519KeyPair::generate().unwrap(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            pkcs8,
        }
    }

    /// All public keys, each under a `kid` that says what it is for; and one for encrypting.
    pub fn jwks(&self) -> String {
        let point = |key: &EcdsaKeyPair| {
            let point = key.public_key().as_ref().to_vec();
            let (x, y) = point[1..].split_at(point.len() / 2);
            format!(r#""x":"{}","y":"{}""#, encode_base64url(x), encode_base64url(y))
        };
        let modulus = encode_base64url(self.modulus());
        let ed25519 = encode_base64url(self.eddsa.public_key().as_ref());
        let keys = [
            format!(r#"{{"kty":"EC","crv":"P-256",{},"kid":"es256"}}"#, point(&self.es256)),
            format!(r#"{{"kty":"EC","crv":"P-384",{},"kid":"es384"}}"#, point(&self.es384)),
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ed25519}","kid":"eddsa"}}"#),
            format!(r#"{{"kty":"RSA","n":"{modulus}","e":"AQAB","alg":"RS256","kid":"rs256"}}"#),
            format!(r#"{{"kty":"RSA","n":"{modulus}","e":"AQAB","alg":"PS256","kid":"ps256"}}"#),
            format!(r#"{{"kty":"RSA","n":"{modulus}","e":"AQAB","kid":"rsa-of-no-algorithm"}}"#),
            format!(r#"{{"kty":"EC","crv":"P-256",{},"use":"enc","kid":"encryption"}}"#, point(&self.other)),
        ];
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    /// The other P-256 key, as an attacker would put it into a header.
    pub fn other_jwk(&self) -> String {
        let point = self.other.public_key().as_ref().to_vec();
        let (x, y) = (encode_base64url(&point[1..33]), encode_base64url(&point[33..]));
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#)
    }

    /// A token of this header and payload.
    pub fn token(&self, hand: Hand, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", encode_base64url(header.as_bytes()), encode_base64url(payload.as_bytes()));
        let signature = encode_base64url(&self.sign(hand, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    pub fn sign(&self, hand: Hand, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let ecdsa = |key: &EcdsaKeyPair| key.sign(&random, message).unwrap().as_ref().to_vec();
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public_modulus_len()];
            self.rsa.sign(encoding, &random, message, &mut signature).unwrap();
            signature
        };
        match hand {
            Hand::Es256 => ecdsa(&self.es256),
            Hand::Es256Der => ecdsa(&EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pkcs8).unwrap()),
            Hand::Es256Other => ecdsa(&self.other),
            Hand::Es384 => ecdsa(&self.es384),
            Hand::EdDsa => self.eddsa.sign(message).as_ref().to_vec(),
            Hand::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Hand::Rs512 => rsa(&RSA_PKCS1_SHA512),
            Hand::Ps256 => rsa(&RSA_PSS_SHA256),
            Hand::Ps384 => rsa(&RSA_PSS_SHA384),
            Hand::Hs256 => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.jwks().as_bytes()), message).as_ref().to_vec()
            }
        }
    }

    /// From PKCS#1 DER: a sequence whose first integer is the modulus, with its sign byte.
    fn modulus(&self) -> &[u8] {
        self.rsa.public_key().as_ref().get(9..265).unwrap()
    }
}
