//! The development kit: authorities, certificates and tokens that are worth nothing outside a developer's machine, and
//! the two ends of the way: a simulated backend and a simulated partner.
//!
//! `portcullis demo` and the tests are its users; no other room imports it, so nothing in the gateway can tell that the
//! world around it is one of ours. What is made here is real (real chains, real signatures), and what is wrong is
//! wrong in one named way.

mod app_key;
mod backend;
mod endpoint;
mod errands;
mod folder;
mod http1;
mod inbound;
mod issuer;
mod kept_authority;
mod kept_pki;
mod partner;
mod pki;
mod process;
mod receiver;
mod sample;
mod signatories;

pub use app_key::AppKey;
pub use backend::Backend;
pub use backend::BackendAnswer;
pub use backend::BackendConnection;
pub use backend::BackendFault;
pub use backend::BackendSetupError;
pub use endpoint::Attempt;
pub use endpoint::Manner;
pub use endpoint::SimulatedEndpoint;
pub use errands::Errand;
pub use errands::Household;
pub use errands::NORTH;
pub use errands::SOUTH;
pub use folder::AUTHORITY;
pub use folder::FolderError;
pub use folder::GatewayFolder;
pub use folder::LOGIN_ISSUER;
pub use folder::PARKLINE_AUTHORITY;
pub use folder::PUBLIC_HOST;
pub use folder::PUBLIC_URL;
pub use folder::SESSION_ISSUER;
pub use folder::WEBHOOK_SECRET;
pub use http1::Malformed;
pub use inbound::CLIENT_ID;
pub use inbound::InboundKit;
pub use issuer::APP;
pub use issuer::TokenClaims;
pub use issuer::TokenIssuer;
pub use kept_authority::AuthorityFault;
pub use kept_authority::KeptAuthority;
pub use kept_pki::make_pki;
pub use partner::ConnectionLog;
pub use partner::Doors;
pub use partner::Misbehaviour;
pub use partner::PartnerSettings;
pub use partner::Platform;
pub use partner::Progress;
pub use partner::SimulatedPartner;
pub use partner::TokenTrust;
pub use pki::Authority;
pub use pki::BACKEND;
pub use pki::GATEWAY;
pub use pki::GATEWAY_AT_PARKLINE;
pub use pki::Issued;
pub use pki::Leaf;
pub use pki::PARTNER_PEER;
pub use pki::Pki;
pub use pki::PkiError;
pub use pki::PkiFiles;
pub use pki::Usage;
pub use pki::Validity;
pub use process::GatewayProcess;
pub use process::ProcessFault;
pub use receiver::AskedFor;
pub use receiver::EventReceiver;
pub use receiver::ReceivedEvent;
pub use receiver::ReceiverSettings;
pub use signatories::Signatories;
pub use signatories::Signatory;
pub use signatories::SigningFault;
