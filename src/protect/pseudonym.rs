//! Pseudonyms: an id becomes other text that only this gateway can turn back.
//!
//! AES-256-GCM-SIV with a fixed nonce (RFC 8452; the key and its nonce are `crypto`'s): the same id gives the same
//! pseudonym, so that a partner can tell that two commands came from one user, and nothing else. What is sealed is bound
//! to a [`Domain`]: partner, tenant and kind. The same id is another pseudonym for another partner, for another
//! management company, and as another kind; moved from one to the other, it does not open. Ids are padded to a multiple
//! of 16 bytes, so that the length of a pseudonym says little about the id's.
//!
//! The text is URL-safe, since ids also stand in paths: `p1.` and base64url without padding, one spelling each.

use crate::crypto::SivKey;
use crate::crypto::decode_base64url;
use crate::crypto::encode_base64url;
use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::model::PartnerName;
use crate::model::TenantId;
use crate::model::pseudonym_digits;
use crate::model::pseudonym_of_digits;
use crate::protect::ProtectFault;

/// The longest id that gets a pseudonym, in bytes; its pseudonym fits what [`pseudonym_digits`] reads.
const MAX_ID_BYTES: usize = 4_000;
/// Ids are padded to a multiple of this, in bytes.
const BLOCK_BYTES: usize = 16;
/// What separates an id from its padding of zeros (ISO/IEC 7816-4): zeros at an id's own end stay its own.
const PADDING_MARK: u8 = 0x80;

/// Where a pseudonym means something, and nowhere else.
#[derive(Clone, Copy)]
pub(super) struct Domain<'a> {
    pub(super) partner: &'a PartnerName,
    pub(super) tenant: &'a TenantId,
    pub(super) class: DataClass,
    pub(super) kind: Option<IdentifierKind>,
}

/// The pseudonym of `id`.
///
/// # Errors
/// [`ProtectFault::TooLong`] beyond 4,000 bytes.
pub(super) fn pseudonymize(key: &SivKey, domain: Domain<'_>, id: &str) -> Result<String, ProtectFault> {
    if id.len() > MAX_ID_BYTES {
        return Err(ProtectFault::TooLong);
    }
    let mut padded = Vec::with_capacity(id.len() + BLOCK_BYTES);
    padded.extend_from_slice(id.as_bytes());
    padded.push(PADDING_MARK);
    padded.resize(padded.len().next_multiple_of(BLOCK_BYTES), 0);
    Ok(pseudonym_of_digits(&encode_base64url(&key.seal(&domain.bytes(), &padded))))
}

/// The id that `pseudonym` stands for.
///
/// # Errors
/// [`ProtectFault::Foreign`] for everything that [`pseudonymize`] did not make with this key in this domain.
pub(super) fn reverse(key: &SivKey, domain: Domain<'_>, pseudonym: &str) -> Result<String, ProtectFault> {
    let sealed = pseudonym_digits(pseudonym).and_then(decode_base64url).ok_or(ProtectFault::Foreign)?;
    let mut id = key.open(&domain.bytes(), &sealed).map_err(|_| ProtectFault::Foreign)?;
    while id.last() == Some(&0) {
        id.pop();
    }
    if id.pop() != Some(PADDING_MARK) {
        return Err(ProtectFault::Foreign);
    }
    String::from_utf8(id).map_err(|_| ProtectFault::Foreign)
}

