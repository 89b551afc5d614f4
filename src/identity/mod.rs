//! Who calls: the peer of the TLS connection, and the token that must be bound to it.
//!
//! [`Verifier::verify`] makes the [`Caller`], the proof that later steps demand. A caller is a peer whose certificate names
//! exactly one thing and is valid *now*, and a token of an issuer we know: RFC 9068 access token, signed with a key of that
//! issuer by that key's algorithm, for our audience, within its times, living no longer than configured, and bound to the
//! peer's certificate (RFC 8705 §3), or to a key of which the request brings a proof (RFC 9449), or to both. A token that is
//! not bound is a bearer token, and nobody's. [`Verifier::prove`] verifies a proof by itself, where there is no token yet.
//!
//! Header and payload are read by the strict parser of `json/`; the signature alone is the library's (`crypto/`). What a
//! caller may do is not asked here: that is `policy/`, and revocation and replay are `guard/`.
//!
//! An issuer's keys are a file's, or the issuer publishes them and they are fetched beside all requests, at the configured place
//! and no other (`key_source.rs`, `refresher.rs`). What verifies only looks at the set that is in force (`remote_keys.rs`).
//!
//! One issuer may have tokens that say nothing by themselves: it is asked about each (RFC 7662; `asking.rs`, `introspections.rs`,
//! `asker.rs`), and what it says ([`Told`]) goes through the same checks as a token's own claims.
//!
//! A partner is a [`KnownPartner`] at its own door, by its certificate alone. It gets tokens there as a client of OAuth
//! ([`PartnerClient`], [`ClientTokens`]), and with such a token it is a [`Caller`] too: of the operations that its contract
//! lets it ask for, and of nothing else.
//!
//! Faults hold no values. What came from a token prints as a length.

mod ask_fault;
mod asker;
mod asking;
mod caller;
mod checks;
mod claims;
mod client_assertion;
mod client_token;
mod fault;
mod fetch_fault;
mod header;
mod introspections;
mod introspector;
mod issue;
mod issuer_seen;
mod key_purposes;
mod key_source;
mod known_partner;
mod mapping;
mod metadata;
mod peer;
mod presented;
mod proof;
mod proof_claims;
mod refresher;
mod remote_keys;
mod renewal;
mod rights;
mod settings;
mod subject;
mod target;
mod times;
mod told;
mod verifier;

#[cfg(test)]
mod tests;

pub use ask_fault::AskFault;
pub use asker::Asker;
pub use caller::Caller;
pub use caller::Token;
pub use caller::TokenDemand;
pub use caller::TokenKind;
pub use client_assertion::Asserted;
pub use client_assertion::PartnerClient;
pub use client_token::ClientToken;
pub use client_token::ClientTokens;
pub use client_token::Minted;
pub use fault::IdentityFault;
pub use fetch_fault::FetchFault;
pub use introspections::Introspections;
pub use introspector::INTROSPECTION_ANSWER_MAX_BYTES;
pub use introspector::Introspector;
pub use issue::ActorSettings;
pub use issue::IssueFault;
pub use issue::Issued;
pub use issue::SessionIssuer;
pub use issue::SessionSettings;
pub use issue::Wishes;
pub use issuer_seen::AskedSeen;
pub use issuer_seen::IssuerSeen;
pub use issuer_seen::PublishedSeen;
pub use issuer_seen::VerifiedBy;
pub use key_purposes::KeyPurposes;
pub use key_source::KEYS_ANSWER_MAX_BYTES;
pub use key_source::KeySource;
pub use known_partner::KnownPartner;
pub use mapping::CLAIM_PATH_MAX;
pub use mapping::ClaimMapping;
pub use mapping::MappedClaim;
pub use mapping::MappingError;
pub use mapping::RequiredClaim;
pub use peer::Peer;
pub use proof::DPOP;
pub use proof::Proof;
pub use refresher::Refresher;
pub use remote_keys::RemoteKeys;
pub use rights::read_rights;
pub use rights::write_rights;
pub use settings::AskingAs;
pub use settings::Bind;
pub use settings::IdentitySettings;
pub use settings::IssuerKeys;
pub use settings::IssuerSettings;
pub use settings::SettingsError;
pub use settings::TokenRules;
pub use subject::Subject;
pub use told::Told;
pub use verifier::Verifier;

#[cfg(test)]
pub(crate) use tests::a_caller;
