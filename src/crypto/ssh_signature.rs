//! A signature over a file, as `ssh-keygen -Y sign` makes it (OpenSSH's PROTOCOL.sshsig).
//!
//! The armour and what is in it are taken in one spelling only: the two lines that OpenSSH writes, base64 with padding and
//! without a carriage return, lengths that fit to the byte. What was signed is never the file alone but
//! `SSHSIG`, namespace, reserved, hash algorithm and digest together, so that a signature made for another purpose (another
//! namespace: Git's, an e-mail's) fits nothing here, and a login's challenge can never be one. A security token signs besides
//! what it was asked for by whom, that somebody touched it, and a counter (PROTOCOL.u2f).

use crate::crypto::sha256;
use crate::crypto::ssh_key::Material;
use crate::crypto::ssh_key::SshKey;
use crate::crypto::ssh_key::SshKeyError;
use crate::crypto::ssh_key::SshKeyKind;
use crate::crypto::ssh_key::Wire;
use crate::crypto::ssh_key::put_string;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::UnparsedPublicKey;
use aws_lc_rs::signature::VerificationAlgorithm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "\n-----END SSH SIGNATURE-----";
/// What every signature, and everything signed, begins with.
const MAGIC: &[u8] = b"SSHSIG";
/// The one version of the format.
const VERSION: u32 = 1;
/// The longest armour, in bytes: that of an Ed25519 key has about three hundred.
const MAX_ARMOUR_BYTES: usize = 4_096;
/// The longest line of an armour, in characters (PROTOCOL.sshsig: 76; OpenSSH writes 70).
const MAX_LINE: usize = 76;
/// A coordinate of a P-256 signature, in bytes.
const COORDINATE: usize = 32;
/// Somebody touched the security token.
const TOUCHED: u8 = 0x01;
/// Somebody showed it who they are: a PIN, a fingerprint.
const RECOGNISED: u8 = 0x04;

/// A signature that has been taken apart, and nothing verified of it.
#[derive(Clone)]
pub struct SshSignature {
    key: SshKey,
    namespace: Vec<u8>,
    hash: SshHash,
    proof: Proof,
}

/// What a good signature tells besides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SshVerified {
    /// How often the security token has signed, if one did.
    pub counter: Option<u32>,
}

/// How the file was digested.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SshHash {
    /// SHA-256
    Sha256,
    /// SHA-512, which `ssh-keygen` takes where it is told nothing.
    Sha512,
}

#[derive(Clone)]
enum Proof {
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
    SecurityToken { signature: Vec<u8>, flags: u8, counter: u32 },
}

/// Why bytes are no signature, or not a good one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SshSignatureError {
    /// Not the armour that `ssh-keygen` writes, or what is in it does not end where it should.
    #[error("not a signature as `ssh-keygen -Y sign` writes it")]
    Malformed,
    /// A later version of the format.
    #[error("another version of the format than 1")]
    Version,
    /// A hash algorithm that is neither SHA-256 nor SHA-512.
    #[error("another hash algorithm than `sha256` and `sha512`")]
    Hash,
    /// The key in it.
    #[error("its key is no good: {0}")]
    Key(#[from] SshKeyError),
    /// Made for another purpose.
    #[error("it was made for another namespace")]
    Namespace,
    /// A security token signed that nobody touched.
    #[error("the security token was not touched when it signed")]
    NotTouched,
    /// It does not fit these bytes.
    #[error("it does not fit these bytes")]
    NotOfThese,
}

impl SshSignature {
    /// Reads the armour.
    ///
    /// # Errors
    /// [`SshSignatureError`], nothing being verified.
    pub fn parse(armour: &[u8]) -> Result<Self, SshSignatureError> {
        let blob = unarmoured(armour).ok_or(SshSignatureError::Malformed)?;
        let mut wire = Wire::new(&blob);
        if wire.take(MAGIC.len()) != Some(MAGIC) {
            return Err(SshSignatureError::Malformed);
        }
        if wire.number().ok_or(SshSignatureError::Malformed)? != VERSION {
            return Err(SshSignatureError::Version);
        }
        let mut string = || wire.string().ok_or(SshSignatureError::Malformed);
        let (key, namespace, reserved, hash, proof) = (string()?, string()?, string()?, string()?, string()?);
        // Reserved must be ignored by who does not know it; we refuse what we do not know.
        if !wire.is_at_end() || !reserved.is_empty() || namespace.is_empty() {
            return Err(SshSignatureError::Malformed);
        }
        let hash = SshHash::ALL.into_iter().find(|known| known.word().as_bytes() == hash);
        let (key, hash) = (SshKey::of_blob(key)?, hash.ok_or(SshSignatureError::Hash)?);
        let proof = Proof::read(key.kind(), proof).ok_or(SshSignatureError::Malformed)?;
        Ok(Self { key, namespace: namespace.to_vec(), hash, proof })
    }

    /// The key that it says it was made with.
    #[must_use]
    pub const fn key(&self) -> &SshKey {
        &self.key
    }

    /// Verifies that its key signed `message` in `namespace`. Whose key that is, the caller knows.
    ///
    /// # Errors
    /// [`SshSignatureError::Namespace`], [`SshSignatureError::NotTouched`], [`SshSignatureError::NotOfThese`].
    pub fn verify(&self, namespace: &str, message: &[u8]) -> Result<SshVerified, SshSignatureError> {
        if self.namespace != namespace.as_bytes() {
            return Err(SshSignatureError::Namespace);
        }
        let signed = ssh_signed_bytes(namespace, self.hash, message);
        match (&self.key.material, &self.proof) {
            (Material::Ed25519(point), Proof::Ed25519(signature)) => fits(&ED25519, point, &signed, signature)?,
            (Material::P256(point), Proof::P256(signature)) => {
                fits(&ECDSA_P256_SHA256_FIXED, point, &signed, signature)?;
            }
            (Material::SecurityToken { point, application }, Proof::SecurityToken { signature, flags, counter }) => {
                fits(&ED25519, point, &asserted(application, *flags, *counter, &signed), signature)?;
                // After the signature, so that nobody is told of a flag that a stranger has set.
                if flags & TOUCHED == 0 {
                    return Err(SshSignatureError::NotTouched);
                }
                return Ok(SshVerified { counter: Some(*counter) });
            }
            // A proof is read by its key's kind.
            _ => return Err(SshSignatureError::Malformed),
        }
        Ok(SshVerified { counter: None })
    }
}

