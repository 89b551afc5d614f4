//! The tokens that were fetched for one partner: kept for each right until shortly before they end, and fetched once however
//! many commands wait for the same one.
//!
//! What a request to the server depends on is the settings, which stand still, the client's key, and the right. So tokens are kept by
//! right, and whoever exchanges the key, or the certificate that is shown there, lets go of all of them
//! ([`FetchedTokens::replace`]): what was under way then still serves those who waited for it, and is not kept. A token's time
//! is measured from before it was asked for, by wall time and by steady time, whichever ends first, so that nobody prolongs
//! it by setting the clock. A token that the partner refused is let go of. Nothing is locked while anybody waits.

use crate::clock::Clock;
use crate::clock::UnixSeconds;
use crate::crypto::SigningKey;
use crate::model::PartnerName;
use crate::partner::fault::PartnerFault;
use crate::partner::fault::TokenFault;
use crate::partner::token_request::Asked;
use crate::partner::token_request::FetchSettings;
use crate::partner::voucher::Bearer;
use crate::partner::voucher::Voucher;
use crate::protect::Protected;
use crate::tasks::Tasks;
use crate::telemetry::Line;
use crate::telemetry::Metrics;
use crate::telemetry::Warned;
use crate::wire::Connect;
use crate::wire::Ends;
use crate::wire::LastEnds;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Tokens that are kept for one partner; of more, those that end first go.
const TOKENS_MAX: usize = 4_096;

/// Fetches for one partner that are under way at a time; who finds none free waits within the time that there is.
const FETCHES_MAX: usize = 8;

/// So long before it ends a token is kept no longer, in seconds: a command that took it up has yet to reach the partner.
const EARLY_S: u64 = 10;

/// How long a command may go with a token that is valid for longer, in seconds: so long its signature is good, which is what
/// makes it one command.
const COMMAND_LIFETIME_MAX_S: u64 = 30;

/// The keys by which we prove ourselves as a client, the one that signs first; none where our certificate does.
pub type ClientKeys = Vec<Arc<SigningKey>>;

/// The tokens of one partner, for all workers.
pub struct FetchedTokens {
    partner: PartnerName,
    settings: FetchSettings,
    keys: ArcSwap<ClientKeys>,
    kept: Mutex<Kept>,
    fetches: Semaphore,
    tasks: Tasks,
    ends: Ends,
    warned: Mutex<Warned>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

/// What whoever looks at the gateway is told of a partner's tokens. No token is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FetchedSeen {
    /// Tokens that are kept.
    pub kept: usize,
    /// Rights for which one is fetched now.
    pub under_way: usize,
    /// How fetches ended.
    pub ends: LastEnds,
}

/// A token that was granted, and until when it may be used.
struct Granted {
    token: Zeroizing<String>,
    expires_at: UnixSeconds,
    /// The same in steady time.
    expires_steady: Duration,
}

/// A token that goes with a command, and where it is kept.
pub(super) struct Held {
    tokens: Arc<FetchedTokens>,
    asked: Asked,
    granted: Arc<Granted>,
}

#[derive(Default)]
struct Kept {
    /// How many fetches have begun: each has its number.
    begun: u64,
    rights: HashMap<Asked, Entry>,
}

enum Entry {
    Here(Arc<Granted>),
    Flying(u64, watch::Receiver<Landed>),
}

/// How a fetch ended, once it has.
type Landed = Option<Result<Arc<Granted>, TokenFault>>;

/// One fetch under way. However it ends, nobody waits for it any more.
struct Flight {
    tokens: Arc<FetchedTokens>,
    asked: Asked,
    number: u64,
    told: watch::Sender<Landed>,
}

impl Granted {
    /// Whether it may be used at least so many seconds longer.
    fn is_good_for(&self, seconds: u64, now: UnixSeconds, steady: Duration) -> bool {
        now.plus(seconds) < self.expires_at && steady.saturating_add(Duration::from_secs(seconds)) < self.expires_steady
    }
}

impl FetchedTokens {
    /// No token yet. `keys` are those of the client, if it has any.
    #[must_use]
    pub fn new(
        partner: PartnerName,
        settings: FetchSettings,
        keys: ClientKeys,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        metrics.partner_fetches_begin(&partner);
        Self {
            partner,
            settings,
            keys: ArcSwap::from_pointee(keys),
            kept: Mutex::default(),
            fetches: Semaphore::new(FETCHES_MAX),
            tasks: Tasks::new(),
            ends: Ends::default(),
            warned: Mutex::default(),
            clock,
            metrics,
        }
    }

