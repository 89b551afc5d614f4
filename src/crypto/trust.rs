//! Whom a listener lets in: clients whose certificates chain to authorities that are in force and are revoked by no list in
//! force. What is trusted can be exchanged while connections stand, and each connection is asked about again.
//!
//! A handshake is asked once, and a connection may last for days. So what a connection showed is kept ([`Standing`]), and is
//! verified anew whenever trust was exchanged, a list or an authority ran out, or a certificate of the chain did; in between,
//! the answer stands. There is no grace: a list that has run out speaks for nobody, and neither does an authority.
//!
//! webpki does not look at the validity of a root, and rustls takes a fixed set of roots and lists; so the set for *now* is
//! made here, and made again at the second in which one of its parts ends. Time comes as an argument.

use crate::clock::UnixSeconds;
use crate::crypto::certificate::Certificate;
use crate::crypto::crl::Crl;
use crate::crypto::provider::provider;
use crate::crypto::tls::TlsError;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::CertificateError;
use rustls::Error;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use std::sync::Arc;
use std::time::Duration;

/// What a listener trusts, exchangeable.
pub struct ClientTrust(ArcSwap<Set>);

/// Authorities and lists, and what follows of them at one time.
struct Set {
    /// Grows whenever they are exchanged.
    generation: u64,
    roots: Arc<[Root]>,
    lists: Arc<[Crl]>,
    /// `None` where no authority is in force.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// The seconds in which just these authorities are in force.
    from: UnixSeconds,
    until: UnixSeconds,
}

struct Root {
    der: CertificateDer<'static>,
    not_before: UnixSeconds,
    not_after: UnixSeconds,
}

/// Why a peer is no longer trusted, or not at all.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// Its own certificate is not valid yet, or no longer.
    #[error("the certificate is outside its validity")]
    OutOfTime,
    /// A list in force names it, or one of its authorities.
    #[error("the certificate is revoked")]
    Revoked,
    /// No authority in force speaks for it, or no list in force says that it is not revoked.
    #[error("the certificate is trusted by nobody here")]
    Untrusted,
}

/// One connection's certificates, and until when they were found good.
pub struct Standing {
    trust: Arc<ClientTrust>,
    leaf: CertificateDer<'static>,
    intermediates: Vec<CertificateDer<'static>>,
    /// From the first to the last second of the leaf, and of every certificate of the chain.
    own: (UnixSeconds, UnixSeconds),
    all: (UnixSeconds, UnixSeconds),
    found: Mutex<Option<Found>>,
}

/// Under which generation, and until which second, a chain is good.
#[derive(Clone, Copy)]
struct Found {
    generation: u64,
    from: UnixSeconds,
    until: UnixSeconds,
}

impl ClientTrust {
    /// Trust in clients of these authorities; with any list, each certificate of a chain needs one that speaks for it.
    ///
    /// # Errors
    /// [`TlsError::NoRoots`], [`TlsError::Root`], [`TlsError::Crl`].
    pub fn new(roots: Vec<CertificateDer<'static>>, lists: Vec<Crl>) -> Result<Self, TlsError> {
        Ok(Self(ArcSwap::from_pointee(Set::new(0, roots, lists)?)))
    }

    /// Exchanges everything; connections that stand are asked about again before their next request.
    ///
    /// # Errors
    /// As [`ClientTrust::new`]; what was trusted stays so then.
    pub fn replace(&self, roots: Vec<CertificateDer<'static>>, lists: Vec<Crl>) -> Result<(), TlsError> {
        let set = Set::new(self.0.load().generation.saturating_add(1), roots, lists)?;
        self.0.store(Arc::new(set));
        Ok(())
    }

    /// Whether a list in use has run out, so that nobody gets in.
    #[must_use]
    pub fn list_ran_out(&self, now: UnixSeconds) -> bool {
        self.0.load().lists.iter().any(|list| list.ends_at <= now)
    }

    /// Whether a client with this chain is one of ours at `now`; the generation, and until when that is so.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixSeconds,
    ) -> Result<(u64, UnixSeconds, UnixSeconds), Error> {
        let set = self.at(now);
        let verifier = set.verifier.as_ref().ok_or(CertificateError::UnknownIssuer)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now.get()));
        let _verified = verifier.verify_client_cert(leaf, intermediates, time)?;
        let last = |list: &Crl| UnixSeconds::new(list.ends_at.get().saturating_sub(1));
        let lists_until = set.lists.iter().map(last).min().unwrap_or(set.until);
        Ok((set.generation, set.from, set.until.min(lists_until)))
    }

    /// The set for `now`.
    fn at(&self, now: UnixSeconds) -> Arc<Set> {
        let set = self.0.load_full();
        if set.from <= now && now <= set.until {
            return set;
        }
        let fitting = Arc::new(set.at(now));
        // Whoever exchanged the set meanwhile has the newer one; this answer is by the one that was in force.
        let _ = self.0.compare_and_swap(&set, Arc::clone(&fitting));
        fitting
    }
}

