//! One partner's protection: each leaf treated as the contract declares, and an answer's pseudonyms turned back.

use crate::contract::Checked;
use crate::contract::Rebuilt;
use crate::crypto::SivKey;
use crate::crypto::sha256;
use crate::identity::Caller;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Leaf;
use crate::model::Outgoing;
use crate::model::Part;
use crate::model::PartnerName;
use crate::model::Protection;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::model::Treated;
use crate::policy::Permit;
use crate::protect::ProtectFault;
use crate::protect::Protected;
use crate::protect::Restored;
use crate::protect::jwe;
use crate::protect::pseudonym::Domain;
use crate::protect::pseudonym::pseudonymize;
use crate::protect::pseudonym::reverse;

/// Protects what goes to one partner and restores what comes from it.
pub struct Protector {
    partner: PartnerName,
    key: SivKey,
}

impl Protector {
    /// Protection towards `partner` under the key of its pseudonyms.
    #[must_use]
    pub const fn new(partner: PartnerName, key: SivKey) -> Self {
        Self { partner, key }
    }

    /// Treats every leaf of a permitted request as its contract declares. Pseudonyms are those of the tenant to whom the
    /// thing belongs, and the token's subject gets one in any case: a partner never sees who a user is. In what a partner asks
    /// the backend, pseudonyms are turned back instead.
    ///
    /// # Errors
    /// [`ProtectFault`], if a value cannot be protected as declared: then nothing leaves. [`ProtectFault::Foreign`] where a
    /// partner asks with a pseudonym that is not ours, or was given out for another tenant.
    pub fn protect(&self, permit: &Permit, caller: &Caller, rebuilt: &Rebuilt) -> Result<Protected, ProtectFault> {
        if *rebuilt.contract().partner() != self.partner {
            return Err(ProtectFault::OtherPartner);
        }
        let tenant = permit.tenant();
        let mut object = Vec::new();
        let direction = rebuilt.operation().direction;
        let outgoing = rebuilt.render(&mut |leaf| {
            let treated = match direction {
                Direction::Outbound => self.treat(tenant, leaf)?,
                Direction::Inbound => self.restored(tenant, leaf)?,
            };
            if let Some((kind, id)) = moved(leaf, &treated) {
                object.push((kind, id.into()));
            }
            Ok(treated)
        })?;
        let subject = caller.token().map(|token| self.subject(tenant, token.subject.expose())).transpose()?;
        let operation = rebuilt.operation();
        Ok(Protected {
            partner: self.partner.clone(),
            operation: operation.id.clone(),
            direction,
            digest: digest(&outgoing),
            outgoing,
            subject,
            object,
            right: operation.right.as_ref().map(|right| (right.kind, right.action.clone())),
        })
    }

    /// Turns the pseudonyms of an answer back into the ids that the caller knows; of the backend's answer to a partner, every
    /// leaf is protected as in a request to it. Every house that it names, in each of its
    /// records, must be the one that was asked for, also where it does not cross.
    ///
    /// # Errors
    /// [`ProtectFault::Foreign`] if a pseudonym is not ours, or was given out for another tenant;
    /// [`ProtectFault::OtherHouse`]. Then the caller gets nothing of this answer.
    pub fn restore(&self, permit: &Permit, checked: Checked) -> Result<Restored, ProtectFault> {
        let tenant = permit.tenant();
        let house = permit.located().house();
        let direction = checked.routed().operation().direction;
        let reply = checked.render(&mut |leaf| {
            let treated = match direction {
                Direction::Outbound => self.restored(tenant, leaf)?,
                Direction::Inbound => self.treat(tenant, leaf)?,
            };
            // In our own words: what comes from the partner once it is turned back, what comes from the backend as it came.
            let ours = match direction {
                Direction::Outbound => named_house(leaf, &treated),
                Direction::Inbound => named_house(leaf, &Treated::Keep),
            };
            match ours {
                Some(named) if Some(named) != house => Err(ProtectFault::OtherHouse),
                Some(_) | None => Ok(treated),
            }
        })?;
        Ok(Restored { reply })
    }