    /// The keys by which we prove ourselves as a client.
    #[must_use]
    pub fn keys(&self) -> Arc<ClientKeys> {
        self.keys.load_full()
    }

    /// What whoever looks at the gateway is told.
    #[must_use]
    pub fn seen(&self) -> FetchedSeen {
        let kept = self.kept.lock();
        let here = kept.rights.values().filter(|entry| matches!(entry, Entry::Here(_))).count();
        let under_way = kept.rights.len().saturating_sub(here);
        FetchedSeen { kept: here, under_way, ends: self.ends.last() }
    }

    /// Proves itself by these keys from now on, and lets go of every token.
    pub fn replace(&self, keys: ClientKeys) {
        self.keys.store(Arc::new(keys));
        self.kept.lock().rights.clear();
    }

    /// The voucher of one command, which must be used before `good_until`: with a token that is kept, or one that is fetched
    /// over `server` now.
    pub(super) async fn voucher(
        self: &Arc<Self>,
        server: &Arc<dyn Connect>,
        protected: &Protected,
        good_until: Option<UnixSeconds>,
    ) -> Result<Voucher, PartnerFault> {
        let now = self.clock.now().seconds();
        let left = good_until.map_or(u64::MAX, |until| until.since(now));
        if left == 0 {
            return Err(PartnerFault::TooOld);
        }
        let asked = Asked::of(&self.settings, protected).map_err(PartnerFault::Token)?;
        let patience = self.settings.timeout.min(Duration::from_secs(left));
        let granted = tokio::time::timeout(patience, self.granted(&asked, server)).await;
        let granted = granted.unwrap_or(Err(TokenFault::Timeout)).map_err(PartnerFault::Token)?;
        // It took its time.
        let now = self.clock.now().seconds();
        if good_until.is_some_and(|until| until <= now) {
            return Err(PartnerFault::TooOld);
        }
        if !granted.is_good_for(0, now, self.clock.steady()) {
            return Err(PartnerFault::Token(TokenFault::Lifetime));
        }
        let longest = now.plus(COMMAND_LIFETIME_MAX_S).min(granted.expires_at);
        let expires_at = good_until.map_or(longest, |until| until.min(longest));
        let held = Held { tokens: Arc::clone(self), asked, granted };
        Ok(Voucher::new(Bearer::Fetched(held), Voucher::fresh_id(), protected, expires_at))
    }

    /// A token for this right: that which is kept, or what comes of the fetch that is under way or begins now.
    async fn granted(self: &Arc<Self>, asked: &Asked, server: &Arc<dyn Connect>) -> Result<Arc<Granted>, TokenFault> {
        let mut waiting = match self.found(asked) {
            Found::Here(granted) => return Ok(granted),
            Found::Flying(waiting) => waiting,
            Found::Nothing(flight, waiting) => {
                // In a task of its own: whoever hangs up takes it from nobody who waits too.
                drop(self.tasks.spawn(flight.fly(Arc::clone(server))));
                waiting
            }
        };
        let landed = waiting.wait_for(Option::is_some).await.map_err(|_| TokenFault::BrokenOff)?.clone();
        landed.unwrap_or(Err(TokenFault::BrokenOff))
    }

    fn found(self: &Arc<Self>, asked: &Asked) -> Found {
        let (now, steady) = (self.clock.now().seconds(), self.clock.steady());
        let mut kept = self.kept.lock();
        match kept.rights.get(asked) {
            Some(Entry::Here(granted)) if granted.is_good_for(EARLY_S, now, steady) => {
                return Found::Here(Arc::clone(granted));
            }
            Some(Entry::Flying(_, waiting)) => return Found::Flying(waiting.clone()),
            Some(Entry::Here(_)) | None => {}
        }
        let (told, waiting) = watch::channel(None);
        kept.begun = kept.begun.saturating_add(1);
        let number = kept.begun;
        kept.rights.insert(asked.clone(), Entry::Flying(number, waiting.clone()));
        drop(kept);
        Found::Nothing(Flight { tokens: Arc::clone(self), asked: asked.clone(), number, told }, waiting)
    }

    /// Counts how a fetch ended, and tells of a fault.
    fn tell(&self, ended: Option<TokenFault>) {
        self.metrics.partner_token_fetched(&self.partner, ended.map_or("done", TokenFault::word));
        self.ends.tell(self.clock.now(), ended.map(TokenFault::word));
        let line = self.warned.lock().after(ended.map(TokenFault::word), self.clock.steady());
        let partner = self.partner.as_str();
        match (line, ended) {
            (Some(Line::Fails), Some(fault)) => {
                let told = "the partner's authorisation server gives no token; commands that need one are refused";
                tracing::warn!(partner, fault = fault.word(), why = %fault, "{told}");
            }
            (Some(Line::Works), _) => {
                tracing::info!(partner, "the partner's authorisation server gives tokens again")
            }
            _ => {}
        }
    }
}

