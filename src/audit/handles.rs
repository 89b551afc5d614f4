//! Persons in records: a random handle for each, and the way from a person to it.
//!
//! A handle tells nothing. Which person it stands for is a row in the store, sealed; erasing the row is the erasure, after
//! which records keep a handle that stands for nobody. The memory here holds keyed digests and handles, never a person's
//! value, and at most two generations of [`GENERATION`] of them.
//!
//! Who was erased is not remembered any more: an answer of the store that was on its way while the row went could bring the
//! old handle back.

use crate::audit::answer::AnswerKey;
use crate::audit::proof::Noted;
use crate::crypto::HmacKey;
use crate::crypto::SecretKey;
use crate::crypto::keyed_digest;
use crate::crypto::random;
use crate::guard::ErasureAgreed;
use crate::model::IdentifierKind;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::write_hex;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How many persons one generation of the memory holds; about 5 MiB.
const GENERATION: usize = 50_000;

/// The persons erased last, who are asked of the store each time they come. Far more than are erased while an answer of the
/// store is on its way.
const ERASED_MAX: usize = 1_024;

/// What stands for a person, a device or a car in every record: 16 random bytes, written as `h-` and 32 hexadecimal
/// digits.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Handle([u8; 16]);

/// Random bytes that live and die with a person's row: what is sealed under them cannot be opened once it is erased.
#[derive(Clone)]
pub struct PersonSecret(Arc<Zeroizing<[u8; 32]>>);

/// What a person's row holds beside the person.
#[derive(Clone, Debug)]
pub struct HandleRow {
    /// The handle.
    pub handle: Handle,
    /// What is sealed for the person is sealed under it.
    pub secret: PersonSecret,
}

/// Who takes part in an exchange, as records name them.
#[derive(Clone, Debug)]
pub struct Named<const N: usize> {
    /// Their handles, in their order.
    pub handles: [Option<Handle>; N],
    /// The key under which an answer is kept that may speak of them; `None` where there is nobody.
    pub answers: Option<AnswerKey>,
}

/// Why there is no handle; then there is no record either, and the exchange is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the store of handles does not answer")]
pub struct HandleFault;

/// Where handles last. `store/` implements it.
#[async_trait]
pub trait HandleStore: Send + Sync {
    /// The handles of persons, in their order, with their secrets. Where one has none yet, his `fresh` becomes it, durably,
    /// before this is ready, which takes as long as the disk does: whoever asks says for how long they wait. Must not block:
    /// many new persons may come at once.
    ///
    /// # Errors
    /// [`HandleFault`]; the store logs the cause.
    async fn handles(&self, persons: Vec<Person>) -> Result<Vec<HandleRow>, HandleFault>;

    /// Handles that are stored, at most `limit` of them, each with its person's digest.
    ///
    /// # Errors
    /// [`HandleFault`]; the store logs the cause.
    async fn known(&self, limit: usize) -> Result<Vec<(Sha256, HandleRow)>, HandleFault>;

    /// The handle of a person, by the digest, where there is one. Makes none.
    ///
    /// # Errors
    /// [`HandleFault`]; the store logs the cause.
    async fn find(&self, person: Sha256) -> Result<Option<Handle>, HandleFault>;

    /// Erases a person's row; whether there was one. When this returns, no file of the store holds a byte of it, nor of a
    /// copy that was left behind when rows were moved.
    ///
    /// # Errors
    /// [`HandleFault`]: the row may be gone, or not every trace of it. Another attempt brings that about.
    async fn erase(&self, person: Sha256) -> Result<bool, HandleFault>;
}

/// A person's identifier, for the store.
#[derive(Clone, Debug)]
pub struct Person {
    /// What it names: a user, a device, a car.
    pub kind: IdentifierKind,
    /// Within what it is unique: the token's issuer.
    pub scope: Arc<str>,
    /// The identifier, to be sealed.
    pub value: Stranger,
    /// Keyed digest over the three, by which the row is found without opening it.
    pub digest: Sha256,
    /// The handle that becomes his if he has none, and its secret.
    pub fresh: HandleRow,
}

