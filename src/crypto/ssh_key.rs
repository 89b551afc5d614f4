//! A public key as OpenSSH writes it: one line `<kind> <base64> [comment]`, and within it the wire format of RFC 4251 §5.
//!
//! Three kinds are taken: `ssh-ed25519` (RFC 8709), `ecdsa-sha2-nistp256` (RFC 5656) and `sk-ssh-ed25519@openssh.com`, a key
//! in a security token (OpenSSH's PROTOCOL.u2f). Everything is spelled in one way only: lengths that fit to the byte, base64
//! with its padding, no byte after the last member. Two keys are one if their bytes are.

use crate::crypto::sha256;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::ED25519;
use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::fmt;

/// The longest line of a key, in bytes, comment and all; ours have about a hundred.
const MAX_LINE_BYTES: usize = 1_024;
/// What the application of a key in a security token begins with (PROTOCOL.u2f).
const APPLICATION: &[u8] = b"ssh:";

/// A public key that signs files.
#[derive(Clone, Eq, PartialEq)]
pub struct SshKey {
    blob: Vec<u8>,
    pub(super) material: Material,
}

/// What verifies.
#[derive(Clone, Eq, PartialEq)]
pub(super) enum Material {
    /// The 32 bytes.
    Ed25519(Vec<u8>),
    /// The point `04`, x, y.
    P256(Vec<u8>),
    /// The 32 bytes, and for whom the security token signs.
    SecurityToken { point: Vec<u8>, application: Vec<u8> },
}

/// The kinds of key that are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SshKeyKind {
    /// `ssh-ed25519`
    Ed25519,
    /// `ecdsa-sha2-nistp256`
    P256,
    /// `sk-ssh-ed25519@openssh.com`: its private half never leaves a security token.
    SecurityToken,
}

/// Why a text is no key that we take.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SshKeyError {
    /// Not `<kind> <base64> [comment]`, or what is in it does not end where it should.
    #[error("not a public key as OpenSSH writes it")]
    Malformed,
    /// Another kind of key.
    #[error("a key of another kind than `ssh-ed25519`, `ecdsa-sha2-nistp256` and `sk-ssh-ed25519@openssh.com`")]
    Kind,
    /// Its numbers are no point of its curve.
    #[error("not a point of its curve")]
    NotOnCurve,
}

impl SshKey {
    /// Reads a line of a `.pub` file, or of an `allowed_signers` file behind its principals.
    ///
    /// # Errors
    /// [`SshKeyError`].
    pub fn parse(line: &str) -> Result<Self, SshKeyError> {
        if line.len() > MAX_LINE_BYTES || line.contains(char::is_control) {
            return Err(SshKeyError::Malformed);
        }
        let mut words = line.splitn(3, ' ');
        let (Some(kind), Some(base64)) = (words.next(), words.next()) else { return Err(SshKeyError::Malformed) };
        let known = SshKeyKind::ALL.into_iter().find(|known| known.word() == kind).ok_or(SshKeyError::Kind)?;
        let key = Self::of_blob(&STANDARD.decode(base64).map_err(|_| SshKeyError::Malformed)?)?;
        if key.kind() == known { Ok(key) } else { Err(SshKeyError::Malformed) }
    }

    /// Reads the wire format.
    pub(super) fn of_blob(blob: &[u8]) -> Result<Self, SshKeyError> {
        let mut wire = Wire::new(blob);
        let kind = wire.string().ok_or(SshKeyError::Malformed)?;
        let kind = SshKeyKind::ALL.into_iter().find(|known| known.word().as_bytes() == kind);
        let kind = kind.ok_or(SshKeyError::Kind)?;
        let material = kind.material(&mut wire).filter(|_| wire.is_at_end()).ok_or(SshKeyError::Malformed)?;
        let checked = match &material {
            Material::Ed25519(point) | Material::SecurityToken { point, .. } => ParsedPublicKey::new(&ED25519, point),
            Material::P256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point),
        };
        checked.map_err(|_| SshKeyError::NotOnCurve)?;
        Ok(Self { blob: blob.to_vec(), material })
    }

    /// The key of these 32 bytes of Ed25519.
    ///
    /// # Errors
    /// [`SshKeyError::NotOnCurve`].
    pub fn ed25519(point: &[u8; 32]) -> Result<Self, SshKeyError> {
        let mut blob = Vec::new();
        put_string(&mut blob, SshKeyKind::Ed25519.word().as_bytes());
        put_string(&mut blob, point);
        Self::of_blob(&blob)
    }

    /// What kind it is.
    #[must_use]
    pub const fn kind(&self) -> SshKeyKind {
        match self.material {
            Material::Ed25519(_) => SshKeyKind::Ed25519,
            Material::P256(_) => SshKeyKind::P256,
            Material::SecurityToken { .. } => SshKeyKind::SecurityToken,
        }
    }

    /// `SHA256:` and the digest, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(sha256(&self.blob).as_bytes()))
    }

    /// The wire format.
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }
}

