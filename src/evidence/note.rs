//! Signed notes and checkpoints, read and verified strictly (C2SP signed-note and tlog-checkpoint, Ed25519 only).
//!
//! A note is text that ends in a line feed, a blank line, and lines `— <key name> <base64 of key id and signature>`. Signatures
//! of keys that are not known are passed over, as the specification demands, so that witnesses may add theirs; the one of
//! the known key must be there, and every one that bears its name and id must fit.
//!
//! A checkpoint's text is exactly three lines here: origin, size, root. Base64 is that of RFC 4648 §4, padded, with one spelling.

use crate::crypto::Ed25519Key;
use crate::crypto::sha256_joined;
use crate::evidence::tree::SIZE_MAX;
use crate::model::Sha256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The longest note, in bytes: sixteen signatures, as many as must be taken, of the longest that are in use (5 kB).
pub const NOTE_MAX_BYTES: usize = 128 * 1024;
/// The most signatures under one note.
const SIGNATURES_MAX: usize = 64;
/// The byte that stands for Ed25519 in key ids and in keys.
const ED25519: u8 = 1;

/// A public key as the format spells it: `<name>+<8 hexadecimal digits of its id>+<base64 of 0x01 and 32 bytes>`.
#[derive(Debug)]
pub struct VerifierKey {
    name: Box<str>,
    id: [u8; 4],
    key: Ed25519Key,
}

/// A note whose form is right. Nobody has signed it yet as far as this tells.
#[derive(Debug)]
pub struct Note<'t> {
    text: &'t str,
    signatures: Vec<Signature<'t>>,
}

#[derive(Debug)]
struct Signature<'t> {
    name: &'t str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// What a log says of itself at one moment: so many leaves, with this root.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Box<str>,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Sha256,
}

/// Why a public key is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyFault {
    /// It is not `name+id+key`.
    #[error("it is not `<name>+<id>+<key>` as C2SP signed-note spells a key")]
    Form,
    /// The algorithm is another one.
    #[error("it is no Ed25519 key")]
    Algorithm,
    /// The id is not that of this name and key: a digit is wrong somewhere.
    #[error("its id is not that of this name and key: something of it was mistyped")]
    Id,
}

/// Why a note is no checkpoint of this log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteFault {
    /// It is longer than any.
    #[error("it is longer than a signed note can be")]
    TooLong,
    /// It is no signed note.
    #[error("it is no signed note")]
    Form,
    /// It is a signed note, and its text no checkpoint.
    #[error("its text is not the three lines of a checkpoint")]
    Text,
    /// No signature of this key stands under it.
    #[error("the key that was given has not signed it")]
    NotSigned,
    /// A signature under the key's name does not fit.
    #[error("its signature does not fit")]
    Signature,
    /// It is the checkpoint of another log.
    #[error("it names another origin")]
    Origin,
}

