//! Contracts: what may cross between the backend and a partner, closed-world.
//!
//! A contract is an OpenAPI 3.1 document with the one extension key `x-portcullis`. It is read into the shape in which it was
//! written, every node with its place, and compiled into what a request only looks up: a router, checks of path, query and header
//! values, a strict JSON parser per operation, and the same for answers. What the compiler does not know is a load error, never
//! ignored.
//!
//! A request passes in two halves. [`declare`] needs the head alone and makes [`Declared`]; [`rebuild`] takes that, the
//! authenticated caller and the body, and makes [`Rebuilt`], from which everything that may leave is written anew:
//! [`Rebuilt::render`] asks for each leaf what becomes of it. Raw bytes go no further than this room. An answer passes
//! [`check`], which makes [`Checked`], by the same means.
//!
//! An event passes at once: [`rebuild_event`] takes its bytes and makes [`RebuiltEvent`], whichever way it goes.
//!
//! Faults name places in the contract's words and hold no values. Who may do what is policy's question, what a pseudonym looks
//! like is protection's.

mod anew;
mod answer;
mod body;
mod compare;
mod compare_leaf;
mod compare_shape;
mod compile;
mod compile_body;
mod compile_choice;
mod compile_event;
mod compile_inbound;
mod compile_leaf;
mod compile_operation;
mod compile_records;
mod compile_schema;
mod cost;
mod declare;
mod describe;
mod draft;
mod editor_schema;
mod event;
mod expected;
mod fault;
mod format;
mod headers;
mod inclusion;
mod leaf;
mod lint;
mod multiple;
mod operation;
mod pattern;
mod period;
mod pull;
mod read;
mod read_any;
mod read_choice;
mod read_leaf;
mod read_object;
mod read_schema;
mod read_webhook;
mod rebuild;
mod refs;
mod render;
mod routed;
mod router;
mod schema;
mod target;
mod tell;
mod view;
mod view_bounds;
mod written;
mod written_words;

#[cfg(test)]
mod tests;

pub use anew::rebuild_anew;
pub use answer::Checked;
pub use answer::check;
pub use compare::compare;
pub use declare::Declared;
pub use declare::declare;
pub use declare::declare_inbound;
pub use draft::Draft;
pub use draft::Finding;
pub use draft::FindingKind;
pub use draft::Wanted;
pub use draft::draft;
pub use editor_schema::schema;
pub use event::Event;
pub use event::RebuiltEvent;
pub use event::rebuild_event;
pub use fault::AnswerFault;
pub use fault::ContractFault;
pub use format::Format;
pub use headers::holds_refused_field;
pub use headers::idempotency_key;
pub use headers::says_coded;
pub use headers::says_form;
pub use headers::says_json;
pub use operation::Actuates;
pub use operation::Contract;
pub use operation::Field;
pub use operation::FieldRule;
pub use operation::Idempotency;
pub use operation::Operation;
pub use operation::ResourceRule;
pub use operation::RightDemand;
pub use rebuild::Rebuilt;
pub use rebuild::rebuild;
pub use routed::Routed;
pub use view::View;
pub use view::ViewedAnswer;
pub use view::ViewedBody;
pub use view::ViewedEvent;
pub use view::ViewedLeaf;
pub use view::ViewedOperation;
pub use view::ViewedValue;
