//! Secret keys and what is sealed under them.
//!
//! One secret of 32 bytes yields a key per purpose by HKDF-SHA256 (RFC 5869), so a key never serves two. Sealing is
//! AES-256-GCM-SIV (RFC 8452) in both forms:
//!
//! - [`SivKey`] seals the same plaintext to the same bytes, which is what a pseudonym needs. Its nonce is fixed by the key;
//!   GCM-SIV stays safe under that and tells only whether two plaintexts under the same `aad` are equal.
//! - [`Sealer`] draws a nonce per seal. Plain AES-GCM would be a little faster, but allows only 2³² random nonces per key
//!   (NIST SP 800-38D §8.3), which a busy gateway uses up in weeks; GCM-SIV has no such cliff.
//!
//! `aad` binds what is sealed to its place: bytes moved to another row or field do not open.

use crate::crypto::random::random;
use crate::secret::Secret;
use aws_lc_rs::aead::AES_256_GCM_SIV;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
use aws_lc_rs::hkdf::HKDF_SHA256;
use aws_lc_rs::hkdf::KeyType;
use aws_lc_rs::hkdf::Salt;
use zeroize::Zeroizing;

/// Bytes of the tag that sealing appends.
const TAG_BYTES: usize = 16;

/// Why a secret is not a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// Neither 32 bytes nor 64 hexadecimal digits.
    #[error("a key is 32 bytes, or 64 hexadecimal digits on one line (`openssl rand -hex 32`)")]
    Form,
}

/// What was sealed does not open: another key, another `aad`, or changed bytes. Which of these nobody is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("sealed bytes do not open")]
pub struct OpenError;

/// 32 secret bytes from which keys are derived. Wiped when dropped.
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    /// Takes 32 bytes that were made here.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes a secret of 32 bytes, or of 64 hexadecimal digits that a line feed may end.
    ///
    /// # Errors
    /// [`KeyError::Form`] for anything else.
    pub fn from_secret(secret: &Secret) -> Result<Self, KeyError> {
        let text = secret.expose();
        let mut bytes = Zeroizing::new([0; 32]);
        if text.len() == bytes.len() {
            bytes.copy_from_slice(text);
        } else {
            let digits = text.strip_suffix(b"\n").unwrap_or(text);
            if digits.len() != 2 * bytes.len() {
                return Err(KeyError::Form);
            }
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                let [high, low] = pair else { return Err(KeyError::Form) };
                *byte = nibble(*high).ok_or(KeyError::Form)? << 4 | nibble(*low).ok_or(KeyError::Form)?;
            }
        }
        Ok(Self(bytes))
    }

    /// The key for the purpose that `label` names. Different labels give keys that tell nothing about one another.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        let mut derived = Self(Zeroizing::new([0; 32]));
        self.fill(label, derived.0.as_mut_slice());
        derived
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8,160 bytes and is asked for at most 32")]
    fn fill(&self, label: &str, out: &mut [u8]) {
        let prk = Salt::new(HKDF_SHA256, b"portcullis v1").extract(self.expose());
        let info = [label.as_bytes()];
        let okm = prk.expand(&info, Length(out.len())).expect("at most 32 bytes");
        okm.fill(out).expect("as many bytes as were asked for");
    }
}

/// Seals deterministically: the same plaintext and `aad` give the same bytes.
pub struct SivKey {
    key: LessSafeKey,
    nonce: [u8; NONCE_LEN],
}

impl SivKey {
    /// The key that `key` holds for deterministic sealing, with the nonce that belongs to it.
    #[must_use]
    pub fn new(key: &SecretKey) -> Self {
        let mut nonce = [0; NONCE_LEN];
        key.fill("aes-256-gcm-siv deterministic nonce", &mut nonce);
        Self { key: gcm_siv(&key.derive("aes-256-gcm-siv deterministic")), nonce }
    }

    /// Reads the secret and derives the key for deterministic sealing from it.
    ///
    /// # Errors
    /// As [`SecretKey::from_secret`].
    pub fn from_secret(secret: &Secret) -> Result<Self, KeyError> {
        SecretKey::from_secret(secret).map(|key| Self::new(&key))
    }

    /// Seals `plaintext`, bound to `aad`; 16 bytes longer than it.
    #[must_use]
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plaintext.len() + TAG_BYTES);
        sealed.extend_from_slice(plaintext);
        let tag = seal_in_place(&self.key, self.nonce, aad, &mut sealed);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`seal`](Self::seal) sealed under the same `aad`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        open(&self.key, self.nonce, aad, sealed)
    }
}

/// Seals with a random nonce, which precedes the sealed bytes.
pub struct Sealer {
    key: LessSafeKey,
}

impl Sealer {
    /// The key that `key` holds for sealing.
    #[must_use]
    pub fn new(key: &SecretKey) -> Self {
        Self { key: gcm_siv(&key.derive("aes-256-gcm-siv random nonce")) }
    }