    /// The pseudonym of an id in a tenant, as a field of this class and kind gets it: for whoever says beforehand what a
    /// partner must see.
    ///
    /// # Errors
    /// [`ProtectFault::TooLong`].
    pub fn pseudonym(
        &self,
        tenant: &TenantId,
        class: DataClass,
        kind: Option<IdentifierKind>,
        id: &str,
    ) -> Result<String, ProtectFault> {
        pseudonymize(&self.key, self.domain(tenant, class, kind), id)
    }

    pub(super) const fn partner(&self) -> &PartnerName {
        &self.partner
    }

    fn subject(&self, tenant: &TenantId, subject: &str) -> Result<Box<str>, ProtectFault> {
        let domain = self.domain(tenant, DataClass::Identifier, Some(IdentifierKind::User));
        pseudonymize(&self.key, domain, subject).map(Into::into)
    }

    /// What becomes of a leaf on its way out.
    pub(super) fn treat(&self, tenant: &TenantId, leaf: Leaf<'_>) -> Result<Treated, ProtectFault> {
        match leaf.protection {
            Protection::Keep => Ok(Treated::Keep),
            Protection::Drop => Ok(Treated::Drop),
            Protection::Pseudonymize => {
                let id = leaf.text.ok_or(ProtectFault::NotText)?;
                pseudonymize(&self.key, self.domain(tenant, leaf.class, leaf.kind), id).map(Treated::Text)
            }
            Protection::RequireEncrypted => encrypted(leaf),
        }
    }

    /// What becomes of a leaf on its way back.
    pub(super) fn restored(&self, tenant: &TenantId, leaf: Leaf<'_>) -> Result<Treated, ProtectFault> {
        match leaf.protection {
            Protection::Keep => Ok(Treated::Keep),
            Protection::Drop => Ok(Treated::Drop),
            Protection::Pseudonymize => {
                let text = leaf.text.ok_or(ProtectFault::NotText)?;
                reverse(&self.key, self.domain(tenant, leaf.class, leaf.kind), text).map(Treated::Text)
            }
            Protection::RequireEncrypted => encrypted(leaf),
        }
    }

    const fn domain<'a>(&'a self, tenant: &'a TenantId, class: DataClass, kind: Option<IdentifierKind>) -> Domain<'a> {
        Domain { partner: &self.partner, tenant, class, kind }
    }
}

fn encrypted(leaf: Leaf<'_>) -> Result<Treated, ProtectFault> {
    if leaf.text.is_some_and(jwe::has_shape) { Ok(Treated::Keep) } else { Err(ProtectFault::NotEncrypted) }
}

/// The id of a thing in the path, as the partner sees it; persons' ids and those of requests are no objects.
fn moved<'a>(leaf: Leaf<'a>, treated: &'a Treated) -> Option<(IdentifierKind, &'a str)> {
    let kind = leaf.kind.filter(|_| leaf.part == Part::Path)?;
    let thing = matches!(kind, IdentifierKind::House | IdentifierKind::Door | IdentifierKind::Barrier);
    let id = match treated {
        Treated::Keep => leaf.text?,
        Treated::Drop => return None,
        Treated::Text(text) => text,
    };
    thing.then_some((kind, id))
}

/// The house that a leaf of an answer names, in our own words. What is encrypted names none that could be read here.
fn named_house<'a>(leaf: Leaf<'a>, treated: &'a Treated) -> Option<&'a str> {
    let is_house = leaf.kind == Some(IdentifierKind::House) && leaf.protection != Protection::RequireEncrypted;
    match treated {
        _ if !is_house => None,
        Treated::Text(text) => Some(text),
        Treated::Keep | Treated::Drop => leaf.text,
    }
}

/// SHA-256 over everything that leaves, each part preceded by its length, so that none can run into the next.
fn digest(outgoing: &Outgoing) -> Sha256 {
    let fields = outgoing.fields.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
    let media_type = outgoing.content_type.as_ref().map_or(&[][..], |media_type| media_type.as_bytes());
    let head = [outgoing.method.as_str().as_bytes(), outgoing.target.as_bytes(), media_type];
    let mut bytes = Vec::with_capacity(outgoing.body.len() + 512);
    for part in head.into_iter().chain([&*outgoing.body]).chain(fields) {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    sha256(&bytes)
}