impl VerifierKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyFault`]; nothing around it is passed over.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let (name, rest) = text.split_once('+').ok_or(KeyFault::Form)?;
        let (id, key) = rest.split_once('+').ok_or(KeyFault::Form)?;
        if !is_name(name) || id.len() != 8 {
            return Err(KeyFault::Form);
        }
        let key = STANDARD.decode(key).map_err(|_| KeyFault::Form)?;
        let (algorithm, point) = key.split_first().ok_or(KeyFault::Form)?;
        if *algorithm != ED25519 {
            return Err(KeyFault::Algorithm);
        }
        let point: [u8; 32] = point.try_into().map_err(|_| KeyFault::Form)?;
        let wanted = key_id(name, &point);
        let digits: String = wanted.iter().map(|byte| format!("{byte:02x}")).collect();
        if digits != id {
            return Err(KeyFault::Id);
        }
        let key = Ed25519Key::new(point).ok_or(KeyFault::Algorithm)?;
        Ok(Self { name: name.into(), id: wanted, key })
    }

    /// Its name, which is the origin of the log that it signs for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+", self.name)?;
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        let key = STANDARD.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        write!(f, "+{key}")
    }
}

impl<'t> Note<'t> {
    /// Takes a note apart.
    ///
    /// # Errors
    /// [`NoteFault::TooLong`], [`NoteFault::Form`].
    pub fn parse(bytes: &'t [u8]) -> Result<Self, NoteFault> {
        if bytes.len() > NOTE_MAX_BYTES {
            return Err(NoteFault::TooLong);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteFault::Form)?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteFault::Form);
        }
        // The last blank line: the text may have some of its own.
        let blank = note.rfind("\n\n").ok_or(NoteFault::Form)?;
        let (text, signatures) = note.split_at_checked(blank + 1).ok_or(NoteFault::Form)?;
        let signatures = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let mut read = Vec::new();
        for line in signatures.ok_or(NoteFault::Form)?.split('\n') {
            if read.len() == SIGNATURES_MAX {
                return Err(NoteFault::TooLong);
            }
            read.push(Signature::parse(line).ok_or(NoteFault::Form)?);
        }
        Ok(Self { text, signatures: read })
    }

    /// What was signed.
    #[must_use]
    pub const fn text(&self) -> &'t str {
        self.text
    }

    /// Whether the owner of this key signed it.
    ///
    /// # Errors
    /// [`NoteFault::NotSigned`], [`NoteFault::Signature`].
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteFault> {
        let mut known = self.signatures.iter().filter(|one| one.name == &*key.name && one.id == key.id).peekable();
        if known.peek().is_none() {
            return Err(NoteFault::NotSigned);
        }
        let fits = known.all(|one| key.key.signed(self.text.as_bytes(), &one.bytes));
        if fits { Ok(()) } else { Err(NoteFault::Signature) }
    }

    /// The checkpoint that it says it is, signed or not.
    ///
    /// # Errors
    /// [`NoteFault::Text`].
    pub fn unverified_checkpoint(&self) -> Result<Checkpoint, NoteFault> {
        let mut lines = self.text.strip_suffix('\n').unwrap_or_default().split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteFault::Text);
        };
        let size = decimal(size).filter(|size| *size <= SIZE_MAX).ok_or(NoteFault::Text)?;
        let root = hash_of_base64(root).ok_or(NoteFault::Text)?;
        if origin.is_empty() {
            return Err(NoteFault::Text);
        }
        Ok(Checkpoint { origin: origin.into(), size, root })
    }
}

impl Checkpoint {
    /// Reads a note that is signed by `key` and is a checkpoint of the log called `origin`.
    ///
    /// # Errors
    /// [`NoteFault`].
    pub fn verified(bytes: &[u8], key: &VerifierKey, origin: &str) -> Result<Self, NoteFault> {
        let note = Note::parse(bytes)?;
        note.verify(key)?;
        let checkpoint = note.unverified_checkpoint()?;
        if &*checkpoint.origin == origin { Ok(checkpoint) } else { Err(NoteFault::Origin) }
    }
}

impl<'t> Signature<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = STANDARD.decode(signature).ok()?;
        let (id, bytes) = bytes.split_first_chunk()?;
        (is_name(name) && !bytes.is_empty()).then(|| Self { name, id: *id, bytes: bytes.to_vec() })
    }
}

/// Base64 of 32 bytes, in its one spelling.
#[must_use]
pub fn hash_of_base64(text: &str) -> Option<Sha256> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Sha256::new)
}

/// The base64 of a hash, as notes spell it.
#[must_use]
pub fn base64_of_hash(hash: &Sha256) -> String {
    STANDARD.encode(hash.as_bytes())
}

/// A decimal number without sign and without zeros before it.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// C2SP signed-note: not empty, no white space, no plus.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// The first four bytes of SHA-256 over name, line feed, algorithm and key.
fn key_id(name: &str, point: &[u8; 32]) -> [u8; 4] {
    let digest = sha256_joined(&[name.as_bytes(), b"\n", &[ED25519], point]);
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and note of the tests of Go's `golang.org/x/mod/sumdb/note`, from which the specification was written.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const TEXT: &str =
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const SIGNED: &str =
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn verified(note: &str) -> Result<String, NoteFault> {
        let note = Note::parse(note.as_bytes())?;
        note.verify(&VerifierKey::parse(KEY).unwrap())?;
        Ok(note.text().to_owned())
    }

    #[test]
    fn the_published_note_is_signed_by_the_published_key() {
        assert_eq!(VerifierKey::parse(KEY).unwrap().to_string(), KEY);
        assert_eq!(verified(&format!("{TEXT}\n{SIGNED}")).unwrap(), TEXT);
        // The example of the specification: a blank line in its text, and a name with a slash.
        let poem = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
        let poem = Note::parse(poem.as_bytes()).unwrap();
        assert!(poem.text().ends_with("\n\ned è subito sera.\n"));
        assert_eq!(poem.verify(&VerifierKey::parse(KEY).unwrap()), Err(NoteFault::NotSigned));
    }

    #[test]
    fn no_single_byte_of_a_note_can_be_another_one() {
        let good = format!("{TEXT}\n{SIGNED}").into_bytes();
        let key = VerifierKey::parse(KEY).unwrap();
        for at in 0..good.len() {
            for other in 0..=255_u8 {
                let mut changed = good.clone();
                changed[at] = other;
                let taken = Note::parse(&changed).is_ok_and(|note| note.verify(&key).is_ok());
                assert_eq!(taken, other == good[at], "byte {at} as {other}");
            }
        }
        for cut in 0..good.len() {
            assert!(Note::parse(&good[..cut]).is_err_and(|fault| fault == NoteFault::Form), "cut at {cut}");
        }
    }

    #[test]
    fn no_part_of_a_key_and_no_change_of_one_is_a_key() {
        for from in 0..KEY.len() {
            for to in from..=KEY.len() {
                assert_eq!(
                    VerifierKey::parse(KEY.get(from..to).unwrap()).is_ok(),
                    (from, to) == (0, KEY.len()),
                    "{from}..{to}"
                );
            }
        }
        for at in 0..KEY.len() {
            for other in (0..128_u8).filter(|other| *other != KEY.as_bytes()[at]) {
                let mut changed = KEY.as_bytes().to_vec();
                changed[at] = other;
                assert!(VerifierKey::parse(std::str::from_utf8(&changed).unwrap()).is_err(), "byte {at} as {other}");
            }
        }
        // The same tests' keys of another length and another algorithm, under ids that are right for them.
        let long = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==";
        let other = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        assert_eq!(VerifierKey::parse(long).unwrap_err(), KeyFault::Form);
        assert_eq!(VerifierKey::parse(other).unwrap_err(), KeyFault::Algorithm);
    }

    #[test]
    fn strangers_signatures_are_passed_over_and_a_false_one_under_the_keys_name_is_not() {
        let witness = "— witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        assert!(verified(&format!("{TEXT}\n{witness}{SIGNED}{witness}")).is_ok());
        assert_eq!(verified(&format!("{TEXT}\n{witness}")), Err(NoteFault::NotSigned));
        // Its name under another id is a stranger's; its own id with another signature is a forgery, also beside the right one.
        let stranger = SIGNED.replace("x08go", "y08go");
        assert!(verified(&format!("{TEXT}\n{stranger}{SIGNED}")).is_ok());
        let forged = SIGNED.replace("/ZJku", "/ZJkv");
        assert_eq!(verified(&format!("{TEXT}\n{forged}{SIGNED}")), Err(NoteFault::Signature));
        let many = |count| format!("{TEXT}\n{}{SIGNED}", witness.repeat(count));
        assert!(verified(&many(SIGNATURES_MAX - 1)).is_ok());
        assert_eq!(verified(&many(SIGNATURES_MAX)), Err(NoteFault::TooLong));
    }

    #[test]
    fn what_is_no_signed_note_is_refused() {
        let signature = SIGNED.trim_end();
        for bad in [
            "".to_owned(),
            "\n".to_owned(),
            TEXT.to_owned(),
            format!("{TEXT}\n"),
            format!("{TEXT}{SIGNED}"),
            format!("{TEXT}\n{signature}"),
            format!("{TEXT}\n{SIGNED}\n"),
            format!("{TEXT}\n{}", SIGNED.replace('—', "–")),
            format!("{TEXT}\n{}", SIGNED.replace("— ", "—  ")),
            format!("{TEXT}\n{}", SIGNED.replace("AM=", "AN=")),
            format!("{TEXT}\n{}", SIGNED.replace("AM=", "AM")),
            format!("{TEXT}\n— PeterNeumann x08gow==\n"),
            format!("{TEXT}\n{}", SIGNED.replace("PeterN", "Peter+N")),
            format!("{TEXT}\n{}", SIGNED.replace('\n', "\r\n")),
            format!("\u{7}{TEXT}\n{SIGNED}"),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let long = format!("{}\n\n{SIGNED}", "a".repeat(NOTE_MAX_BYTES));
        assert_eq!(Note::parse(long.as_bytes()).unwrap_err(), NoteFault::TooLong);
    }

    #[test]
    fn a_checkpoint_is_three_lines_in_one_spelling() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        let read = |text: &str| {
            let note = format!("{text}\n{SIGNED}");
            Note::parse(note.as_bytes()).and_then(|note| note.unverified_checkpoint())
        };
        let good = read(&format!("example.com/behind-the-sofa\n20852163\n{root}\n")).unwrap();
        assert_eq!((&*good.origin, good.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(base64_of_hash(&good.root), root);
        let size = |size: &str| read(&format!("o\n{size}\n{root}\n"));
        assert_eq!(size("0").unwrap().size, 0);
        assert_eq!(size("9007199254740991").unwrap().size, SIZE_MAX);
        for bad in ["", "00", "01", "-1", "+1", " 1", "1 ", "1e3", "0x1", "9007199254740992", "18446744073709551616"] {
            assert_eq!(size(bad), Err(NoteFault::Text), "{bad:?}");
        }
        for text in [
            format!("o\n1\n{root}\nmore\n"),
            format!("o\n1\n{}\n", root.replace("2I=", "2J=")),
            format!("o\n1\n{}\n", root.trim_end_matches('=')),
            "o\n1\n\n".to_owned(),
            "o\n1\n".to_owned(),
            format!("\n1\n{root}\n"),
        ] {
            assert_eq!(read(&text), Err(NoteFault::Text), "{text:?}");
        }
    }
}
