//! Configuration: `gateway.yaml`, first as it was written, then as it is meant.
//!
//! The file is closed-world: what it may hold stands in `written.rs`, and anything else is a fault, each with line,
//! snippet and hint, all at once. What it means (files read, keys understood, names distinct) is `meaning.rs`'s; only the
//! meaning, [`Config`], travels. Secrets come from files that others may not read, never from the text, and a key serves
//! one purpose. Relative paths are relative to the file. What a setting does, its room knows.

mod admin;
mod audit;
mod backend;
mod callers;
mod clients;
mod credentials;
mod deliver;
mod effective;
mod expiries;
mod explain;
mod exports;
mod files;
mod headers;
mod introspection;
mod key_sources;
mod keys;
mod meaning;
mod own_keys;
mod partner_tokens;
mod remote;
mod schema;
mod sessions;
mod settings;
mod softeners;
mod token_rules;
mod units;
mod values;
mod written;

pub use audit::AuditSettings;
pub use effective::Effective;
pub use effective::effective;
pub use effective::effective_of;
pub use expiries::Alarm;
pub use expiries::Expiry;
pub use explain::Explained;
pub use explain::KEYS;
pub use explain::explain;
pub use explain::paths as key_paths;
pub use exports::ExportSettings;
pub use exports::ExportTo;
pub use files::WatchedFile;
pub use files::digest_of_all;
pub use files::digests_of;
pub use headers::Header;
pub use introspection::IntrospectionSettings;
pub use key_sources::KeySourceSettings;
pub use keys::known_keys;
pub use own_keys::OwnKey;
pub use own_keys::OwnPurpose;
pub use partner_tokens::TokenServer;
pub use partner_tokens::TokenSettings;
pub use remote::RemotePlace;
pub use schema::schema;
pub use settings::AdminPerson;
pub use settings::BackendSettings;
pub use settings::CallerListener;
pub use settings::Config;
pub use settings::EndpointSettings;
pub use settings::EventSettings;
pub use settings::ListenAddress;
pub use settings::PartnerCalls;
pub use settings::PartnerSettings;
pub use settings::Places;
pub use settings::Reload;
pub use settings::StoreSettings;
pub use settings::TlsPeer;
pub use settings::admin_socket;
pub use settings::ops_address;
pub use settings::policies_of;
pub use softeners::Softener;
pub use units::duration;

#[cfg(test)]
mod tests;
