//! Certificates and revocation lists: what is read stands in the bytes, and nothing follows them.

use portcullis::crypto::Certificate;
use portcullis::crypto::Crl;
use portcullis::crypto::SubjectName;
use portcullis::crypto::sha256;

pub fn certificate(data: &[u8]) -> bool {
    let Ok(found) = Certificate::parse(data) else { return false };
    assert_eq!(Certificate::parse(data), Ok(found.clone()));
    assert_eq!(found.thumbprint, sha256(data));
    one_sequence(data);
    for name in &found.names {
        // RFC 5280 §4.2.1.6: [2] is a dNSName, [6] a URI; the length is one byte below 128.
        let (tag, name) = match name {
            SubjectName::Dns(name) => (0x82, name),
            SubjectName::Uri(name) => (0x86, name),
        };
        assert!(!name.is_empty() && name.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{name:?}");
        let bytes = name.as_bytes();
        let stands = data.windows(bytes.len()).enumerate().any(|(at, window)| {
            let before = &data[..at];
            let short = before.ends_with(&[tag, u8::try_from(bytes.len() & 0x7f).unwrap()]);
            window == bytes && (short || bytes.len() >= 128)
        });
        assert!(stands, "{name:?} does not stand in the certificate as what it is");
    }
    for host in ["", "example", "door.example", "a.door.example", "b.a.door.example"] {
        let parent = host.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
        let ours = found.names.iter().any(|name| {
            let SubjectName::Dns(name) = name else { return false };
            let name = name.to_ascii_lowercase();
            name == host || parent.is_some_and(|parent| name == format!("*.{parent}"))
        });
        assert_eq!(found.is_for_host(host), ours, "{host:?}");
    }
    for now in [found.not_before, found.not_after] {
        assert_eq!(found.is_valid_at(now), found.not_before <= found.not_after);
    }
    assert!(!found.is_valid_at(found.not_after.plus(1)));
    true
}

pub fn crl(data: &[u8]) -> bool {
    let Ok(lists) = Crl::parse(data) else { return false };
    assert!(!lists.is_empty());
    if !data.windows(5).any(|window| window == b"-----") {
        assert_eq!(lists.len(), 1);
        one_sequence(data);
    }
    true
}

/// DER of one SEQUENCE that is as long as the whole.
fn one_sequence(data: &[u8]) {
    let (&[tag, first], rest) = data.split_first_chunk().expect("tag and length");
    assert_eq!(tag, 0x30);
    let count = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    let (length, content) = rest.split_at(count);
    let length = match count {
        0 => usize::from(first),
        _ => length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)),
    };
    assert_eq!(length, content.len(), "something follows, or is missing");
}
