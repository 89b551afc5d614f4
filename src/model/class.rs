//! What kind of data a field holds and what happens to it on its way out.

/// The data class of a field, in a contract's `x-portcullis: {class: …}`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DataClass {
    /// Says nothing about anybody.
    Public,
    /// Names a user, a device, a car, a house, a door …
    Identifier,
    /// Rights and schedules.
    Access,
    /// Personal data (152-FZ article 3).
    Personal,
    /// Biometric personal data (152-FZ article 11).
    Biometric,
    /// A key, a password, a one-time code.
    Secret,
}

/// What an identifier names, in `of:`. Persons' kinds must equal a claim of the token.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum IdentifierKind {
    /// A resident or guest.
    User,
    /// A user's app instance.
    Device,
    /// A car, by an id of ours or its plate.
    Car,
    /// A house.
    House,
    /// A door of a house.
    Door,
    /// A barrier of a house.
    Barrier,
    /// A tenant.
    Tenant,
    /// One request, event or grant: an id that means nothing outside the exchange.
    Request,
}

/// What happens to a field on its way out, in `protect:`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Protection {
    /// Crosses as it is.
    Keep,
    /// Does not cross.
    Drop,
    /// Crosses as a keyed pseudonym of this partner, reversible only here.
    Pseudonymize,
    /// Must already be encrypted to the recipient; only the shape is checked.
    RequireEncrypted,
}

/// Which way an operation goes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Direction {
    /// From the backend to the partner.
    Outbound,
    /// From the partner to the backend.
    Inbound,
}

impl Direction {
    /// The word in a contract, in records and in the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

impl DataClass {
    /// All classes, in the order of the documentation.
    pub const ALL: [Self; 6] =
        [Self::Public, Self::Identifier, Self::Access, Self::Personal, Self::Biometric, Self::Secret];

    /// The word in a contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Identifier => "identifier",
            Self::Access => "access",
            Self::Personal => "personal",
            Self::Biometric => "biometric",
            Self::Secret => "secret",
        }
    }
}

impl IdentifierKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 8] =
        [Self::User, Self::Device, Self::Car, Self::House, Self::Door, Self::Barrier, Self::Tenant, Self::Request];

    /// The word in a contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Device => "device",
            Self::Car => "car",
            Self::House => "house",
            Self::Door => "door",
            Self::Barrier => "barrier",
            Self::Tenant => "tenant",
            Self::Request => "request",
        }
    }

    /// Whether a value of this kind names a person or what belongs to one, so that it must equal a claim of the token.
    #[must_use]
    pub const fn must_equal_a_claim(self) -> bool {
        matches!(self, Self::User | Self::Device | Self::Car)
    }
}

impl Protection {
    /// All protections that exist; `encrypt` is refused at load.
    pub const ALL: [Self; 4] = [Self::Keep, Self::Drop, Self::Pseudonymize, Self::RequireEncrypted];

    /// The word in a contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
            Self::Pseudonymize => "pseudonymize",
            Self::RequireEncrypted => "require-encrypted",
        }
    }
}
