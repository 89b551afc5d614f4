//! Signatures that `ssh-keygen` made, and one of a security token that was built by hand: there is no such device here, so its
//! private half is an ordinary Ed25519 key, and what it signs is put together as PROTOCOL.u2f says.

use super::*;
use crate::crypto::random;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::KeyPair;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const NAMESPACE: &str = "portcullis-test-v1";
const MESSAGE: &[u8] = b"what is said\n";

/// A folder with keys of `ssh-keygen`.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn keygen(&self, arguments: &[&str]) {
        let output = Command::new("ssh-keygen").args(arguments).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A key of this kind, and its public half.
    fn key(&self, kind: &str) -> SshKey {
        self.keygen(&["-q", "-t", kind, "-N", "", "-C", "anna on her laptop", "-f", kind]);
        SshKey::parse(fs::read_to_string(self.path(&format!("{kind}.pub"))).unwrap().trim_end()).unwrap()
    }

    fn signed(&self, kind: &str, more: &[&str]) -> Vec<u8> {
        fs::write(self.path("message"), MESSAGE).unwrap();
        let _ = fs::remove_file(self.path("message.sig"));
        self.keygen(&[&["-q", "-Y", "sign", "-n", NAMESPACE, "-f", kind], more, &["message"]].concat());
        fs::read(self.path("message.sig")).unwrap()
    }
}

#[test]
fn what_ssh_keygen_signs_fits_its_message_its_namespace_and_its_key() {
    let desk = Desk::new();
    for kind in ["ed25519", "ecdsa"] {
        let key = desk.key(kind);
        let lines = Command::new("ssh-keygen").args(["-l", "-f", kind]).current_dir(desk.0.path()).output().unwrap();
        assert!(
            String::from_utf8(lines.stdout).unwrap().contains(&key.fingerprint()),
            "the fingerprint is ssh-keygen's"
        );
        for hash in ["hashalg=sha256", "hashalg=sha512"] {
            let signature = SshSignature::parse(&desk.signed(kind, &["-O", hash])).unwrap();
            assert_eq!(*signature.key(), key);
            assert_eq!(signature.verify(NAMESPACE, MESSAGE), Ok(SshVerified { counter: None }));
            assert_eq!(signature.verify("git", MESSAGE), Err(SshSignatureError::Namespace));
            assert_eq!(signature.verify(NAMESPACE, b"what is said"), Err(SshSignatureError::NotOfThese));
        }
    }
    // A random r or s begins with a set bit, or with a zero byte, soon enough: both spellings of a number come.
    for _ in 0..40 {
        assert!(SshSignature::parse(&desk.signed("ecdsa", &[])).unwrap().verify(NAMESPACE, MESSAGE).is_ok());
    }
    for kind in [&["-t", "rsa", "-b", "2048"][..], &["-t", "ecdsa", "-b", "384"]] {
        desk.keygen(&[&["-q", "-N", "", "-f", "other"], kind].concat());
        let refused = SshSignature::parse(&desk.signed("other", &[])).unwrap_err();
        assert!(matches!(refused, SshSignatureError::Key(_)), "{refused:?}");
        for name in ["other", "other.pub"] {
            fs::remove_file(desk.path(name)).unwrap();
        }
    }
}

