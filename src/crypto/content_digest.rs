//! `Content-Digest` (RFC 9530 §2): SHA-256 over the very bytes of a message's content, so that a signature over the field
//! speaks of them too. Content that is empty has a digest as well.

use crate::crypto::digest::constant_time_eq;
use crate::crypto::digest::sha256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sfv::BareItem;
use sfv::Dictionary;
use sfv::ListEntry;
use sfv::Parser;

/// The algorithm's name in the registry of RFC 9530 §7.2.
const SHA_256: &str = "sha-256";

/// The field's value for this content.
#[must_use]
pub fn content_digest(content: &[u8]) -> String {
    format!("{SHA_256}=:{}:", STANDARD.encode(sha256(content).as_bytes()))
}

/// Whether the field's value names the SHA-256 digest of this content. Other digests beside it are passed over; without one
/// of SHA-256 it does not.
#[must_use]
pub fn is_content_digest(value: &str, content: &[u8]) -> bool {
    let Ok(digests) = Parser::new(value).parse::<Dictionary>() else { return false };
    match digests.get(SHA_256) {
        Some(ListEntry::Item(item)) => match &item.bare_item {
            BareItem::ByteSequence(digest) => constant_time_eq(digest, sha256(content).as_bytes()),
            _ => false,
        },
        Some(ListEntry::InnerList(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of RFC 9421 §1.3 and of RFC 9530 appendix B, and the digests that are published there.
    const PUBLISHED: [(&[u8], &str); 3] = [
        (br#"{"hello": "world"}"#, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        (b"{\"hello\": \"world\"}\n", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
        (b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    ];

    #[test]
    fn the_published_digests_come_out_and_are_those_of_their_content_alone() {
        for (content, value) in PUBLISHED {
            assert_eq!(content_digest(content), value);
            for (other, _) in PUBLISHED {
                assert_eq!(is_content_digest(value, other), other == content, "{value}");
            }
        }
    }

    #[test]
    fn only_a_digest_of_sha_256_counts_and_others_may_stand_beside_it() {
        let (content, value) = PUBLISHED[0];
        assert!(is_content_digest(&format!("sha-512=:AAAA:, {value};x=1, unixsum=1"), content));
        let bare = value.strip_prefix("sha-256=").unwrap();
        for wrong in [
            String::new(),
            format!("sha-512={bare}"),
            format!("SHA-256={bare}"),
            format!("sha-256=({bare})"),
            format!("sha-256={}", bare.replace(':', "\"")),
            format!("{value}, sha-256=:AAAA:"),
            format!("{value},"),
            "sha-256".to_owned(),
        ] {
            assert!(!is_content_digest(&wrong, content), "{wrong}");
        }
    }
}
