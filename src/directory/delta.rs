//! Holding an update against what is in force: it is newer, a delta is on that very version, and what comes of it keeps to
//! the rules. Versions only grow: whoever replays an old one, however well signed, brings nothing back.

use crate::clock::UnixMillis;
use crate::directory::document::At;
use crate::directory::document::Change;
use crate::directory::document::Document;
use crate::directory::rules::RuleFault;
use crate::directory::snapshot::Directory;
use crate::directory::snapshot::House;
use crate::model::Name;
use crate::model::TenantId;
use crate::problem::WrongPlace;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

/// Why an update does not become the directory.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UpdateFault {
    /// Its revision is that of what is in force, or an older one.
    #[error("it is not newer than what is in force")]
    NotNewer,
    /// A delta on another version than the one in force.
    #[error("it is a delta on another version than the one in force")]
    OtherBase,
    /// It does not fit: the place, and what was expected there.
    #[error("it does not fit")]
    Unfit(WrongPlace),
}

type Houses = HashMap<Arc<str>, Arc<House>>;

impl Document {
    /// The directory that comes of this, where `in_force` is what commands are judged by; `None` of the first one. `latest`
    /// is the latest time at which it may have been made. Costs as much as there are houses.
    ///
    /// # Errors
    /// [`UpdateFault`].
    pub fn onto(self, in_force: Option<&Directory>, latest: UnixMillis) -> Result<Directory, UpdateFault> {
        let Self { revision, made_at, change } = self;
        if in_force.is_some_and(|in_force| revision <= in_force.revision) {
            return Err(UpdateFault::NotNewer);
        }
        if made_at > latest {
            return Err(unfit("/made_at".to_owned(), "past"));
        }
        let (tenants, houses) = match change {
            Change::Whole(tenants, listed) => {
                let mut houses = HashMap::with_capacity(listed.len());
                put_all(&mut houses, listed, "houses", &tenants)?;
                (tenants, houses)
            }
            Change::On { base, tenants, put, remove } => {
                let in_force = in_force.filter(|in_force| in_force.revision == base);
                let in_force = in_force.ok_or(UpdateFault::OtherBase)?;
                changed(in_force, tenants, put, remove)?
            }
        };
        let made = Directory::new(revision, Some(made_at), tenants, houses);
        made.ok_or_else(|| unfit(String::new(), "JSON"))
    }
}

fn changed(
    base: &Directory,
    tenants: Option<BTreeSet<TenantId>>,
    put: Vec<(Name, House)>,
    remove: Vec<Name>,
) -> Result<(BTreeSet<TenantId>, Houses), UpdateFault> {
    let tenants = tenants.unwrap_or_else(|| base.tenants.clone());
    let mut houses = base.houses.clone();
    let added: HashSet<Name> = put.iter().map(|(id, _)| id.clone()).collect();
    for (index, id) in remove.iter().enumerate() {
        if added.contains(id) {
            return Err(unfit(At::element("remove", index), RuleFault::Repeated.expected()));
        }
        // Where a delta removes what its base does not have, one of the two is not what its maker thinks.
        if houses.remove(id.as_str()).is_none() {
            return Err(unfit(At::element("remove", index), "house"));
        }
    }
    put_all(&mut houses, put, "put", &tenants)?;
    // The list may have lost a tenant whose houses are still there.
    if houses.values().any(|house| !tenants.contains(&house.tenant)) {
        return Err(unfit("/tenants".to_owned(), RuleFault::UnknownTenant.expected()));
    }
    Ok((tenants, houses))
}

/// Adds `listed`, each once and of a tenant of the list.
fn put_all(
    houses: &mut Houses,
    listed: Vec<(Name, House)>,
    list: &'static str,
    tenants: &BTreeSet<TenantId>,
) -> Result<(), UpdateFault> {
    let mut seen = HashSet::with_capacity(listed.len());
    for (index, (id, house)) in listed.into_iter().enumerate() {
        let id: Arc<str> = id.as_str().into();
        let wrong = |member: &str, fault: RuleFault| {
            Err(unfit(format!("{}/{member}", At::element(list, index)), fault.expected()))
        };
        if !seen.insert(Arc::clone(&id)) {
            return wrong("id", RuleFault::Repeated);
        }
        if !tenants.contains(&house.tenant) {
            return wrong("tenant", RuleFault::UnknownTenant);
        }
        houses.insert(id, Arc::new(house));
    }
    Ok(())
}

fn unfit(pointer: String, expected: &'static str) -> UpdateFault {
    UpdateFault::Unfit(WrongPlace { part: "body", pointer, expected })
}
