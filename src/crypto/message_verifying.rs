//! Verifying the signature of an HTTP message (RFC 9421 §3.2): for the simulated partner and for tests. The gateway itself
//! verifies none so far.
//!
//! Exactly one signature is taken, and it must cover everything that is demanded: whoever could leave a part out could
//! exchange it. All its parameters must be there, and none that we do not know.

use crate::clock::UnixSeconds;
use crate::crypto::base64url::encode_base64url;
use crate::crypto::keyset::KeySet;
use crate::crypto::message_signature::LABEL;
use crate::crypto::message_signature::SignedParts;
use crate::crypto::message_signature::name_of;
use crate::crypto::verifying::SignatureError;
use crate::crypto::verifying::VerifyingKey;
use sfv::BareItem;
use sfv::Dictionary;
use sfv::InnerList;
use sfv::ListEntry;
use sfv::ListSerializer;
use sfv::Parser;

/// The longest field of a signature that is read, in bytes.
const MAX_FIELD_BYTES: usize = 4 * 1024;

/// A signature that covers what it must, and what it says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedSignature {
    /// When it was made.
    pub created: UnixSeconds,
    /// From when on it is not good any more.
    pub expires: UnixSeconds,
    /// What makes it the only one of its kind.
    pub nonce: String,
}

/// Why a signature is not taken. Holds no values.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MessageSignatureFault {
    /// The fields are no dictionaries of one signature under the same label.
    #[error("the fields are not those of one signature")]
    Malformed,
    /// A part that must be covered is not, one is covered twice, or one is covered that the message does not have.
    #[error("the signature does not cover what it must")]
    Covered,
    /// A parameter is missing, unknown or of another type.
    #[error("the signature's parameters are not what they must be")]
    Parameters,
    /// It was made for something else.
    #[error("the signature has another tag")]
    Tag,
    /// Nobody knows the key, or it is for another algorithm.
    #[error("the signature's key is unknown, or for another algorithm")]
    Key,
    /// It is made in the future.
    #[error("the signature is not valid yet")]
    NotYet,
    /// It is not good any more.
    #[error("the signature has expired")]
    Expired,
    /// It is another message's.
    #[error("the signature does not fit")]
    Signature,
}

impl SignedParts<'_> {
    /// Verifies the signature of these two fields over all these parts, made for `tag`, as of `now`.
    ///
    /// # Errors
    /// [`MessageSignatureFault`].
    pub fn verify(
        &self,
        input: &str,
        signature: &str,
        keys: &KeySet,
        tag: &str,
        now: UnixSeconds,
    ) -> Result<VerifiedSignature, MessageSignatureFault> {
        let (covered, signature) = only_signature(input, signature).ok_or(MessageSignatureFault::Malformed)?;
        let names = names(&covered).ok_or(MessageSignatureFault::Covered)?;
        let is_twice = |(index, name): (usize, &&str)| names.iter().take(index).any(|earlier| earlier == name);
        if names.iter().enumerate().any(is_twice) || !self.names().all(|name| names.contains(&name)) {
            return Err(MessageSignatureFault::Covered);
        }
        let terms = Terms::of(&covered).ok_or(MessageSignatureFault::Parameters)?;
        if terms.tag != tag {
            return Err(MessageSignatureFault::Tag);
        }
        let key = keys.key(terms.keyid).filter(|key| name_of(key.algorithm()) == Some(terms.alg));
        let key = key.ok_or(MessageSignatureFault::Key)?;
        if terms.created > now {
            return Err(MessageSignatureFault::NotYet);
        }
        if terms.expires <= now {
            return Err(MessageSignatureFault::Expired);
        }
        let base = self.base(names.into_iter(), &written(&covered)).ok_or(MessageSignatureFault::Covered)?;
        fits(key, &signature, &base).map_err(|_| MessageSignatureFault::Signature)?;
        Ok(VerifiedSignature { created: terms.created, expires: terms.expires, nonce: terms.nonce.to_owned() })
    }
}

/// What the one signature covers, and itself.
fn only_signature(input: &str, signature: &str) -> Option<(InnerList, Vec<u8>)> {
    let only = |text: &str| {
        let text = Some(text).filter(|text| text.len() <= MAX_FIELD_BYTES)?;
        let mut entries: Dictionary = Parser::new(text).parse().ok()?;
        let entry = entries.swap_remove(LABEL)?;
        entries.is_empty().then_some(entry)
    };
    match (only(input)?, only(signature)?) {
        (ListEntry::InnerList(covered), ListEntry::Item(item)) => match item.bare_item {
            BareItem::ByteSequence(bytes) if item.params.is_empty() => Some((covered, bytes)),
            _ => None,
        },
        _ => None,
    }
}

/// The names of the covered parts; `None` where one has parameters (RFC 9421 §2.1), none of which we know.
fn names(covered: &InnerList) -> Option<Vec<&str>> {
    let plain = covered.items.iter().map(|item| item.bare_item.as_string().filter(|_| item.params.is_empty()));
    plain.map(|name| name.map(sfv::StringRef::as_str)).collect()
}

/// All parameters of a signature.
struct Terms<'s> {
    created: UnixSeconds,
    expires: UnixSeconds,
    nonce: &'s str,
    keyid: &'s str,
    alg: &'s str,
    tag: &'s str,
}

impl<'s> Terms<'s> {
    fn of(covered: &'s InnerList) -> Option<Self> {
        let params = &covered.params;
        let text = |name: &str| params.get(name)?.as_string().map(sfv::StringRef::as_str);
        let time = |name: &str| {
            let seconds = i64::from(params.get(name)?.as_integer()?);
            u64::try_from(seconds).ok().map(UnixSeconds::new)
        };
        let terms = Self {
            created: time("created")?,
            expires: time("expires")?,
            nonce: text("nonce")?,
            keyid: text("keyid")?,
            alg: text("alg")?,
            tag: text("tag")?,
        };
        // These six, and no other.
        (params.len() == 6).then_some(terms)
    }
}

/// The covered parts and the parameters as RFC 9651 §4.1.1.1 writes them.
pub(super) fn written(covered: &InnerList) -> String {
    let mut list = ListSerializer::new();
    let mut inner = list.inner_list();
    inner.items(&covered.items);
    inner.finish().parameters(&covered.params);
    list.finish().unwrap_or_default()
}

/// Whether the signature of `base` was made with this key.
pub(super) fn fits(key: &VerifyingKey, signature: &[u8], base: &str) -> Result<(), SignatureError> {
    key.verify_bytes(&encode_base64url(signature), signature.len(), base.as_bytes())
}
