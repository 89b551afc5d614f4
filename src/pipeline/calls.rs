//! How a partner calls: the name that its certificate must bear, and what its events are signed with.

use crate::identity::KnownPartner;
use crate::identity::PartnerClient;
use crate::model::PartnerName;
use crate::webhook::Verifier;
use crate::webhook::WebhookSecret;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// A partner that may call at the partners' door.
pub struct Calls {
    partner: PartnerName,
    peer: Box<str>,
    /// Whose requests are counted together.
    pace: Box<str>,
    secrets: ArcSwap<Verifier>,
    /// How it gets tokens here; `None` where it gets none.
    client: Option<PartnerClient>,
}

impl Calls {
    /// `partner`, by the name `peer`, with these secrets of its events, and as this client.
    #[must_use]
    pub fn new(
        partner: PartnerName,
        peer: Box<str>,
        secrets: Vec<WebhookSecret>,
        client: Option<PartnerClient>,
    ) -> Self {
        let secrets = ArcSwap::from_pointee(Verifier::new(partner.clone(), secrets));
        Self { pace: KnownPartner::counted_as(&partner), partner, peer, secrets, client }
    }

    /// Verifies events with other secrets from now on.
    pub fn replace(&self, secrets: Vec<WebhookSecret>) {
        self.secrets.store(Arc::new(Verifier::new(self.partner.clone(), secrets)));
    }

    /// The client that it is at our token endpoint, if it is one.
    #[must_use]
    pub const fn client(&self) -> Option<&PartnerClient> {
        self.client.as_ref()
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