/// `ssh-keygen` finds that what we wrote is good: who wrote both the signing and the verifying could be wrong twice.
#[test]
fn what_we_armour_ssh_keygen_verifies() {
    let desk = Desk::new();
    let (pair, key) = ed25519();
    let signature = pair.sign(&ssh_signed_bytes(NAMESPACE, SshHash::Sha512, MESSAGE));
    fs::write(desk.path("sig"), ssh_armour(&key, NAMESPACE, SshHash::Sha512, signature.as_ref())).unwrap();
    fs::write(desk.path("message"), MESSAGE).unwrap();
    fs::write(desk.path("allowed"), format!("anna {key}\n")).unwrap();
    let line = format!("ssh-keygen -Y verify -f allowed -I anna -n {NAMESPACE} -s sig < message");
    let output = Command::new("sh").args(["-c", &line]).current_dir(desk.0.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn ed25519() -> (Ed25519KeyPair, SshKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&random::<32>()).unwrap();
    let key = SshKey::ed25519(pair.public_key().as_ref().try_into().unwrap()).unwrap();
    (pair, key)
}

/// The armour of a security token: public key, what it signed, flags and counter as it says, and bytes behind.
fn token(application: &[u8], flags: u8, said: u8, counter: u32, behind: &[u8]) -> Vec<u8> {
    let (pair, key) = ed25519();
    let Material::Ed25519(point) = &key.material else { panic!("another kind") };
    let kind = SshKeyKind::SecurityToken.word().as_bytes();
    let (mut public, mut proof) = (Vec::new(), Vec::new());
    for string in [kind, point, application] {
        put_string(&mut public, string);
    }
    let signed = ssh_signed_bytes(NAMESPACE, SshHash::Sha512, MESSAGE);
    let signature = pair.sign(&asserted(application, flags, counter, &signed));
    put_string(&mut proof, kind);
    put_string(&mut proof, signature.as_ref());
    proof.push(said);
    proof.extend_from_slice(&counter.to_be_bytes());
    proof.extend_from_slice(behind);
    let mut blob = [MAGIC, &VERSION.to_be_bytes()].concat();
    for string in [&public[..], NAMESPACE.as_bytes(), b"", b"sha512", &proof] {
        put_string(&mut blob, string);
    }
    armoured(&blob).into_bytes()
}

#[test]
fn a_security_token_signs_only_when_it_is_touched_and_tells_its_counter() {
    let verified = |armour: &[u8]| SshSignature::parse(armour).and_then(|sig| sig.verify(NAMESPACE, MESSAGE));
    for flags in [0x01, 0x05] {
        assert_eq!(verified(&token(b"ssh:", flags, flags, 7, b"")), Ok(SshVerified { counter: Some(7) }));
    }
    assert!(verified(&token(b"ssh:portcullis", 1, 1, u32::MAX, b"")).is_ok());
    for flags in [0x00, 0x04] {
        assert_eq!(verified(&token(b"ssh:", flags, flags, 7, b"")), Err(SshSignatureError::NotTouched), "{flags}");
    }
    assert_eq!(verified(&token(b"ssh:", 0, 1, 7, b"")), Err(SshSignatureError::NotOfThese), "a flag set by a stranger");
    assert_eq!(
        verified(&token(b"ssh:", 0x41, 0x41, 7, b"")),
        Err(SshSignatureError::Malformed),
        "data that is not there"
    );
    assert_eq!(verified(&token(b"ssh:", 1, 1, 7, &[0])), Err(SshSignatureError::Malformed));
    assert_eq!(
        verified(&token(b"https://login.example", 1, 1, 7, b"")),
        Err(SshSignatureError::Key(SshKeyError::Malformed)),
        "a key of a browser's"
    );
}

/// `ssh-keygen` takes what was built by hand: so it is built as a security token's is.
#[test]
fn ssh_keygen_verifies_the_security_token_that_was_built_by_hand() {
    let desk = Desk::new();
    let armour = token(b"ssh:", 1, 1, 7, b"");
    fs::write(desk.path("allowed"), format!("anna {}\n", SshSignature::parse(&armour).unwrap().key())).unwrap();
    fs::write(desk.path("sig"), &armour).unwrap();
    fs::write(desk.path("message"), MESSAGE).unwrap();
    let line = format!("ssh-keygen -Y verify -f allowed -I anna -n {NAMESPACE} -s sig < message");
    let output = Command::new("sh").args(["-c", &line]).current_dir(desk.0.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_armour_has_one_spelling() {
    let (pair, key) = ed25519();
    let signature = pair.sign(&ssh_signed_bytes(NAMESPACE, SshHash::Sha512, MESSAGE));
    let good = ssh_armour(&key, NAMESPACE, SshHash::Sha512, signature.as_ref());
    assert!(SshSignature::parse(good.as_bytes()).is_ok());
    assert!(SshSignature::parse(good.trim_end().as_bytes()).is_ok(), "without the last line feed");
    let first = good.lines().nth(1).unwrap();
    let (left, right) = first.split_at(35);
    let cases = [
        String::new(),
        good.replace('\n', "\r\n"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}{good}"),
        good.replace("SSH SIGNATURE", "SIGNED SSH SIGNATURE"),
        good.replace(first, &format!("{left}\n{right}")),
        good.replace(first, &format!(" {first}")),
        good.replace(first, right),
        good.replacen("\n-----END", "=\n-----END", 1),
        good.replace('\n', ""),
        "x".repeat(MAX_ARMOUR_BYTES + 1),
    ];
    for case in cases {
        assert_eq!(SshSignature::parse(case.as_bytes()).unwrap_err(), SshSignatureError::Malformed, "{case:?}");
    }
}

#[test]
fn what_is_in_the_armour_fits_to_the_byte() {
    let (pair, key) = ed25519();
    let signature = pair.sign(&ssh_signed_bytes(NAMESPACE, SshHash::Sha512, MESSAGE));
    let blob = unarmoured(ssh_armour(&key, NAMESPACE, SshHash::Sha512, signature.as_ref()).as_bytes()).unwrap();
    let refused = |blob: &[u8]| SshSignature::parse(armoured(blob).as_bytes()).err();
    assert_eq!(refused(&blob), None);
    for length in 0..blob.len() {
        assert!(refused(&blob[..length]).is_some(), "{length}");
    }
    assert_eq!(refused(&[&blob[..], &[0]].concat()), Some(SshSignatureError::Malformed));
    let with = |from: &[u8], to: &[u8]| {
        let at = blob.windows(from.len()).position(|window| window == from).unwrap();
        [&blob[..at], to, &blob[at + from.len()..]].concat()
    };
    assert_eq!(refused(&with(b"SSHSIG\0\0\0\x01", b"SSHSIG\0\0\0\x02")), Some(SshSignatureError::Version));
    assert_eq!(refused(&with(b"sha512", b"sha384")), Some(SshSignatureError::Hash));
    assert_eq!(
        refused(&with(b"\0\0\0\0\0\0\0\x06sha512", b"\0\0\0\x01r\0\0\0\x06sha512")),
        Some(SshSignatureError::Malformed)
    );
    assert_eq!(refused(&with(b"SSHSIG", b"SSHSIX")), Some(SshSignatureError::Malformed));
}

#[test]
fn a_number_of_a_signature_has_one_spelling() {
    assert_eq!(coordinate(&[1]).unwrap()[31], 1);
    assert_eq!(coordinate(&[&[0x7f][..], &[9; 31]].concat()).unwrap()[0], 0x7f);
    assert_eq!(coordinate(&[&[0, 0x80][..], &[9; 31]].concat()).unwrap()[0], 0x80);
    for wrong in [vec![], vec![0], vec![0, 1], vec![0x80], vec![1; 33], [&[0, 0x80][..], &[9; 32]].concat()] {
        assert_eq!(coordinate(&wrong), None, "{wrong:?}");
    }
}
