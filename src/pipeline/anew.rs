//! A command whose bundle was exchanged between its intent and its first byte: asked again, whole, of the bundle in force.
//!
//! What leaves was permitted by what is in force. So the request that the first contract rebuilt is read by the contract in
//! force, decided by the policies in force, and protected anew; only where all of it comes to the very bytes that are on
//! record does the command go on. Else it is withdrawn: nothing was sent, and its caller may give it again.

use crate::audit::Recorded;
use crate::contract;
use crate::guard::Placed;
use crate::guard::Upheld;
use crate::guard::Withdrawn;
use crate::identity::Caller;
use crate::pipeline::exchange::Asked;
use crate::pipeline::gate::Core;
use crate::pipeline::route::Snapshot;
use crate::protect::Protected;

/// Holds a recorded command against the snapshot in force.
///
/// # Errors
/// [`Withdrawn::DirectoryChanged`] where that is another one too; [`Withdrawn::BundleChanged`] where the command would not be
/// permitted, or not be the same.
pub fn uphold(
    core: &Core,
    asked: &Asked,
    caller: &Caller,
    placed: &Placed,
    protected: &Protected,
    recorded: &Recorded,
    in_force: &Snapshot,
) -> Result<Upheld, Withdrawn> {
    let basis = in_force.basis();
    if asked.snapshot.basis().directory != basis.directory {
        return Err(Withdrawn::DirectoryChanged);
    }
    let changed = Withdrawn::BundleChanged;
    let contract = in_force.bundle.contract(&asked.route.name).ok_or(changed)?;
    let rebuilt = contract::rebuild_anew(contract, &asked.rebuilt, caller).map_err(|_| changed)?;
    if !rebuilt.is_the_same_as(&asked.rebuilt) {
        return Err(changed);
    }
    let (located, now) = (asked.permit.located(), core.clock.now());
    let decision = in_force.bundle.policies().decide(placed.admitted(), caller, &rebuilt, located, now);
    let permit = decision.map_err(|_| changed)?;
    let anew = asked.route.protector.protect(&permit, caller, &rebuilt).map_err(|_| changed)?;
    Upheld::by(recorded, placed, protected, &permit, &anew, basis)
}
