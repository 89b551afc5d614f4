//! Who is asking, by certificate and token; and once more, where the token's key may be one that was published just now.

use crate::clock::UnixMillis;
use crate::identity::Caller;
use crate::identity::IdentityFault;
use crate::identity::Peer;
use crate::identity::TokenDemand;
use crate::model::Head;
use crate::pipeline::gate::Core;

/// The caller. A token that its issuer must be asked about waits for what that one says. One whose key is not known waits for
/// its issuer's newer keys, for two seconds at most, so that a rotation fails no request; then it is verified from the
/// beginning, as of then.
///
/// # Errors
/// [`IdentityFault`].
pub async fn caller(
    core: &Core,
    peer: &Peer,
    head: &Head,
    demand: TokenDemand,
    now: UnixMillis,
) -> Result<Caller, IdentityFault> {
    let told = core.identity.told(peer, &head.fields, now.seconds(), core.clock.steady()).await?;
    // What was asked took its time.
    let now = if told.is_some() { core.clock.now() } else { now };
    let verify = |now: UnixMillis| {
        core.identity.verify(peer, &head.fields, &head.method, &head.path, demand, told.as_ref(), now.seconds())
    };
    let renewed = core.identity.renewed(&head.fields, now.seconds(), core.clock.steady());
    with_newer_keys(core, now, renewed, verify).await
}

/// What verifying a token comes to as of `now`, or, where its key is not known, once `renewed` has waited for newer ones.
///
/// # Errors
/// [`IdentityFault`].
pub async fn with_newer_keys<T>(
    core: &Core,
    now: UnixMillis,
    renewed: impl Future<Output = bool>,
    verify: impl Fn(UnixMillis) -> Result<T, IdentityFault>,
) -> Result<T, IdentityFault> {
    match verify(now) {
        Err(fault @ (IdentityFault::KeyUnknown | IdentityFault::KeysMissing)) => match renewed.await {
            true => verify(core.clock.now()),
            // Keys may have come that are not the token's: that is another fault than none.
            false if fault == IdentityFault::KeysMissing => verify(core.clock.now()),
            false => Err(fault),
        },
        verdict => verdict,
    }
}
