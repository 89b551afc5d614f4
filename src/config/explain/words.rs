//! What keys take, and what applies where they are absent, in words.

use crate::config::explain::Absent;
use crate::config::explain::Takes;
use crate::config::units;
use crate::crypto::Algorithm;
use crate::identity::Bind;
use crate::identity::CLAIM_PATH_MAX;
use crate::identity::RequiredClaim;
use crate::model::Role;

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
            Self::Nothing => "none",
            Self::Value(value) => value,
            Self::Cores => "one for each core",
            Self::UpstreamHost => "the host of `upstream`; required where that is an address",
            Self::EndpointHost => "the host of `endpoint`; required where that is an address",
            Self::RemoteHost => "the host of `address`, `url` or `discovery`; required where that is an address",
        }
    }
}
