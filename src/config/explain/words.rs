//! What keys take, and what applies where they are absent, in words.

use crate::audit::Format;
use crate::config::units;
use crate::crypto::Algorithm;
use crate::identity::Bind;
use crate::identity::CLAIM_PATH_MAX;
use crate::identity::RequiredClaim;
use crate::model::Role;
use std::ops::RangeInclusive;

/// What a key takes.
#[derive(Clone, Debug)]
pub enum Takes {
    /// The number of the format.
    One,
    /// A whole number within bounds.
    Count(RangeInclusive<i64>),
    /// A duration of whole seconds within bounds, in seconds.
    Seconds(RangeInclusive<u64>),
    /// A size within bounds, in bytes.
    Bytes(RangeInclusive<u64>),
    /// A name: letters, digits, `-`, `_`, `.`.
    Name,
    /// A text that the other side compares byte by byte.
    Text,
    /// An IP address and a port.
    Address,
    /// The name of a log.
    Origin,
    /// A host name without scheme, port and path.
    HostName,
    /// A URI or a host name, as a client's certificate bears it.
    PeerName,
    /// `https://`, a host and perhaps a port.
    Upstream,
    /// A host or an address, and perhaps a port.
    Remote,
    /// The format of a destination: one of these words.
    Format(&'static [(&'static str, Format)]),
    /// The same, and a path.
    Endpoint,
    /// A path; a secret lies there where this is `true`.
    File(bool),
    /// A path, or a list of paths.
    Files,
    /// The same of files in which secrets lie.
    SecretFiles,
    /// A list of names of peers.
    Peers,
    /// A list of texts that are compared byte by byte.
    Texts,
    /// The path of a URL.
    Path,
    /// The path of a folder.
    Folder,
    /// A list of words.
    Algorithms,
    /// A list of types of tokens.
    TokenTypes,
    /// A list of names of claims.
    Claims,
    /// The path of a claim.
    ClaimPath,
    /// A list of `mtls` and `dpop`.
    Binding,
    /// `https://`, a host and perhaps a port; no path.
    PublicUrl,
    /// A list of people with their roles.
    Persons,
    /// `signal` or `watch`.
    Reload,
    /// `one-issuer` or `shared`.
    Subjects,
    /// `true` or `false`.
    Switch,
}

/// What applies where a key is absent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Absent {
    /// It is required.
    Fault,
    /// It is required of a partner whose tokens are not fetched.
    Unfetched,
    /// Nothing: what it names is not there.
    Nothing,
    /// This value.
    Value(&'static str),
    /// The number of cores.
    Cores,
    /// The host of `upstream` beside it.
    UpstreamHost,
    /// The host of `endpoint` beside it.
    EndpointHost,
    /// The host of `address` or `url` beside it.
    RemoteHost,
}

impl Takes {
    pub(super) fn words(&self) -> String {
        let time = |seconds: &u64| units::duration_text(seconds.saturating_mul(1_000));
        match self {
            Self::One => "`1`".to_owned(),
            Self::Count(within) => format!("whole number from {} to {}", within.start(), within.end()),
            Self::Bytes(within) => {
                format!("size from {} to {}", units::size_text(*within.start()), units::size_text(*within.end()))
            }
            Self::Seconds(within) => format!("duration from {} to {}", time(within.start()), time(within.end())),
            Self::Name => "name of 1 to 64 letters, digits, `-`, `_` and `.`".to_owned(),
            Self::Text => "text of 1 to 512 bytes".to_owned(),
            Self::Address => "IP address and port, or `systemd:NAME`".to_owned(),
            Self::Origin => "name of 1 to 128 letters, digits, `.`, `-`, `_`, `~`, `:` and `/`".to_owned(),
            Self::HostName => "host name".to_owned(),
            Self::PeerName => "URI or host name".to_owned(),
            Self::Upstream | Self::PublicUrl => "`https://host:port`".to_owned(),
            Self::Endpoint => "`https://host:port/path`".to_owned(),
            Self::Remote => "host name or IP address, and perhaps a port".to_owned(),
            Self::Format(words) => words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::File(false) => "path of a file".to_owned(),
            Self::File(true) => "path of a file that others may not read, or `credential:NAME`".to_owned(),
            Self::Files => "path of a file, or a list of them".to_owned(),
            Self::SecretFiles => "path of a file that others may not read, or a list of them".to_owned(),
            Self::Peers => "list of names of peers".to_owned(),
            Self::Texts => "list of texts".to_owned(),
            Self::Path => "path of a URL".to_owned(),
            Self::Folder => "path of a folder".to_owned(),
            Self::Algorithms => format!("list of {}", Algorithm::ALL.map(|one| format!("`{}`", one.name())).join(", ")),
            Self::TokenTypes => "list of `at+jwt`, `JWT`".to_owned(),
            Self::Claims => {
                let words = RequiredClaim::WORDS.map(|(word, _)| format!("`{word}`"));
                format!("list of {}", words.join(", "))
            }
            Self::ClaimPath => format!("1 to {CLAIM_PATH_MAX} names between dots, or a list of names"),
            Self::Binding => format!("list of {}", Bind::ALL.map(|one| format!("`{}`", one.word())).join(", ")),
            Self::Reload => "`signal` or `watch`".to_owned(),
            Self::Subjects => "`one-issuer` or `shared`".to_owned(),
            Self::Switch => "`true` or `false`".to_owned(),
            Self::Persons => {
                let roles = Role::ALL.map(|role| format!("`{}`", role.word())).join(", ");
                format!("list of `{{uid, person, roles}}`, of roles {roles}")
            }
        }
    }
}

impl Absent {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Fault => "required",
            Self::Unfetched => "required, unless tokens are fetched",
            Self::Nothing => "none",
            Self::Value(value) => value,
            Self::Cores => "one for each core",
            Self::UpstreamHost => "the host of `upstream`; required where that is an address",
            Self::EndpointHost => "the host of `endpoint`; required where that is an address",
            Self::RemoteHost => "the host of `address`, `url` or `discovery`; required where that is an address",
        }
    }
}