/// The line without comment, as it stands in a `.pub` file.
impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind().word(), STANDARD.encode(&self.blob))
    }
}

impl fmt::Debug for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshKey({})", self.fingerprint())
    }
}

impl SshKeyKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::P256, Self::SecurityToken];

    /// Its name in OpenSSH.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::P256 => "ecdsa-sha2-nistp256",
            Self::SecurityToken => "sk-ssh-ed25519@openssh.com",
        }
    }

    fn material(self, wire: &mut Wire<'_>) -> Option<Material> {
        let ed25519 = |wire: &mut Wire<'_>| wire.string().filter(|point| point.len() == 32).map(<[u8]>::to_vec);
        match self {
            Self::Ed25519 => ed25519(wire).map(Material::Ed25519),
            Self::P256 => {
                wire.string().filter(|curve| *curve == b"nistp256")?;
                let point = wire.string().filter(|point| point.len() == 65 && point.first() == Some(&4))?;
                Some(Material::P256(point.to_vec()))
            }
            Self::SecurityToken => {
                let point = ed25519(wire)?;
                let application = wire.string().filter(|application| application.starts_with(APPLICATION))?.to_vec();
                Some(Material::SecurityToken { point, application })
            }
        }
    }
}

/// Takes the wire format of RFC 4251 §5 apart.
pub(super) struct Wire<'w> {
    rest: &'w [u8],
}

impl<'w> Wire<'w> {
    pub(super) const fn new(bytes: &'w [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'w [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).and_then(|bytes| bytes.first().copied())
    }

    pub(super) fn string(&mut self) -> Option<&'w [u8]> {
        let count = usize::try_from(self.number()?).ok()?;
        self.take(count)
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Appends a string with its length.
pub(super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(blob: &[u8]) -> String {
        format!("ssh-ed25519 {}", STANDARD.encode(blob))
    }

    fn good() -> SshKey {
        // The public key of RFC 8032 §7.1, test 1.
        let point = [
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
            0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
        ];
        SshKey::ed25519(&point).unwrap()
    }

    #[test]
    fn a_key_is_read_back_from_its_line_whatever_its_comment() {
        let key = good();
        for comment in ["", " anna", " anna on her laptop"] {
            assert_eq!(SshKey::parse(&format!("{key}{comment}")), Ok(key.clone()));
        }
        assert!(key.fingerprint().starts_with("SHA256:"));
    }

    #[test]
    fn what_is_spelled_otherwise_is_no_key() {
        let key = good();
        let blob = key.blob().to_vec();
        let shorter = &blob[..blob.len() - 1];
        let longer = [&blob[..], &[0]].concat();
        let text = key.to_string();
        for (wrong, why) in [
            (String::new(), SshKeyError::Malformed),
            ("ssh-ed25519".to_owned(), SshKeyError::Malformed),
            (line(shorter), SshKeyError::Malformed),
            (line(&longer), SshKeyError::Malformed),
            (text.replace("ssh-ed25519", "ecdsa-sha2-nistp256"), SshKeyError::Malformed),
            (text.replace("ssh-ed25519", "ssh-rsa"), SshKeyError::Kind),
            (text.replace(' ', "  "), SshKeyError::Malformed),
            (format!("{text}\n"), SshKeyError::Malformed),
            (format!("{text}="), SshKeyError::Malformed),
            (format!("{text} {}", "x".repeat(MAX_LINE_BYTES)), SshKeyError::Malformed),
        ] {
            assert_eq!(SshKey::parse(&wrong), Err(why), "{wrong}");
        }
    }
}
