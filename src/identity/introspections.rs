//! Which tokens an issuer was asked about, and what it said: remembered for a few seconds, asked once for all who wait.
//!
//! A request puts its question and waits (`asker.rs` asks); others with the same token wait for the same answer. An answer is good
//! for the requests that came within [`Introspections::keep`] of the question, not of the answer: so a token that its issuer has
//! revoked is refused to every request that comes that much later. What failed is not remembered.
//!
//! All of it is bounded: the questions under way, the answers that are remembered, and the time that a request waits. The oldest
//! answer makes room; it is asked for again. A token is known by its digest. Nothing is locked while anybody waits.

use crate::crypto::sha256;
use crate::identity::ask_fault::AskFault;
use crate::identity::issuer_seen::AskedSeen;
use crate::identity::settings::AskingAs;
use crate::identity::told::Answer;
use crate::model::Sha256;
use crate::secret::Secret;
use crate::wire::Ends;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc;
use tokio::sync::watch;

/// Questions under way at one moment.
const ASKED_AT_ONCE_MAX: usize = 64;

/// Answers that are remembered.
const ANSWERS_KEPT_MAX: usize = 4_096;

/// What is known of one question: nothing yet, or how it ended.
type Outcome = Option<Result<Arc<Answer>, AskFault>>;

/// What one issuer was asked. Shared by those who verify and the one who asks.
pub struct Introspections {
    keep: Duration,
    /// How long a request waits for an answer, all in all, and how long a question is under way.
    timeout: Duration,
    asking_as: ArcSwap<AskingAs>,
    known: Mutex<Known>,
    places: Arc<Semaphore>,
    questions: mpsc::Sender<Question>,
    /// The other end, until the one who asks takes it.
    put: Mutex<Option<mpsc::Receiver<Question>>>,
    turned_away: AtomicU64,
    /// How questions ended that were asked.
    pub(super) ends: Ends,
}

/// A question that waits to be asked, or is under way.
pub(super) struct Question {
    pub(super) token: Secret,
    answered: watch::Sender<Outcome>,
    /// Given back when it is answered, however that came.
    _place: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Known {
    questions: HashMap<Sha256, Put>,
    /// The same by the time at which they were put, the oldest first.
    order: VecDeque<(Duration, Sha256)>,
}

/// A question that was put.
struct Put {
    /// Steady time.
    at: Duration,
    outcome: watch::Receiver<Outcome>,
}

impl Question {
    /// Tells all who wait.
    pub(super) fn answer(self, told: Result<Answer, AskFault>) {
        self.answered.send_replace(Some(told.map(Arc::new)));
    }
}

impl Put {
    /// Whether what comes of it is good for a request that comes at `steady`.
    fn serves(&self, steady: Duration, keep: Duration) -> bool {
        let failed = match &*self.outcome.borrow() {
            Some(told) => told.is_err(),
            None => self.outcome.has_changed().is_err(),
        };
        !failed && steady < self.at.saturating_add(keep)
    }
}

impl Known {
    /// Forgets what serves nobody any more at `steady`, and the oldest beyond `most`.
    fn retire(&mut self, steady: Duration, keep: Duration, most: usize) {
        while let Some((at, token)) = self.order.front().copied() {
            if steady < at.saturating_add(keep) && self.order.len() <= most {
                return;
            }
            self.order.pop_front();
            // It may have been put once more since.
            if self.questions.get(&token).is_some_and(|put| put.at == at) {
                self.questions.remove(&token);
            }
        }
    }
}

impl Introspections {
    /// Nothing asked yet; each answer is good for `keep_s` seconds, and comes within `timeout`.
    #[must_use]
    pub fn new(keep_s: u64, timeout: Duration, asking_as: Arc<AskingAs>) -> Self {
        let (questions, put) = mpsc::channel(ASKED_AT_ONCE_MAX);
        Self {
            keep: Duration::from_secs(keep_s),
            timeout,
            asking_as: ArcSwap::new(asking_as),
            known: Mutex::default(),
            places: Arc::new(Semaphore::new(ASKED_AT_ONCE_MAX)),
            questions,
            put: Mutex::new(Some(put)),
            turned_away: AtomicU64::new(0),
            ends: Ends::default(),
        }
    }