    /// Reads the secret and derives the key for sealing from it.
    ///
    /// # Errors
    /// As [`SecretKey::from_secret`].
    pub fn from_secret(secret: &Secret) -> Result<Self, KeyError> {
        SecretKey::from_secret(secret).map(|key| Self::new(&key))
    }

    /// Seals `plaintext`, bound to `aad`; 28 bytes longer than it.
    #[must_use]
    pub fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + TAG_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = seal_in_place(&self.key, nonce, aad, sealed.get_mut(NONCE_LEN..).unwrap_or_default());
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what [`seal`](Self::seal) sealed under the same `aad`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        open(&self.key, *nonce, aad, sealed)
    }
}

/// How many bytes HKDF shall give.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[expect(clippy::expect_used, reason = "an AES-256 key has 32 bytes, and so has ours, by its type")]
fn gcm_siv(key: &SecretKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key.expose()).expect("32 bytes"))
}

#[expect(clippy::expect_used, reason = "sealing fails beyond 2^36 bytes (RFC 8452 section 6); ours are records")]
fn seal_in_place(key: &LessSafeKey, nonce: [u8; NONCE_LEN], aad: &[u8], bytes: &mut [u8]) -> impl AsRef<[u8]> + use<> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_separate_tag(nonce, Aad::from(aad), bytes).expect("shorter than 2^36 bytes")
}

fn open(key: &LessSafeKey, nonce: [u8; NONCE_LEN], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut bytes = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key.open_in_place(nonce, Aad::from(aad), &mut bytes).map_err(|_| OpenError)?.len();
    bytes.truncate(length);
    Ok(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> SecretKey {
        SecretKey::new(std::array::from_fn(|index| u8::try_from(index).unwrap()))
    }

    #[test]
    fn a_key_is_read_in_its_two_forms_and_no_other() {
        let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F";
        let read = |bytes: &[u8]| SecretKey::from_secret(&Secret::new(bytes.to_vec()));
        let same = |bytes: &[u8]| read(bytes).unwrap().expose() == secret().expose();
        assert!(same(digits.as_bytes()) && same(format!("{digits}\n").as_bytes()) && same(secret().expose()));
        for wrong in [
            digits.trim_end_matches('F'),
            &format!("{digits}\r\n"),
            &format!("{digits} "),
            &digits.replace('0', "g"),
            "",
        ] {
            assert_eq!(read(wrong.as_bytes()).err(), Some(KeyError::Form), "{wrong:?}");
        }
    }

    #[test]
    fn purposes_have_different_keys() {
        assert_ne!(secret().derive("one").expose(), secret().derive("two").expose());
        assert_eq!(secret().derive("one").expose(), secret().derive("one").expose());
    }

    /// RFC 8452 appendix C.2, the case with a plaintext of 8 bytes and one of additional data.
    #[test]
    fn the_cipher_is_that_of_rfc_8452() {
        let mut key = [0; 32];
        key[0] = 1;
        let mut nonce = [0; NONCE_LEN];
        nonce[0] = 3;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, &key).unwrap());
        let mut bytes = vec![2, 0, 0, 0, 0, 0, 0, 0];
        let tag = seal_in_place(&key, nonce, &[1], &mut bytes);
        bytes.extend_from_slice(tag.as_ref());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "1de22967237a813291213f267e3b452f02d01ae33e4ec854");
    }

    #[test]
    fn deterministic_sealing_repeats_and_opens_only_in_its_place() {
        let key = SivKey::new(&secret());
        let sealed = key.seal(b"user", b"ivanov");
        assert_eq!(sealed, key.seal(b"user", b"ivanov"));
        assert_ne!(sealed, key.seal(b"device", b"ivanov"));
        assert_eq!(sealed.len(), 6 + 16);
        assert_eq!(key.open(b"user", &sealed).unwrap(), b"ivanov");
        assert_eq!(key.open(b"device", &sealed), Err(OpenError));
        assert_eq!(SivKey::new(&secret().derive("other")).open(b"user", &sealed), Err(OpenError));
    }

    #[test]
    fn sealing_does_not_repeat_and_every_changed_byte_is_noticed() {
        let sealer = Sealer::new(&secret());
        let sealed = sealer.seal(b"row 1", b"an answer");
        assert_ne!(sealed, sealer.seal(b"row 1", b"an answer"));
        assert_eq!(sealer.open(b"row 1", &sealed).unwrap(), b"an answer");
        assert_eq!(sealer.open(b"row 2", &sealed), Err(OpenError));
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(sealer.open(b"row 1", &changed), Err(OpenError), "byte {place}");
            assert_eq!(sealer.open(b"row 1", &sealed[..place]), Err(OpenError), "cut at {place}");
        }
    }

    #[test]
    fn what_one_kind_sealed_the_other_does_not_open() {
        let sealed = Sealer::new(&secret()).seal(b"", b"text");
        assert_eq!(SivKey::new(&secret()).open(b"", &sealed[NONCE_LEN..]), Err(OpenError));
    }
}
