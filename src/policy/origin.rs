//! Where a fact that policies look at comes from, for whoever asks what it depends on.

use crate::policy::context::PROVIDERS;
use crate::policy::context::Provider;

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Origin {
    /// The token: who it is, in which roles, with which rights.
    Token,
    /// When it is asked.
    Time,
    /// The request's own values.
    Request,
    /// The certificate of who sends it.
    Certificate,
    /// The contract.
    Contract,
    /// The directory.
    Directory,
}

impl Origin {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Time => "time",
            Self::Request => "request",
            Self::Certificate => "certificate",
            Self::Contract => "contract",
            Self::Directory => "directory",
        }
    }

    /// Where what a clause reads comes from, by the name that records give it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let known = PROVIDERS.iter().find(|(known, _)| *known == name);
        match known.map(|(_, provider)| provider) {
            Some(
                Provider::GrantedBarriers
                | Provider::GrantedDoors
                | Provider::GrantedHouses
                | Provider::Houses
                | Provider::Scopes
                | Provider::Roles
                | Provider::Tenant
                | Provider::TokenKind
                | Provider::Issuer
                | Provider::ClientId
                | Provider::Acr
                | Provider::Amr
                | Provider::AuthAgeSeconds
                | Provider::Device,
            ) => Self::Token,
            Some(Provider::AgeSeconds | Provider::LocalMinuteOfDay | Provider::LocalWeekday) => Self::Time,
            Some(Provider::Peer) => Self::Certificate,
            Some(Provider::Partner | Provider::Purpose) => Self::Contract,
            Some(Provider::ResourceTenant) => Self::Directory,
            Some(Provider::Request | Provider::RightType | Provider::RightAction) => Self::Request,
            None if name.starts_with("request.") => Self::Request,
            None if name.starts_with("resource") => Self::Directory,
            None => Self::Token,
        }
    }
}