/// Finds the handles of persons, in memory first.
pub struct Handles {
    store: Arc<dyn HandleStore>,
    key: HmacKey,
    answers: HmacKey,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    young: HashMap<Sha256, HandleRow>,
    old: HashMap<Sha256, HandleRow>,
    /// Who was erased, the latest last.
    erased: VecDeque<Sha256>,
}

impl Handles {
    /// Handles kept in `store`, found by digests under a key derived from `key`.
    #[must_use]
    pub fn new(store: Arc<dyn HandleStore>, key: &SecretKey) -> Self {
        let of = |purpose| HmacKey::new(&key.derive(purpose));
        Self { store, key: of("audit handles"), answers: of("audit answers of persons"), memory: Mutex::default() }
    }

    /// Takes into memory what is stored, as far as one generation holds it, so that after a start those who come again do
    /// not all wait for the store.
    ///
    /// # Errors
    /// [`HandleFault`], if the store does not answer.
    pub async fn recall(&self) -> Result<(), HandleFault> {
        let known = self.store.known(GENERATION).await?;
        self.memory.lock().young.extend(known);
        Ok(())
    }

    /// Who these identifiers are in records, each unique within `scope`. Waits for the store, once, if any of them
    /// is not remembered.
    ///
    /// # Errors
    /// [`HandleFault`], if the store does not answer.
    pub async fn of<const N: usize>(
        &self,
        scope: &Arc<str>,
        identifiers: [Option<(IdentifierKind, &Stranger)>; N],
    ) -> Result<Named<N>, HandleFault> {
        let digests = identifiers.map(|given| given.map(|(kind, value)| self.digest(kind, scope, value)));
        let mut found = {
            let mut memory = self.memory.lock();
            digests.map(|digest| memory.find(&digest?))
        };
        let mut unseen = Vec::new();
        for (index, (given, digest)) in identifiers.into_iter().zip(digests).enumerate() {
            let known = found.get(index).is_some_and(Option::is_some);
            if let (false, Some((kind, value)), Some(digest)) = (known, given, digest) {
                let fresh = HandleRow { handle: Handle(random()), secret: PersonSecret::new(random()) };
                let (scope, value) = (Arc::clone(scope), value.clone());
                unseen.push((index, Person { kind, scope, value, digest, fresh }));
            }
        }
        if unseen.is_empty() {
            return Ok(self.named(found));
        }
        let (places, persons): (Vec<usize>, Vec<Person>) = unseen.into_iter().unzip();
        let digests: Vec<Sha256> = persons.iter().map(|person| person.digest).collect();
        let handles = self.store.handles(persons).await?;
        if handles.len() != places.len() {
            return Err(HandleFault);
        }
        let mut memory = self.memory.lock();
        for ((index, digest), row) in places.into_iter().zip(digests).zip(handles) {
            memory.remember(digest, row.clone());
            if let Some(place) = found.get_mut(index) {
                *place = Some(row);
            }
        }
        drop(memory);
        Ok(self.named(found))
    }

    fn named<const N: usize>(&self, rows: [Option<HandleRow>; N]) -> Named<N> {
        let secrets = rows.each_ref().map(|row| row.as_ref().map_or(&[][..], |row| row.secret.expose()));
        let answers = rows.iter().any(Option::is_some).then(|| {
            let key = keyed_digest(&self.answers, &secrets);
            AnswerKey::new(SecretKey::new(*key.as_bytes()))
        });
        Named { handles: rows.map(|row| row.map(|row| row.handle)), answers }
    }

    /// The handle of a person, by its [`digest`](Self::digest), where there is one. Makes none.
    ///
    /// # Errors
    /// [`HandleFault`], if the store does not answer.
    pub async fn find(&self, person: Sha256) -> Result<Option<Handle>, HandleFault> {
        self.store.find(person).await
    }

    /// Erases a person of whom two have agreed and of whom it is on record; whether there was a handle. Whoever comes again
    /// under the same identifier gets another one.
    ///
    /// # Errors
    /// [`HandleFault`], if the store does not answer, or could not erase every trace.
    pub async fn erase(&self, agreed: &ErasureAgreed, _on_record: &Noted) -> Result<bool, HandleFault> {
        // First: from here on nobody is given the old handle out of memory, also if the store finishes late.
        self.memory.lock().forget(agreed.person());
        self.store.erase(agreed.person()).await
    }

