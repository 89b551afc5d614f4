//! What a configuration states of the things that `requirements.yaml` speaks of: plain values with their places in
//! `gateway.yaml`, whoever read them. `requirements.rs` holds them against what is required.

use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::Name;
use crate::model::PartnerName;
use crate::model::Role;
use crate::model::Sha256;

/// A configuration, as far as it is held against requirements.
#[derive(Clone)]
pub struct Stated {
    /// Its file.
    pub source: Source,
    /// Its environment.
    pub environment: (Name, Place),
    /// Every issuer whose sign-in tokens it accepts.
    pub issuers: Vec<StatedIssuer>,
    /// The issuer of session tokens.
    pub sessions: StatedIssuer,
    /// Each place that a partner's data goes to.
    pub partners: Vec<(PartnerName, StatedHost)>,
    /// Where the backend takes what comes from partners.
    pub backend: Option<StatedHost>,
    /// Who certifies those who call at the backend's listener.
    pub backend_clients: Authorities,
    /// Who certifies those who call at the partners' listener, if there is one.
    pub partner_clients: Option<Authorities>,
    /// The roles that persons have who are named at the operator's socket, and where they are named; `None` where the owner of
    /// the process acts alone.
    pub roles: Option<Vec<Role>>,
    /// Where the operator's socket is configured.
    pub roles_place: Place,
    /// What is softer than the defaults.
    pub softeners: Vec<StatedSoftener>,
}

/// Whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct StatedIssuer {
    /// `iss`.
    pub issuer: Box<str>,
    /// How each token must be bound to who sends it, as the words of `bind`.
    pub bound: Vec<Box<str>>,
    /// Where its keys are fetched; `None` where they are a file.
    pub keys: Option<StatedHost>,
    /// Where it stands.
    pub place: Place,
}

/// A host that data goes to.
#[derive(Clone, Debug)]
pub struct StatedHost {
    /// Host name or address.
    pub host: Box<str>,
    /// Where it stands.
    pub place: Place,
    /// Who certifies it.
    pub authorities: Authorities,
}

/// The certificates of authorities.
#[derive(Clone, Debug)]
pub struct Authorities {
    /// Of each: SHA-256 of the certificate, and of its public key (SubjectPublicKeyInfo, RFC 5280 §4.1.2.7).
    pub digests: Vec<[Sha256; 2]>,
    /// Where their file is named.
    pub place: Place,
}

/// A setting that lets through more than its default would.
#[derive(Clone, Debug)]
pub struct StatedSoftener {
    /// The key.
    pub key: Box<str>,
    /// Its value as the file would write it.
    pub value: Box<str>,
    /// Where it stands.
    pub place: Place,
}
