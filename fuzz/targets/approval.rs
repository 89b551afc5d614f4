//! Statements and the signatures of `ssh-keygen`: each has one spelling, and what it says stands in it.

use portcullis::approval::Statement;
use portcullis::crypto::SshSignature;

pub const STATEMENT_WORDS: &[&str] = &[
    "\"bundle\":",
    "\"evidence\":[",
    "\"previous\":null",
    "\"role\":\"infosec\"",
    "\"sequence\":",
    "production",
    "2026-11-27T03:00:00.000Z",
    "pentest",
    "\r\n",
];

pub const SIGNATURE_WORDS: &[&str] =
    &["-----BEGIN SSH SIGNATURE-----\n", "\n-----END SSH SIGNATURE-----", "U1NIU0lH", "=", "==", "\r\n", "AAAA"];

pub fn statement(data: &[u8]) -> bool {
    let Ok(found) = Statement::parse(data) else { return false };
    assert_eq!(found.bytes(), data, "what is signed is what was read");
    let other: serde_json::Value = serde_json::from_slice(data).expect("JSON to another parser");
    assert_eq!(other.as_object().map(serde_json::Map::len), Some(11));
    assert_eq!(other["sequence"].as_u64(), Some(found.sequence));
    assert_eq!(other["bundle"], found.bundle.to_string());
    assert_eq!(other["person"], found.person.as_str());
    assert_eq!(other["role"], found.role.word());
    assert!(found.sequence > 0 && found.created <= found.not_after);
    assert!(data.ends_with(b"}\n") && data.iter().filter(|byte| **byte == b'\n').count() == 1);
    true
}

pub fn signature(data: &[u8]) -> bool {
    let Ok(found) = SshSignature::parse(data) else { return false };
    let text = std::str::from_utf8(data).expect("text");
    assert!(text.starts_with("-----BEGIN SSH SIGNATURE-----\n"));
    assert!(text.trim_end_matches('\n').ends_with("\n-----END SSH SIGNATURE-----") && !text.contains('\r'));
    assert!(text.split('\n').all(|line| line.len() <= 76));
    // Nobody has signed this here.
    assert!(found.verify("portcullis-bundle-v1", b"what nobody has signed").is_err());
    true
}