    /// How long a question may be under way.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What whoever looks at the gateway is told.
    pub(super) fn seen(&self) -> AskedSeen {
        AskedSeen {
            keep_s: self.keep.as_secs(),
            timeout: self.timeout,
            under_way: ASKED_AT_ONCE_MAX.saturating_sub(self.places.available_permits()),
            remembered: self.known.lock().questions.len(),
            ends: self.ends.last(),
        }
    }

    /// As which client the issuer is asked.
    pub(super) fn asking_as(&self) -> Arc<AskingAs> {
        self.asking_as.load_full()
    }

    /// Asks as this client from now on.
    pub(super) fn ask_as(&self, asking_as: Arc<AskingAs>) {
        self.asking_as.store(asking_as);
    }

    /// The questions, for the one who asks them.
    pub(super) fn questions(&self) -> Option<mpsc::Receiver<Question>> {
        self.put.lock().take()
    }

    /// How many requests were turned away since this was asked last, because too many questions were under way.
    pub(super) fn turned_away(&self) -> u64 {
        self.turned_away.swap(0, Ordering::Relaxed)
    }

    /// Forgets what is too old at `steady`.
    pub(super) fn retire(&self, steady: Duration) {
        self.known.lock().retire(steady, self.keep, ANSWERS_KEPT_MAX);
    }

    /// What the issuer says of `token`, to a request that came at `steady`.
    ///
    /// # Errors
    /// [`AskFault`].
    pub(super) async fn told(&self, token: &str, steady: Duration) -> Result<Arc<Answer>, AskFault> {
        let mut outcome = self.put(token, steady)?;
        let answered = outcome.wait_for(Option::is_some);
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(Ok(told)) => (*told).clone().unwrap_or(Err(AskFault::Ended)),
            Ok(Err(_)) => Err(AskFault::Ended),
            Err(_) => Err(AskFault::Late),
        }
    }

    /// Puts a question, or joins those who wait for its answer, or finds that one.
    fn put(&self, token: &str, steady: Duration) -> Result<watch::Receiver<Outcome>, AskFault> {
        let digest = sha256(token.as_bytes());
        let mut known = self.known.lock();
        if let Some(put) = known.questions.get(&digest).filter(|put| put.serves(steady, self.keep)) {
            return Ok(put.outcome.clone());
        }
        let busy = || {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            AskFault::Busy
        };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let (answered, outcome) = watch::channel(None);
        let question = Question { token: Secret::new(token.as_bytes().to_vec()), answered, _place: place };
        self.questions.try_send(question).map_err(|_| busy())?;
        known.questions.insert(digest, Put { at: steady, outcome: outcome.clone() });
        known.order.push_back((steady, digest));
        known.retire(steady, self.keep, ANSWERS_KEPT_MAX);
        Ok(outcome)
    }
}