/// What there is for a right.
enum Found {
    Here(Arc<Granted>),
    Flying(watch::Receiver<Landed>),
    /// A fetch that is to begin now.
    Nothing(Flight, watch::Receiver<Landed>),
}

impl Flight {
    async fn fly(self, server: Arc<dyn Connect>) {
        let tokens = Arc::clone(&self.tokens);
        let fetched = tokio::time::timeout(tokens.settings.timeout, self.fetch(&*server)).await;
        let fetched = fetched.unwrap_or(Err(TokenFault::Timeout));
        tokens.tell(fetched.as_ref().err().copied());
        self.land(fetched);
    }

    async fn fetch(&self, server: &dyn Connect) -> Result<Arc<Granted>, TokenFault> {
        let tokens = &self.tokens;
        let _place = tokens.fetches.acquire().await.map_err(|_| TokenFault::BrokenOff)?;
        let (now, steady, keys) = (tokens.clock.now().seconds(), tokens.clock.steady(), tokens.keys());
        let key = keys.first().map(|key| &**key);
        let grant = tokens.settings.fetch(server, key, &self.asked, now).await?;
        Ok(Arc::new(Granted {
            token: grant.token,
            expires_at: now.plus(grant.expires_in_s),
            expires_steady: steady.saturating_add(Duration::from_secs(grant.expires_in_s)),
        }))
    }

    /// Keeps what came, unless everything was let go of meanwhile, and tells those who wait.
    fn land(self, fetched: Result<Arc<Granted>, TokenFault>) {
        let tokens = &self.tokens;
        let (now, steady) = (tokens.clock.now().seconds(), tokens.clock.steady());
        let good = |granted: &&Arc<Granted>| granted.is_good_for(EARLY_S, now, steady);
        if let Some(granted) = fetched.as_ref().ok().filter(good) {
            let mut kept = tokens.kept.lock();
            if kept.is_flying(&self.asked, self.number) {
                kept.make_room(now, steady);
                kept.rights.insert(self.asked.clone(), Entry::Here(Arc::clone(granted)));
            }
        }
        // What is not kept is taken out when the flight is dropped.
        self.told.send_replace(Some(fetched));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut kept = self.tokens.kept.lock();
        if kept.is_flying(&self.asked, self.number) {
            kept.rights.remove(&self.asked);
        }
    }
}

impl Kept {
    fn is_flying(&self, asked: &Asked, number: u64) -> bool {
        matches!(self.rights.get(asked), Some(Entry::Flying(known, _)) if *known == number)
    }

    /// Makes room for one more token: those that may not be used any more go, and then that which ends first.
    fn make_room(&mut self, now: UnixSeconds, steady: Duration) {
        if self.rights.len() < TOKENS_MAX {
            return;
        }
        let here = |entry: &Entry| matches!(entry, Entry::Here(_));
        let stays = |entry: &Entry| match entry {
            Entry::Here(granted) => granted.is_good_for(EARLY_S, now, steady),
            Entry::Flying(..) => true,
        };
        self.rights.retain(|_, entry| stays(entry));
        if self.rights.values().filter(|entry| here(entry)).count() < TOKENS_MAX {
            return;
        }
        let ends = |(asked, entry): (&Asked, &Entry)| match entry {
            Entry::Here(granted) => Some((granted.expires_steady, asked.clone())),
            Entry::Flying(..) => None,
        };
        let first = self.rights.iter().filter_map(ends).min_by_key(|(ends, _)| *ends);
        if let Some((_, asked)) = first {
            self.rights.remove(&asked);
        }
    }
}

impl Held {
    pub(super) fn token(&self) -> &str {
        &self.granted.token
    }

    /// Keeps it no longer, if it is kept still: the next command fetches anew.
    pub(super) fn forget(&self) {
        let mut kept = self.tokens.kept.lock();
        let is_this = |entry: &Entry| matches!(entry, Entry::Here(granted) if Arc::ptr_eq(granted, &self.granted));
        if kept.rights.get(&self.asked).is_some_and(is_this) {
            kept.rights.remove(&self.asked);
        }
    }
}

#[cfg(test)]
mod tests;
