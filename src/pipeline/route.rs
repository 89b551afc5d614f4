//! What one exchange sees from beginning to end: one bundle, one directory, and the partner that an authority leads to.

use crate::approval::Approved;
use crate::bundle::Bundle;
use crate::directory::Directory;
use crate::guard::Basis;
use crate::model::OperationId;
use crate::model::PartnerName;
use crate::partner::Backend;
use crate::partner::Partner;
use crate::pipeline::calls::Calls;
use crate::pipeline::health::Health;
use crate::pipeline::refusal::DoorFault;
use crate::pipeline::room::Room;
use crate::policy::PolicyFault;
use crate::protect::Protector;
use crate::telemetry::Metrics;
use crate::telemetry::OperationMetrics;
use std::collections::HashMap;
use std::sync::Arc;

/// One immutable snapshot, of an approved bundle.
pub struct Snapshot {
    /// Contracts and policies.
    pub bundle: Arc<Bundle>,
    /// Houses, doors, tenants, zones and partners.
    pub directory: Arc<Directory>,
    approved: Approved,
}

/// Where an authority leads: the partner, and how what crosses to it is protected. What may cross, the snapshot says.
pub struct Route {
    /// The partner's name.
    pub name: PartnerName,
    /// How it is protected.
    pub protector: Arc<Protector>,
    /// The partner itself.
    pub partner: Partner,
    /// How it has been seen to work.
    pub health: Arc<Health>,
    /// How many commands may be under way to it.
    pub room: Room,
    /// Whether there is an endpoint that takes events.
    pub has_endpoint: bool,
    /// How it calls; `None` where it does not.
    pub calls: Option<Arc<Calls>>,
    /// Where what it asks for goes; `None` where it asks for nothing.
    pub inward: Option<Inward>,
    /// The decisions of each operation, counted.
    pub decisions: HashMap<OperationId, OperationMetrics>,
}

/// The backend as one partner's requests reach it.
pub struct Inward {
    /// The backend.
    pub backend: Backend,
    /// How many of this partner's requests may be under way to it: not out of the room for commands to the partner.
    pub room: Room,
}

impl Snapshot {
    /// A snapshot of a bundle that was approved.
    #[must_use]
    pub fn new(approved: Approved, directory: Arc<Directory>) -> Self {
        Self { bundle: Arc::clone(approved.bundle()), directory, approved }
    }

    /// The same with another directory.
    #[must_use]
    pub fn with_directory(&self, directory: Arc<Directory>) -> Self {
        Self::new(self.approved.clone(), directory)
    }

    /// The same with another bundle.
    #[must_use]
    pub fn with_bundle(&self, approved: Approved) -> Self {
        Self::new(approved, Arc::clone(&self.directory))
    }

    /// By whom the bundle was approved.
    pub const fn approved(&self) -> &Approved {
        &self.approved
    }

    /// What the last look compares.
    #[must_use]
    pub fn basis(&self) -> Basis {
        Basis { bundle: self.bundle.digest(), directory: self.directory.digest() }
    }
}

impl Route {
    /// Counts a decision about one of its operations; one that came with a newer bundle has its series made here.
    pub fn count<P>(&self, metrics: &Metrics, operation: &OperationId, decision: &Result<P, PolicyFault>) {
        let known = self.decisions.get(operation).cloned();
        let series = known.unwrap_or_else(|| metrics.operation(operation));
        match decision {
            Ok(_) => series.allowed(),
            Err(PolicyFault::Denied(_)) => series.denied(),
            Err(PolicyFault::Errored(_)) => series.errored(),
        }
    }
}

/// Routes by authority.
pub type Routes = HashMap<Box<str>, Arc<Route>>;

/// The route of an authority, which must also be the name asked for in the TLS handshake (RFC 9110 §7.4).
///
/// # Errors
/// [`DoorFault::Authority`] when it leads nowhere, or somewhere else than the handshake.
pub fn route_of<'r>(
    routes: &'r Routes,
    authority: &str,
    server_name: Option<&str>,
) -> Result<&'r Arc<Route>, DoorFault> {
    let host = without_port(authority);
    if server_name.is_some_and(|name| !name.eq_ignore_ascii_case(host)) {
        return Err(DoorFault::Authority);
    }
    routes.get(host).ok_or(DoorFault::Authority)
}

/// The host of an authority.
pub fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_off_and_nothing_else() {
        assert_eq!(without_port("gateway.test:8443"), "gateway.test");
        assert_eq!(without_port("gateway.test"), "gateway.test");
        assert_eq!(without_port("[::1]"), "[::1]");
        assert_eq!(without_port("[::1]:443"), "[::1]");
        assert_eq!(without_port("gateway.test:"), "gateway.test:");
    }
}
