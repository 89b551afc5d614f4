//! What can be revoked, and when an order means something.
//!
//! Four kinds name a person or what belongs to one: subject, device, session, token. One names a single right of a token,
//! the grant. The other four stop many at once: a peer's certificate, an operation, a partner, a tenant. Who may order
//! those, policy and roles tell apart; what they do is the same, and undone by no less.

use crate::model::Name;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::TenantId;

/// The longest value, in bytes; a claim has one byte less.
pub const VALUE_MAX_BYTES: usize = 256;

/// What loses its rights.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RevocationKind {
    /// A user: claim `sub`.
    Subject,
    /// An app instance: claim `device_id`.
    Device,
    /// A session: claim `sid`.
    Session,
    /// One token: claim `jti`.
    Token,
    /// A peer's certificate, by the SHA-256 of its DER, in 64 lower-case hexadecimal digits.
    Certificate,
    /// One right of a token: `grant_id` of an entry of `authorization_details`.
    Grant,
    /// An operation: its `operationId`, at every partner that has one, or `<partner>/<operationId>`.
    Operation,
    /// Everything towards a partner.
    Partner,
    /// Everything of a tenant, and everything that is done to what stands in it.
    Tenant,
}

/// An order that somebody or something has no rights from now on.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// What loses its rights.
    pub kind: RevocationKind,
    /// Where; `None` everywhere. Of a [`RevocationKind::Tenant`] it is the tenant itself.
    pub tenant: Option<TenantId>,
    /// Whose: the value of the claim, or a name.
    pub value: Stranger,
}

/// Why an order means nothing. Holds no value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OrderFault {
    /// The value has not the form that the kind demands.
    #[error("the value is not of the form that the kind demands")]
    Value,
    /// The kind holds everywhere, or names its tenant by the value.
    #[error("this kind takes no tenant beside its value")]
    Tenant,
}

impl RevocationKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Subject,
        Self::Device,
        Self::Session,
        Self::Token,
        Self::Certificate,
        Self::Grant,
        Self::Operation,
        Self::Partner,
        Self::Tenant,
    ];

    /// The word in orders, records and the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Device => "device",
            Self::Session => "session",
            Self::Token => "token",
            Self::Certificate => "certificate",
            Self::Grant => "grant",
            Self::Operation => "operation",
            Self::Partner => "partner",
            Self::Tenant => "tenant",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it stops many at once: an emergency, which a peer needs a permission of its own for.
    #[must_use]
    pub const fn stops_many(self) -> bool {
        match self {
            Self::Subject | Self::Device | Self::Session | Self::Token | Self::Grant => false,
            Self::Certificate | Self::Operation | Self::Partner | Self::Tenant => true,
        }
    }

    /// Whether it names one of the four that every token is asked about.
    pub(super) const fn is_of_a_caller(self) -> bool {
        matches!(self, Self::Subject | Self::Device | Self::Session | Self::Token)
    }

    fn fits(self, value: &str) -> bool {
        let is_name = |text: &str| Name::new(text).is_ok();
        match self {
            Self::Subject | Self::Device | Self::Session | Self::Token | Self::Grant => true,
            Self::Certificate => Sha256::from_hex(value).is_some(),
            Self::Operation => match value.split_once('/') {
                Some((partner, operation)) => is_name(partner) && is_name(operation),
                None => is_name(value),
            },
            Self::Partner | Self::Tenant => is_name(value),
        }
    }
}

impl Revocation {
    /// The order to revoke `value`, in `tenant` or everywhere.
    ///
    /// # Errors
    /// [`OrderFault`] where it could never stop anything: a false safety.
    pub fn of(kind: RevocationKind, tenant: Option<TenantId>, value: Stranger) -> Result<Self, OrderFault> {
        let text = value.expose();
        let plain = (1..=VALUE_MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        if !plain || !kind.fits(text) {
            return Err(OrderFault::Value);
        }
        match (kind, tenant) {
            (RevocationKind::Certificate | RevocationKind::Tenant, Some(_)) => Err(OrderFault::Tenant),
            // A tenant is a place, not a thing in a place: all of it is revoked there.
            (RevocationKind::Tenant, None) => {
                let tenant = Some(TenantId::new(text).map_err(|_| OrderFault::Value)?);
                Ok(Self { kind, tenant, value: Stranger::new("") })
            }
            (_, tenant) => Ok(Self { kind, tenant, value }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: RevocationKind, tenant: Option<&str>, value: &str) -> Option<OrderFault> {
        Revocation::of(kind, tenant.map(|name| Name::new(name).unwrap()), Stranger::new(value)).err()
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for kind in RevocationKind::ALL {
            assert_eq!(RevocationKind::from_word(kind.word()), Some(kind));
        }
    }

    #[test]
    fn an_order_that_could_never_stop_anything_is_none() {
        use RevocationKind as Kind;
        let thumbprint = "0f".repeat(32);
        for (kind, value) in [
            (Kind::Subject, "any text / at all"),
            (Kind::Grant, "g:1/2"),
            (Kind::Certificate, &thumbprint),
            (Kind::Operation, "openDoor"),
            (Kind::Operation, "smarthome/openDoor"),
            (Kind::Partner, "smarthome"),
            (Kind::Tenant, "north"),
        ] {
            assert_eq!(fault(kind, None, value), None, "{kind:?} {value}");
        }
        for (kind, value) in [
            (Kind::Subject, ""),
            (Kind::Device, "a\nb"),
            (Kind::Certificate, "0f0f"),
            (Kind::Certificate, &thumbprint.to_uppercase()),
            (Kind::Operation, "open door"),
            (Kind::Operation, "smarthome/open/door"),
            (Kind::Operation, "/openDoor"),
            (Kind::Partner, "smarthome/openDoor"),
            (Kind::Tenant, "no such name"),
        ] {
            assert_eq!(fault(kind, None, value), Some(OrderFault::Value), "{kind:?} {value}");
        }
        assert_eq!(fault(Kind::Subject, None, &"a".repeat(VALUE_MAX_BYTES)), None);
        assert_eq!(fault(Kind::Subject, None, &"a".repeat(VALUE_MAX_BYTES + 1)), Some(OrderFault::Value));
    }

    #[test]
    fn a_certificate_and_a_tenant_take_no_tenant_beside_them() {
        let thumbprint = "0f".repeat(32);
        assert_eq!(fault(RevocationKind::Certificate, Some("north"), &thumbprint), Some(OrderFault::Tenant));
        assert_eq!(fault(RevocationKind::Tenant, Some("north"), "north"), Some(OrderFault::Tenant));
        assert_eq!(fault(RevocationKind::Operation, Some("north"), "openDoor"), None);
        assert_eq!(fault(RevocationKind::Partner, Some("north"), "smarthome"), None);
    }
}
