//! The names that are known here: a revocation of an operation, a partner or a tenant that does not exist would stop nothing
//! and let people believe that it does.
//!
//! Subjects, devices, sessions, tokens, grants and certificates are not known in advance: nobody can say that there is none.

use crate::diagnostic::nearest;
use crate::guard::Revocation;
use crate::guard::RevocationKind;
use crate::pipeline::route::Snapshot;

/// A name that is not known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownName {
    /// The known name that looks most like it.
    pub near: Option<Box<str>>,
}

/// The first name in a revocation that is none of the snapshot's.
pub fn unknown_name(snapshot: &Snapshot, revocation: &Revocation) -> Option<UnknownName> {
    let value = revocation.value.expose();
    let of_value = match revocation.kind {
        RevocationKind::Operation => looked_up(value, &operations(snapshot)),
        RevocationKind::Partner => looked_up(value, &partners(snapshot)),
        RevocationKind::Subject
        | RevocationKind::Device
        | RevocationKind::Session
        | RevocationKind::Token
        | RevocationKind::Certificate
        | RevocationKind::Grant
        | RevocationKind::Tenant => None,
    };
    // That of a whole tenant is its tenant.
    of_value.or_else(|| {
        let tenant = revocation.tenant.as_ref()?;
        let tenants: Vec<String> = snapshot.directory.tenants().iter().map(ToString::to_string).collect();
        looked_up(tenant.as_str(), &tenants)
    })
}

/// Every way of naming an operation: alone, for all partners that have one, and of one partner.
pub fn operations(snapshot: &Snapshot) -> Vec<String> {
    let contracts = snapshot.bundle.contracts();
    let of_contract = contracts.flat_map(|contract| {
        let ids = contract.operations().iter().map(|operation| &operation.id);
        ids.flat_map(|id| [id.to_string(), format!("{}/{id}", contract.partner())])
    });
    let mut names: Vec<String> = of_contract.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The partners that a contract is made with.
pub fn partners(snapshot: &Snapshot) -> Vec<String> {
    snapshot.bundle.contracts().map(|contract| contract.partner().to_string()).collect()
}

fn looked_up(name: &str, known: &[String]) -> Option<UnknownName> {
    if known.iter().any(|one| one == name) {
        return None;
    }
    Some(UnknownName { near: nearest(name, known.iter().map(String::as_str)).map(Into::into) })
}