impl std::fmt::Debug for ClientTrust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set = self.0.load();
        write!(f, "ClientTrust({} roots, {} lists)", set.roots.len(), set.lists.len())
    }
}

impl Set {
    fn new(generation: u64, roots: Vec<CertificateDer<'static>>, lists: Vec<Crl>) -> Result<Self, TlsError> {
        if roots.is_empty() {
            return Err(TlsError::NoRoots);
        }
        let root = |(index, der): (usize, CertificateDer<'static>)| {
            let certificate = Certificate::parse(&der).map_err(|_| TlsError::Root(index + 1))?;
            RootCertStore::empty().add(der.clone()).map_err(|_| TlsError::Root(index + 1))?;
            Ok(Root { der, not_before: certificate.not_before, not_after: certificate.not_after })
        };
        let roots = roots.into_iter().enumerate().map(root).collect::<Result<Arc<[_]>, _>>()?;
        let lists: Arc<[Crl]> = lists.into();
        // Every list must be one to webpki too; which roots stand beside it does not matter for that.
        let all: Vec<&Root> = roots.iter().collect();
        verifier(&all, &lists).ok_or(TlsError::Crl)?;
        let nothing = UnixSeconds::new(0);
        Ok(Self { generation, roots, lists, verifier: None, from: nothing.plus(1), until: nothing })
    }

    /// The same authorities and lists, as they are at `now`.
    fn at(&self, now: UnixSeconds) -> Self {
        let (mut from, mut until) = (UnixSeconds::new(0), UnixSeconds::new(u64::MAX));
        let mut in_force = Vec::new();
        for root in self.roots.iter() {
            if now < root.not_before {
                until = until.min(UnixSeconds::new(root.not_before.get().saturating_sub(1)));
            } else if now > root.not_after {
                from = from.max(root.not_after.plus(1));
            } else {
                (from, until) = (from.max(root.not_before), until.min(root.not_after));
                in_force.push(root);
            }
        }
        Self {
            generation: self.generation,
            roots: Arc::clone(&self.roots),
            lists: Arc::clone(&self.lists),
            verifier: verifier(&in_force, &self.lists),
            from,
            until,
        }
    }
}

/// Unknown status is refused, at every certificate of a chain, and so is a list that has run out.
fn verifier(roots: &[&Root], lists: &[Crl]) -> Option<Arc<dyn ClientCertVerifier>> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.der.clone()).ok()?;
    }
    let lists = lists.iter().map(|list| list.der.clone());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider());
    builder.clear_root_hint_subjects().with_crls(lists).enforce_revocation_expiration().build().ok()
}

impl Standing {
    /// What a client showed in a handshake, the leaf first; `None` if it is nothing, or cannot be read.
    #[must_use]
    pub fn new(trust: Arc<ClientTrust>, chain: &[CertificateDer<'_>]) -> Option<Self> {
        let (leaf, intermediates) = chain.split_first()?;
        let own = Certificate::parse(leaf).ok()?;
        let own = (own.not_before, own.not_after);
        let mut all = own;
        for certificate in intermediates {
            let certificate = Certificate::parse(certificate).ok()?;
            all = (all.0.max(certificate.not_before), all.1.min(certificate.not_after));
        }
        Some(Self {
            trust,
            leaf: leaf.clone().into_owned(),
            intermediates: intermediates.iter().map(|certificate| certificate.clone().into_owned()).collect(),
            own,
            all,
            found: Mutex::new(None),
        })
    }

    /// Whether the listener still trusts this client at `now`.
    ///
    /// # Errors
    /// [`Distrust`].
    pub fn check(&self, now: UnixSeconds) -> Result<(), Distrust> {
        if now < self.own.0 || self.own.1 < now {
            return Err(Distrust::OutOfTime);
        }
        let generation = self.trust.0.load().generation;
        let known = |found: Found| found.generation == generation && found.from <= now && now <= found.until;
        if self.found.lock().is_some_and(known) {
            return Ok(());
        }
        let verified = self.trust.verify(&self.leaf, &self.intermediates, now);
        let (generation, from, until) = verified.map_err(|error| distrust(&error))?;
        let found = Found { generation, from: from.max(self.all.0), until: until.min(self.all.1) };
        *self.found.lock() = Some(found);
        Ok(())
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Standing({} certificates)", self.intermediates.len() + 1)
    }
}

fn distrust(error: &Error) -> Distrust {
    let Error::InvalidCertificate(fault) = error else { return Distrust::Untrusted };
    match fault {
        CertificateError::Revoked => Distrust::Revoked,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Distrust::OutOfTime,
        _ => Distrust::Untrusted,
    }
}