    /// The keyed digest under which an identifier is found. Stored digests depend on the kinds' words.
    #[must_use]
    pub fn digest(&self, kind: IdentifierKind, scope: &str, value: &Stranger) -> Sha256 {
        keyed_digest(&self.key, &[kind.word().as_bytes(), scope.as_bytes(), value.expose().as_bytes()])
    }
}

impl Memory {
    /// What is found among the old becomes young again, so that those who come often stay.
    fn find(&mut self, digest: &Sha256) -> Option<HandleRow> {
        if let Some(row) = self.young.get(digest) {
            return Some(row.clone());
        }
        let row = self.old.remove(digest)?;
        self.remember(*digest, row.clone());
        Some(row)
    }

    fn remember(&mut self, digest: Sha256, row: HandleRow) {
        if self.erased.contains(&digest) {
            return;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, row);
    }

    fn forget(&mut self, digest: Sha256) {
        self.young.remove(&digest);
        self.old.remove(&digest);
        self.erased.retain(|known| *known != digest);
        self.erased.push_back(digest);
        if self.erased.len() > ERASED_MAX {
            self.erased.pop_front();
        }
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

impl Handle {
    /// Reads what [`Display`](fmt::Display) writes, in that very form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("h-")?.as_bytes();
        let mut bytes = [0; 16];
        if digits.len() != 2 * bytes.len() {
            return None;
        }
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(bytes))
    }
}

