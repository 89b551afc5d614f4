//! Persons in records: a random handle for each, and the way from a person to it.
//!
//! A handle tells nothing. Which person it stands for is a row in the store, sealed; erasing the row is the erasure. The
//! memory here holds keyed digests and handles, never a person's value, and at most two generations of
//! [`GENERATION`] of them.

use crate::crypto::HmacKey;
use crate::crypto::SecretKey;
use crate::crypto::keyed_digest;
use crate::crypto::random;
use crate::model::IdentifierKind;
use crate::model::Sha256;
use crate::model::Stranger;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How many persons one generation of the memory holds; about 5 MiB.
const GENERATION: usize = 50_000;

/// What stands for a person, a device or a car in every record: 16 random bytes, written as `h-` and 32 hexadecimal
/// digits.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Handle([u8; 16]);

/// Why there is no handle; then there is no record either, and the exchange is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the store of handles does not answer")]
pub struct HandleFault;

/// Where handles last. `store/` implements it.
pub trait HandleStore: Send + Sync {
    /// The handle of a person; where there is none yet, `fresh` becomes it, durably, before this returns.
    ///
    /// `digest` finds the row without opening it: it is keyed, over kind, scope and value. `value` is to be sealed.
    ///
    /// # Errors
    /// [`HandleFault`]; the store logs the cause.
    fn handle(&self, person: &Person<'_>, fresh: Handle) -> Result<Handle, HandleFault>;
}

/// A person's identifier, for the store.
#[derive(Debug)]
pub struct Person<'a> {
    /// What it names: a user, a device, a car.
    pub kind: IdentifierKind,
    /// Within what it is unique: the token's issuer.
    pub scope: &'a str,
    /// The identifier.
    pub value: &'a Stranger,
    /// Keyed digest over the three, by which the row is found.
    pub digest: Sha256,
}

/// Finds the handles of persons, in memory first.
pub struct Handles {
    store: Arc<dyn HandleStore>,
    key: HmacKey,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    young: HashMap<Sha256, Handle>,
    old: HashMap<Sha256, Handle>,
}

impl Handles {
    /// Handles kept in `store`, found by digests under a key derived from `key`.
    #[must_use]
    pub fn new(store: Arc<dyn HandleStore>, key: &SecretKey) -> Self {
        let key = HmacKey::new(&key.derive("audit handles"));
        Self { store, key, memory: Mutex::default() }
    }

    /// The handle of a person. Blocks on the store the first time that a person is seen.
    ///
    /// # Errors
    /// [`HandleFault`], if the store does not answer.
    pub fn of(&self, kind: IdentifierKind, scope: &str, value: &Stranger) -> Result<Handle, HandleFault> {
        let parts = [format!("{kind:?}").into_bytes(), scope.as_bytes().to_vec(), value.expose().as_bytes().to_vec()];
        let digest = keyed_digest(&self.key, &parts.each_ref().map(Vec::as_slice));
        if let Some(known) = self.memory.lock().find(&digest) {
            return Ok(known);
        }
        let handle = self.store.handle(&Person { kind, scope, value, digest }, Handle(random()))?;
        self.memory.lock().remember(digest, handle);
        Ok(handle)
    }
}

impl Memory {
    /// What is found among the old becomes young again, so that those who come often stay.
    fn find(&mut self, digest: &Sha256) -> Option<Handle> {
        if let Some(handle) = self.young.get(digest) {
            return Some(*handle);
        }
        let handle = self.old.remove(digest)?;
        self.remember(*digest, handle);
        Some(handle)
    }

    fn remember(&mut self, digest: Sha256, handle: Handle) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, handle);
    }
}

impl Handle {
    /// Takes the bytes of a stored row.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("h-")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    #[derive(Default)]
    struct Rows {
        rows: Mutex<HashMap<Sha256, Handle>>,
        asked: AtomicUsize,
        down: bool,
    }

    impl HandleStore for Rows {
        fn handle(&self, person: &Person<'_>, fresh: Handle) -> Result<Handle, HandleFault> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.down {
                return Err(HandleFault);
            }
            Ok(*self.rows.lock().entry(person.digest).or_insert(fresh))
        }
    }

    fn handles(store: &Arc<Rows>) -> Handles {
        Handles::new(Arc::clone(store) as Arc<dyn HandleStore>, &SecretKey::new([7; 32]))
    }

    #[test]
    fn a_person_keeps_the_handle_and_the_store_is_asked_once() {
        let store = Arc::new(Rows::default());
        let first = handles(&store);
        let ivanov = Stranger::new("ivanov");
        let handle = first.of(IdentifierKind::User, "issuer", &ivanov).unwrap();
        assert_eq!(first.of(IdentifierKind::User, "issuer", &ivanov).unwrap(), handle);
        assert_eq!(store.asked.load(Ordering::SeqCst), 1);
        assert_eq!(handles(&store).of(IdentifierKind::User, "issuer", &ivanov).unwrap(), handle, "after a restart");
    }

    #[test]
    fn the_same_text_elsewhere_is_somebody_else() {
        let store = Arc::new(Rows::default());
        let handles = handles(&store);
        let value = Stranger::new("1");
        let user = handles.of(IdentifierKind::User, "one", &value).unwrap();
        assert_ne!(user, handles.of(IdentifierKind::Device, "one", &value).unwrap());
        assert_ne!(user, handles.of(IdentifierKind::User, "two", &value).unwrap());
    }

    #[test]
    fn without_a_store_there_is_no_handle() {
        let store = Arc::new(Rows { down: true, ..Rows::default() });
        assert_eq!(handles(&store).of(IdentifierKind::User, "issuer", &Stranger::new("a")), Err(HandleFault));
    }

    #[test]
    fn the_memory_holds_two_generations_and_those_who_come_often_stay() {
        let mut memory = Memory::default();
        let digest = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            Sha256::new(bytes)
        };
        for number in 0..3 * GENERATION {
            memory.remember(digest(number), Handle([0; 16]));
            assert!(memory.find(&digest(0)).is_some(), "{number}");
        }
        assert!(memory.young.len() + memory.old.len() <= 2 * GENERATION + 1);
        assert!(memory.find(&digest(1)).is_none());
    }
}
