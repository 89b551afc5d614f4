//! How a partner calls: the name that its certificate must bear, and what its events are signed with.

use crate::model::PartnerName;
use crate::webhook::Verifier;
use crate::webhook::WebhookSecret;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// A partner that may call at the partners' door.
pub struct Calls {
    partner: PartnerName,
    peer: Box<str>,
    /// Whose requests are counted together. A peer's name has no space, so this is no peer's of the backend's door.
    pace: Box<str>,
    secrets: ArcSwap<Verifier>,
}

impl Calls {
    /// `partner`, by the name `peer`, with these secrets of its events.
    #[must_use]
    pub fn new(partner: PartnerName, peer: Box<str>, secrets: Vec<WebhookSecret>) -> Self {
        let secrets = ArcSwap::from_pointee(Verifier::new(partner.clone(), secrets));
        Self { pace: format!("partner {partner}").into(), partner, peer, secrets }
    }

    /// Verifies events with other secrets from now on.
    pub fn replace(&self, secrets: Vec<WebhookSecret>) {
        self.secrets.store(Arc::new(Verifier::new(self.partner.clone(), secrets)));
    }

    /// The one name in its certificate.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Whether it has a secret to sign events with.
    #[must_use]
    pub fn sends_events(&self) -> bool {
        self.secrets.load().has_secrets()
    }

    pub(super) fn pace(&self) -> &str {
        &self.pace
    }

    pub(super) fn verifier(&self) -> Arc<Verifier> {
        self.secrets.load_full()
    }
}