/// Without tokens and answers.
impl fmt::Debug for Introspections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Introspections(kept for {} s)", self.keep.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: Duration = Duration::from_secs(500);
    const KEEP_S: u64 = 5;
    const TIMEOUT: Duration = Duration::from_millis(2_500);

    fn after(millis: u64) -> Duration {
        BEGAN + Duration::from_millis(millis)
    }

    fn asking(keep_s: u64) -> (Introspections, mpsc::Receiver<Question>) {
        let asking_as = AskingAs { client_id: "us".into(), audience: "https://id.example".into(), key: None };
        let introspections = Introspections::new(keep_s, TIMEOUT, Arc::new(asking_as));
        let questions = introspections.questions().unwrap();
        (introspections, questions)
    }

    fn answer(active: bool) -> Result<Answer, AskFault> {
        Answer::read(format!("{{\"active\":{active}}}").as_bytes())
    }

    /// Whether an answer is there at once.
    async fn kept(introspections: &Introspections, token: &str, at: Duration) -> Option<bool> {
        let told = introspections.told(token, at);
        let told = tokio::time::timeout(Duration::from_millis(1), told).await;
        told.ok().and_then(Result::ok).map(|answer| answer.is_active)
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_good_for_its_time_after_the_question_and_not_a_moment_longer_whatever_it_says() {
        for active in [true, false] {
            let (introspections, mut questions) = asking(KEEP_S);
            let asked = introspections.told("opaque", BEGAN);
            let answers = async { questions.recv().await.unwrap().answer(answer(active)) };
            let (told, ()) = tokio::join!(asked, answers);
            assert_eq!(told.unwrap().is_active, active);
            let last = KEEP_S * 1_000 - 1;
            assert_eq!(kept(&introspections, "opaque", after(last)).await, Some(active));
            assert_eq!(kept(&introspections, "Opaque", after(last)).await, None, "of another token nothing is known");
            assert_eq!(kept(&introspections, "opaque", after(last + 1)).await, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_bring_one_token_wait_for_one_question_and_those_who_may_not_for_one_of_their_own() {
        let (introspections, mut questions) = asking(KEEP_S);
        let answers = async {
            questions.recv().await.unwrap().answer(answer(true));
            assert!(questions.try_recv().is_err(), "one question was put");
        };
        let told = tokio::join!(
            introspections.told("opaque", BEGAN),
            introspections.told("opaque", after(1)),
            introspections.told("opaque", after(4_999)),
            answers,
        );
        assert!(told.0.is_ok() && told.1.is_ok() && told.2.is_ok());
        let (strict, mut questions) = asking(0);
        let answers = async {
            for active in [true, false] {
                questions.recv().await.unwrap().answer(answer(active));
            }
        };
        let (first, second, ()) = tokio::join!(strict.told("opaque", BEGAN), strict.told("opaque", BEGAN), answers);
        assert_eq!((first.unwrap().is_active, second.unwrap().is_active), (true, false), "nothing is remembered");
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_is_told_to_all_who_waited_and_asked_again() {
        let (introspections, mut questions) = asking(KEEP_S);
        let answers = async { questions.recv().await.unwrap().answer(Err(AskFault::Malformed)) };
        let (first, second, ()) =
            tokio::join!(introspections.told("opaque", BEGAN), introspections.told("opaque", BEGAN), answers);
        assert_eq!([first.err(), second.err()], [Some(AskFault::Malformed); 2]);
        let lost = async { drop(questions.recv().await.unwrap()) };
        let (told, ()) = tokio::join!(introspections.told("opaque", BEGAN), lost);
        assert_eq!(told.err(), Some(AskFault::Ended));
        let answers = async { questions.recv().await.unwrap().answer(answer(true)) };
        let (told, ()) = tokio::join!(introspections.told("opaque", BEGAN), answers);
        assert!(told.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_is_not_answered_holds_up_a_request_for_its_time_and_no_longer() {
        let (introspections, _questions) = asking(KEEP_S);
        let within = |time| tokio::time::timeout(time, introspections.told("opaque", BEGAN));
        let moment = Duration::from_millis(1);
        assert!(within(TIMEOUT - moment).await.is_err(), "it still waits");
        assert_eq!(within(TIMEOUT + moment).await.unwrap().err(), Some(AskFault::Late));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_questions_are_under_way_and_not_one_more_until_one_is_answered() {
        let (introspections, mut questions) = asking(KEEP_S);
        let put = |number: usize| introspections.put(&format!("token-{number}"), BEGAN);
        for number in 0..ASKED_AT_ONCE_MAX {
            assert!(put(number).is_ok(), "{number}");
        }
        assert_eq!(put(ASKED_AT_ONCE_MAX).err(), Some(AskFault::Busy));
        assert!(put(0).is_ok(), "who waits for one that is under way takes no place");
        assert_eq!((introspections.turned_away(), introspections.turned_away()), (1, 0));
        let question = questions.recv().await.unwrap();
        assert_eq!(put(ASKED_AT_ONCE_MAX).err(), Some(AskFault::Busy), "it is under way, and not answered");
        question.answer(answer(false));
        assert!(put(ASKED_AT_ONCE_MAX).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_answers_are_remembered_and_the_oldest_makes_room_for_one_more() {
        let (introspections, mut questions) = asking(KEEP_S);
        for number in 0..=ANSWERS_KEPT_MAX {
            introspections.put(&format!("token-{number}"), BEGAN).unwrap();
            questions.recv().await.unwrap().answer(answer(true));
        }
        assert_eq!(introspections.known.lock().questions.len(), ANSWERS_KEPT_MAX);
        assert_eq!(kept(&introspections, "token-1", BEGAN).await, Some(true));
        assert_eq!(kept(&introspections, "token-0", BEGAN).await, None);
        introspections.retire(after(KEEP_S * 1_000));
        let known = introspections.known.lock();
        assert_eq!((known.questions.len(), known.order.len()), (0, 0), "and none longer than it is good");
    }

    #[test]
    fn neither_tokens_nor_answers_are_printed() {
        let (introspections, _questions) = asking(KEEP_S);
        introspections.put("opaque", BEGAN).unwrap();
        assert_eq!(format!("{introspections:?}"), "Introspections(kept for 5 s)");
    }
}
