//! The words of the house as types: what every room may speak of, without doing anything.
//!
//! Nothing here reads a clock, a file or a format. Values that came from a stranger (a body, a token, a header) print
//! as kind and length only.

mod class;
mod delivery;
mod digest;
mod exchange;
mod input;
mod local_time;
mod names;
mod past;
mod person;
mod place;
mod reason;
mod receipt;
mod right;
mod side;
mod stranger;
mod trace;
mod treatment;
mod zone;

pub use class::DataClass;
pub use class::Direction;
pub use class::IdentifierKind;
pub use class::Protection;
pub use delivery::DeliveryState;
pub use digest::Sha256;
pub use exchange::Head;
pub use exchange::Reply;
pub use input::InputValue;
pub use input::Recordable;
pub use local_time::LocalTime;
pub use names::ActionName;
pub use names::EventName;
pub use names::Name;
pub use names::NameError;
pub use names::OperationId;
pub use names::PartnerName;
pub use names::PersonName;
pub use names::TenantId;
pub use past::AnswerPlace;
pub use past::PastOutcome;
pub use person::Actor;
pub use person::AdminDoor;
pub use person::Role;
pub use place::Located;
pub use place::ResourceId;
pub use place::entity_id;
pub use place::push_netstring;
pub use reason::Reason;
pub use receipt::Epoch;
pub use receipt::Receipt;
pub use right::RightKind;
pub use side::Side;
pub use stranger::Stranger;
pub use trace::TraceId;
pub use trace::TraceParent;
pub use treatment::Leaf;
pub use treatment::Outgoing;
pub use treatment::Part;
pub use treatment::Treated;
pub use treatment::pseudonym_digits;
pub use treatment::pseudonym_of_digits;
pub use zone::Zone;