impl std::fmt::Debug for SshSignature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SshSignature({})", self.key.fingerprint())
    }
}

impl SshHash {
    const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// Its name in the format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn of(self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &aws_lc_rs::digest::SHA256,
            Self::Sha512 => &aws_lc_rs::digest::SHA512,
        };
        aws_lc_rs::digest::digest(algorithm, message).as_ref().to_vec()
    }
}

impl Proof {
    /// Reads the innermost string, whose kind must be its key's.
    fn read(kind: SshKeyKind, bytes: &[u8]) -> Option<Self> {
        let mut wire = Wire::new(bytes);
        wire.string().filter(|named| *named == kind.word().as_bytes())?;
        let inner = wire.string()?;
        let proof = match kind {
            SshKeyKind::Ed25519 => Self::Ed25519(of_64(inner)?),
            SshKeyKind::P256 => {
                let mut numbers = Wire::new(inner);
                let (r, s) = (coordinate(numbers.string()?)?, coordinate(numbers.string()?)?);
                numbers.is_at_end().then_some(Self::P256([r, s].concat()))?
            }
            SshKeyKind::SecurityToken => {
                let (flags, counter) = (wire.byte()?, wire.number()?);
                // Others speak of data that would have to follow.
                if flags & !(TOUCHED | RECOGNISED) != 0 {
                    return None;
                }
                Self::SecurityToken { signature: of_64(inner)?, flags, counter }
            }
        };
        wire.is_at_end().then_some(proof)
    }
}

fn of_64(bytes: &[u8]) -> Option<Vec<u8>> {
    (bytes.len() == 64).then(|| bytes.to_vec())
}

/// A positive `mpint` (RFC 4251 §5) of at most 32 bytes, in full length.
fn coordinate(mpint: &[u8]) -> Option<[u8; COORDINATE]> {
    let digits = match mpint {
        // A zero in front only where the next bit would be a sign.
        [0, rest @ ..] => Some(rest).filter(|rest| rest.first().is_some_and(|first| *first >= 0x80)),
        [first, ..] if *first < 0x80 => Some(mpint),
        _ => None,
    }?;
    let mut padded = [0; COORDINATE];
    padded.get_mut(COORDINATE.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(padded)
}

fn fits(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    signed: &[u8],
    signature: &[u8],
) -> Result<(), SshSignatureError> {
    let verified = UnparsedPublicKey::new(algorithm, key).verify(signed, signature);
    verified.map_err(|_| SshSignatureError::NotOfThese)
}

/// What is signed in the place of `message`: for whoever makes a signature.
#[must_use]
pub fn ssh_signed_bytes(namespace: &str, hash: SshHash, message: &[u8]) -> Vec<u8> {
    let mut signed = MAGIC.to_vec();
    for string in [namespace.as_bytes(), b"", hash.word().as_bytes(), &hash.of(message)] {
        put_string(&mut signed, string);
    }
    signed
}

/// What a security token signs (PROTOCOL.u2f): for whom, that it was touched, how often, and what.
fn asserted(application: &[u8], flags: u8, counter: u32, signed: &[u8]) -> Vec<u8> {
    let (application, signed) = (sha256(application), sha256(signed));
    [application.as_bytes(), &[flags][..], &counter.to_be_bytes(), signed.as_bytes()].concat()
}

/// The armour of a signature by an Ed25519 key over [`ssh_signed_bytes`].
#[must_use]
pub fn ssh_armour(key: &SshKey, namespace: &str, hash: SshHash, signature: &[u8]) -> String {
    let mut proof = Vec::new();
    put_string(&mut proof, key.kind().word().as_bytes());
    put_string(&mut proof, signature);
    let mut blob = [MAGIC, &VERSION.to_be_bytes()].concat();
    for string in [key.blob(), namespace.as_bytes(), b"", hash.word().as_bytes(), &proof] {
        put_string(&mut blob, string);
    }
    armoured(&blob)
}

fn armoured(blob: &[u8]) -> String {
    let base64 = STANDARD.encode(blob);
    let mut text = BEGIN.to_owned();
    let mut rest = base64.as_str();
    while let Some((line, after)) = rest.split_at_checked(rest.len().min(70)).filter(|(line, _)| !line.is_empty()) {
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(END.trim_start());
    text.push('\n');
    text
}

fn unarmoured(armour: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(armour).ok().filter(|text| text.len() <= MAX_ARMOUR_BYTES)?;
    let text = text.strip_prefix(BEGIN)?;
    let text = text.strip_suffix('\n').unwrap_or(text).strip_suffix(END)?;
    let lines: Vec<&str> = text.split('\n').collect();
    let (last, full) = lines.split_last()?;
    let width = full.first().map_or(last.len(), |first| first.len());
    // One width for all lines but the last: one spelling.
    let even = full.iter().all(|line| line.len() == width) && (1..=width).contains(&last.len());
    if !even || width > MAX_LINE {
        return None;
    }
    STANDARD.decode(lines.concat()).ok()
}

#[cfg(test)]
mod tests;
