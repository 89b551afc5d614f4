//! The secrets that sign what goes to one receiver. Each makes a signature of its own, so that a receiver who knows any of them
//! takes the event (Standard Webhooks 1.0.0, "Multiple signatures"): with two, one after the other is exchanged without a gap,
//! while the gateway runs. An attempt is signed with all that are in force when it leaves.

use crate::webhook::secret::WebhookSecret;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// The secrets in force towards one receiver; clones share them.
#[derive(Clone)]
pub struct SigningSecrets(Arc<ArcSwap<Vec<WebhookSecret>>>);

impl SigningSecrets {
    /// Signs with these from now on.
    pub fn replace(&self, secrets: Vec<WebhookSecret>) {
        self.0.store(Arc::new(secrets));
    }

    /// Those in force.
    pub(super) fn in_force(&self) -> Arc<Vec<WebhookSecret>> {
        self.0.load_full()
    }
}

impl From<Vec<WebhookSecret>> for SigningSecrets {
    fn from(secrets: Vec<WebhookSecret>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(secrets)))
    }
}