impl Domain<'_> {
    /// The domain as bytes: its words, each ended by a zero byte, which none of them holds.
    fn bytes(self) -> Vec<u8> {
        let kind = self.kind.map_or("", IdentifierKind::word);
        let mut bytes = Vec::with_capacity(192);
        for word in ["pseudonym 1", self.partner.as_str(), self.tenant.as_str(), self.class.word(), kind] {
            bytes.extend_from_slice(word.as_bytes());
            bytes.push(0);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretKey;
    use crate::model::Name;
    use proptest::prelude::*;

    fn key(byte: u8) -> SivKey {
        SivKey::new(&SecretKey::new([byte; 32]))
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn sealed(key: &SivKey, partner: &str, tenant: &str, kind: IdentifierKind, id: &str) -> String {
        let (partner, tenant) = (&name(partner), &name(tenant));
        pseudonymize(key, Domain { partner, tenant, class: DataClass::Identifier, kind: Some(kind) }, id).unwrap()
    }

    fn opened(
        key: &SivKey,
        partner: &str,
        tenant: &str,
        kind: IdentifierKind,
        text: &str,
    ) -> Result<String, ProtectFault> {
        let (partner, tenant) = (&name(partner), &name(tenant));
        reverse(key, Domain { partner, tenant, class: DataClass::Identifier, kind: Some(kind) }, text)
    }

    #[test]
    fn one_id_has_another_pseudonym_for_each_partner_tenant_kind_and_key_and_opens_nowhere_else() {
        let user = IdentifierKind::User;
        let all = [
            sealed(&key(1), "smarthome", "north", user, "user-1"),
            sealed(&key(1), "smarthome", "south", user, "user-1"),
            sealed(&key(1), "othersite", "north", user, "user-1"),
            sealed(&key(1), "smarthome", "north", IdentifierKind::Device, "user-1"),
            sealed(&key(2), "smarthome", "north", user, "user-1"),
            sealed(&key(1), "smarthomenorth", "north", user, "user-1"),
        ];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len());
        assert_eq!(opened(&key(1), "smarthome", "north", user, &all[0]).as_deref(), Ok("user-1"));
        for foreign in &all[1..] {
            assert_eq!(opened(&key(1), "smarthome", "north", user, foreign), Err(ProtectFault::Foreign));
        }
    }

    #[test]
    fn a_pseudonym_that_was_touched_is_foreign() {
        let text = sealed(&key(1), "smarthome", "north", IdentifierKind::User, "user-1");
        let open = |text: &str| opened(&key(1), "smarthome", "north", IdentifierKind::User, text);
        for (at, digit) in text.char_indices().skip(3) {
            let other = if digit == 'A' { "B" } else { "A" };
            let mut touched = text.clone();
            touched.replace_range(at..=at, other);
            assert_eq!(open(&touched), Err(ProtectFault::Foreign), "at {at}");
        }
        let (head, tail) = (text.split_at(text.len() - 1).0, text.split_at(1).1);
        for touched in ["", "p1.", "user-1", head, tail, &format!("{text}A"), &format!("{text}=")] {
            assert_eq!(open(touched), Err(ProtectFault::Foreign), "{touched}");
        }
    }

    #[test]
    fn the_longest_id_has_a_pseudonym_and_one_byte_more_has_none() {
        let (partner, tenant) = (&name("smarthome"), &name("north"));
        let domain = Domain { partner, tenant, class: DataClass::Personal, kind: None };
        let longest = "a".repeat(MAX_ID_BYTES);
        let text = pseudonymize(&key(1), domain, &longest).unwrap();
        assert_eq!(reverse(&key(1), domain, &text), Ok(longest.clone()));
        assert_eq!(pseudonymize(&key(1), domain, &format!("{longest}a")), Err(ProtectFault::TooLong));
    }

    proptest! {
        #[test]
        fn every_id_comes_back_and_its_pseudonym_is_url_safe_and_shows_nothing_of_it(id in "\\PC{0,80}(\u{0}{0,3})") {
            let text = sealed(&key(3), "smarthome", "north", IdentifierKind::User, &id);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
            prop_assert!(id.len() < 4 || !text.contains(&id));
            prop_assert_eq!(opened(&key(3), "smarthome", "north", IdentifierKind::User, &text), Ok(id.clone()));
            prop_assert_eq!(&sealed(&key(3), "smarthome", "north", IdentifierKind::User, &id), &text);
        }

        #[test]
        fn text_that_is_none_of_ours_never_opens(text in "(p1\\.)?[A-Za-z0-9_-]{0,120}") {
            prop_assert_eq!(opened(&key(3), "smarthome", "north", IdentifierKind::User, &text), Err(ProtectFault::Foreign));
        }
    }
}
