//! The platforms that a partner can be, each with the operations of its own sample contract, written down once more and
//! apart from the contract, so that a slip in one of them shows.

/// Which platform a partner is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Platform {
    /// Doors, faces, events and grants: `policies/contracts/smarthome.openapi.yaml`.
    SmartHome,
    /// Barriers and plates: `policies/contracts/parkline.openapi.yaml`.
    Parkline,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Deed {
    OpenDoor,
    ReadDoor,
    ReadEvents,
    SyncFace,
    RevokeGrant,
    OpenBarrier,
    ReadBarrier,
    SyncPlate,
}

/// One operation: how it is asked for, and what it takes.
pub(super) struct Operation {
    pub(super) deed: Deed,
    pub(super) method: &'static str,
    /// The path without its first slash. In braces: `house` and `thing` are ids, `person` a pseudonym, `word` a word.
    pub(super) path: &'static str,
    /// The queries that it takes, beside none. One that ends in `=` takes a number behind it.
    pub(super) queries: &'static [&'static str],
    /// The members of the body, and whether each must be there; none where there is no body.
    pub(super) members: &'static [(&'static str, bool, Kind)],
    /// The member that names who asks.
    pub(super) asker: Option<&'static str>,
    /// The right that the token must grant: its type, its one action, and the member that names the thing.
    pub(super) right: (&'static str, &'static str, Option<&'static str>),
}

/// What a member of a body may be: text in any case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// What the gateway made of an id.
    Pseudonym,
    /// A JWE in compact form.
    Sealed,
    /// A word without blanks.
    Word,
}

const SMARTHOME: &[Operation] = &[
    Operation {
        deed: Deed::OpenDoor,
        method: "POST",
        path: "v1/houses/{house}/doors/{thing}/open",
        queries: &["reason=access", "reason=guest"],
        members: &[("userId", true, Kind::Pseudonym), ("deviceId", false, Kind::Pseudonym)],
        asker: Some("userId"),
        right: ("door_access", "open", Some("door")),
    },
    Operation {
        deed: Deed::ReadDoor,
        method: "GET",
        path: "v1/houses/{house}/doors/{thing}/status",
        queries: &[],
        members: &[],
        asker: None,
        right: ("door_access", "see", Some("door")),
    },
    Operation {
        deed: Deed::ReadEvents,
        method: "GET",
        path: "v1/houses/{house}/events",
        queries: &["limit="],
        members: &[],
        asker: None,
        right: ("house_access", "read-events", None),
    },
    Operation {
        deed: Deed::SyncFace,
        method: "PUT",
        path: "v1/houses/{house}/faces/{person}",
        queries: &[],
        members: &[("template", true, Kind::Sealed), ("consentId", true, Kind::Word)],
        asker: None,
        right: ("house_access", "sync-face", None),
    },
    Operation {
        deed: Deed::RevokeGrant,
        method: "DELETE",
        path: "v1/houses/{house}/grants/{word}",
        queries: &[],
        members: &[],
        asker: None,
        right: ("house_access", "revoke-grant", None),
    },
];

const PARKLINE: &[Operation] = &[
    Operation {
        deed: Deed::ReadBarrier,
        method: "GET",
        path: "sites/{house}/barriers/{thing}",
        queries: &[],
        members: &[],
        asker: None,
        right: ("barrier_access", "see", Some("barrier")),
    },
    Operation {
        deed: Deed::OpenBarrier,
        method: "POST",
        path: "sites/{house}/barriers/{thing}/commands",
        queries: &[],
        members: &[
            ("commandId", true, Kind::Word),
            ("carId", true, Kind::Pseudonym),
            ("driverId", true, Kind::Pseudonym),
        ],
        asker: Some("driverId"),
        right: ("barrier_access", "open", Some("barrier")),
    },
    Operation {
        deed: Deed::SyncPlate,
        method: "PUT",
        path: "sites/{house}/cars/{person}/plate",
        queries: &[],
        members: &[("plate", true, Kind::Sealed), ("validUntil", false, Kind::Word)],
        asker: None,
        right: ("house_access", "sync-plate", None),
    },
];

impl Platform {
    /// What can be asked of it.
    pub(super) const fn operations(self) -> &'static [Operation] {
        match self {
            Self::SmartHome => SMARTHOME,
            Self::Parkline => PARKLINE,
        }
    }

    /// The member of an answer that says how it went.
    pub(super) const fn result_member(self) -> &'static str {
        match self {
            Self::SmartHome => "status",
            Self::Parkline => "result",
        }
    }
}