impl PersonSecret {
    /// Takes bytes that were drawn here, or those of a stored row.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// The bytes, for the store and for deriving a key.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for PersonSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonSecret")
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("h-")?;
        write_hex(f, &self.0)
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
        rows: Mutex<HashMap<Sha256, HandleRow>>,
        asked: AtomicUsize,
        down: bool,
    }

    #[async_trait]
    impl HandleStore for Rows {
        async fn handles(&self, persons: Vec<Person>) -> Result<Vec<HandleRow>, HandleFault> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.down {
                return Err(HandleFault);
            }
            let mut rows = self.rows.lock();
            Ok(persons.into_iter().map(|person| rows.entry(person.digest).or_insert(person.fresh).clone()).collect())
        }

        async fn known(&self, limit: usize) -> Result<Vec<(Sha256, HandleRow)>, HandleFault> {
            Ok(self.rows.lock().iter().take(limit).map(|(digest, row)| (*digest, row.clone())).collect())
        }

        async fn find(&self, person: Sha256) -> Result<Option<Handle>, HandleFault> {
            Ok(self.rows.lock().get(&person).map(|row| row.handle))
        }

        async fn erase(&self, person: Sha256) -> Result<bool, HandleFault> {
            Ok(self.rows.lock().remove(&person).is_some())
        }
    }

    fn handles(store: &Arc<Rows>) -> Handles {
        Handles::new(Arc::clone(store) as Arc<dyn HandleStore>, &SecretKey::new([7; 32]))
    }

    #[tokio::test]
    async fn a_person_keeps_the_handle_and_the_store_is_asked_once() {
        let store = Arc::new(Rows::default());
        let (first, scope) = (handles(&store), Arc::from("issuer"));
        let (ivanov, phone) = (Stranger::new("ivanov"), Stranger::new("phone"));
        let asked = [Some((IdentifierKind::User, &ivanov)), None, Some((IdentifierKind::Device, &phone))];
        let found = first.of(&scope, asked).await.unwrap().handles;
        assert!(found[0].is_some() && found[1].is_none() && found[2].is_some());
        assert_eq!(first.of(&scope, asked).await.unwrap().handles, found);
        assert_eq!(store.asked.load(Ordering::SeqCst), 1, "both at once, and once only");
        assert_eq!(handles(&store).of(&scope, asked).await.unwrap().handles, found, "after a restart");
        let again = handles(&store);
        again.recall().await.unwrap();
        assert_eq!(again.of(&scope, asked).await.unwrap().handles, found);
        assert_eq!(store.asked.load(Ordering::SeqCst), 2, "not asked for those who were recalled");
    }

    #[tokio::test]
    async fn the_same_text_elsewhere_is_somebody_else() {
        let store = Arc::new(Rows::default());
        let (handles, value) = (handles(&store), Stranger::new("1"));
        let both = [Some((IdentifierKind::User, &value)), Some((IdentifierKind::Device, &value))];
        let [user, device] = handles.of(&Arc::from("one"), both).await.unwrap().handles;
        let [elsewhere, _] = handles.of(&Arc::from("two"), both).await.unwrap().handles;
        assert!(user != device && user != elsewhere);
    }

    #[tokio::test]
    async fn without_a_store_there_is_no_handle() {
        let store = Arc::new(Rows { down: true, ..Rows::default() });
        let value = Stranger::new("1");
        let found = handles(&store).of(&Arc::from("one"), [Some((IdentifierKind::User, &value))]).await;
        assert_eq!(found.err(), Some(HandleFault));
    }

    #[test]
    fn a_handle_is_read_in_the_form_in_which_it_is_written_alone() {
        let text = Handle([0x0A; 16]).to_string();
        assert_eq!(Handle::parse(&text), Some(Handle([0x0A; 16])));
        let digits = text.trim_start_matches("h-");
        let (longer, shorter) = (format!("{text}0"), text.trim_end_matches('a'));
        for wrong in [digits, shorter, &longer, &text.to_uppercase(), &text.replace('0', "g"), "h-", ""] {
            assert_eq!(Handle::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_memory_holds_two_generations_and_those_who_come_often_stay() {
        let mut memory = Memory::default();
        let row = HandleRow { handle: Handle([0; 16]), secret: PersonSecret::new([0; 32]) };
        let digest = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            Sha256::new(bytes)
        };
        for number in 0..3 * GENERATION {
            memory.remember(digest(number), row.clone());
            assert!(memory.find(&digest(0)).is_some(), "{number}");
        }
        assert!(memory.young.len() + memory.old.len() <= 2 * GENERATION + 1);
        assert!(memory.find(&digest(1)).is_none());
    }

    #[test]
    fn who_was_erased_is_not_remembered_again_by_an_answer_that_was_on_its_way() {
        let (mut memory, digest) = (Memory::default(), Sha256::new([1; 32]));
        let row = HandleRow { handle: Handle([1; 16]), secret: PersonSecret::new([1; 32]) };
        memory.remember(digest, row.clone());
        memory.forget(digest);
        memory.remember(digest, row.clone());
        assert!(memory.find(&digest).is_none());
        for number in 0..ERASED_MAX {
            assert!(memory.erased.contains(&digest), "{number}");
            let mut bytes = [2; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            memory.forget(Sha256::new(bytes));
        }
        assert_eq!((memory.erased.len(), memory.erased.contains(&digest)), (ERASED_MAX, false));
    }

    #[tokio::test]
    async fn an_answer_is_kept_under_a_key_that_goes_with_any_of_its_persons() {
        let store = Arc::new(Rows::default());
        let (handles, scope) = (handles(&store), Arc::from("issuer"));
        let (ivanov, phone) = (Stranger::new("ivanov"), Stranger::new("phone"));
        let (user, device) = (Some((IdentifierKind::User, &ivanov)), Some((IdentifierKind::Device, &phone)));
        let key = async |asked| handles.of(&scope, asked).await.unwrap().answers.map(|key| key.sealer());
        let sealed = key([user, device]).await.unwrap().seal(b"", b"answer");
        let opens = async |asked| key(asked).await.is_some_and(|key| key.open(b"", &sealed).is_ok());
        assert!(opens([user, device]).await, "for the same persons");
        assert!(!opens([user, None]).await && !opens([None, device]).await && !opens([device, user]).await);
        assert!(key([None, None]).await.is_none());
        for kind in [IdentifierKind::User, IdentifierKind::Device] {
            let sealed = key([user, device]).await.unwrap().seal(b"", b"answer");
            let gone = if kind == IdentifierKind::User { &ivanov } else { &phone };
            let gone = handles.digest(kind, &scope, gone);
            handles.memory.lock().forget(gone);
            assert_eq!(store.erase(gone).await, Ok(true));
            assert!(key([user, device]).await.unwrap().open(b"", &sealed).is_err(), "{kind:?}");
        }
    }
}
