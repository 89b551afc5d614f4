//! The partner at its own door: the proof that a peer is the one whom the configuration names for a partner.
//!
//! It is another proof than [`Caller`](crate::identity::Caller), so that nothing that the backend may ask for can be asked
//! for by a partner.

use crate::clock::UnixSeconds;
use crate::identity::fault::IdentityFault;
use crate::identity::peer::Peer;
use crate::identity::verifier::Verifier;
use crate::model::PartnerName;

/// Proof that a peer is this partner, and trusted now; only [`Verifier::partner`] makes one.
///
/// ```
/// use portcullis::{clock::UnixSeconds, identity::{KnownPartner, Peer, Verifier}, model::PartnerName};
/// fn known(v: &Verifier, peer: &Peer, partner: &PartnerName, now: UnixSeconds) -> Option<KnownPartner> {
///     v.partner(peer, partner, "spiffe://smarthome.example/events", now).ok()
/// }
/// ```
/// A caller of the backend's is none:
/// ```compile_fail
/// use portcullis::{clock::UnixSeconds, identity::{KnownPartner, Peer, Verifier}, model::PartnerName};
/// fn known(v: &Verifier, peer: &Peer, partner: &PartnerName, now: UnixSeconds) -> Option<KnownPartner> {
///     v.peer_only(peer, now).ok()
/// }
/// ```
#[derive(Debug)]
#[must_use = "without this proof nothing of a partner is taken"]
pub struct KnownPartner {
    partner: PartnerName,
    peer: Peer,
}

impl Verifier {
    /// Holds a peer against the name that is configured for `partner`: a URI byte by byte, a host name in any case.
    ///
    /// # Errors
    /// [`IdentityFault::PeerOfAnother`] for any other name; then what a connection that outlives its certificate is told.
    pub fn partner(
        &self,
        peer: &Peer,
        partner: &PartnerName,
        name: &str,
        now: UnixSeconds,
    ) -> Result<KnownPartner, IdentityFault> {
        let is_uri = name.contains("://");
        let same = peer.name() == name || (!is_uri && peer.name().eq_ignore_ascii_case(name));
        if !same {
            return Err(IdentityFault::PeerOfAnother);
        }
        self.standing(peer, now)?;
        Ok(KnownPartner { partner: partner.clone(), peer: peer.clone() })
    }
}

impl KnownPartner {
    /// The name under which the requests of a partner are counted together. A peer's name has no space, so this is no peer's
    /// of the backend's door.
    #[must_use]
    pub fn counted_as(partner: &PartnerName) -> Box<str> {
        format!("partner {partner}").into()
    }

    /// The partner.
    #[must_use]
    pub const fn name(&self) -> &PartnerName {
        &self.partner
    }

    /// The peer of the connection.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }
}
