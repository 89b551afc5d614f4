//! Webhooks: what makes an event the sender's own, whichever way it goes, and how it gets there: the outbox in which it lasts, the
//! schedule of attempts, the endpoint that takes it.
//!
//! Signatures are Standard Webhooks 1.0.0, symmetric (`v1`). Nothing here knows why an event may cross: `pipeline/` asks
//! contract and policy. `store/` implements
//! [`OutboxStore`]. No clock is read, and faults hold nothing of what a stranger sent.

mod endpoint;
mod outbox;
mod schedule;
mod secret;
mod signature;
mod signing_secrets;
mod store;

pub use endpoint::ANSWER_MAX_BYTES;
pub use endpoint::Answered;
pub use endpoint::AttemptFault;
pub use endpoint::Endpoint;
pub use endpoint::Line;
pub use outbox::Destination;
pub use outbox::Known;
pub use outbox::Opened;
pub use outbox::Outbox;
pub use outbox::Queued;
pub use outbox::Source;
pub use schedule::Heard;
pub use schedule::Schedule;
pub use schedule::Verdict;
pub use secret::WebhookSecret;
pub use secret::WebhookSecretError;
pub use signature::TOLERANCE_S;
pub use signature::Verified;
pub use signature::Verifier;
pub use signature::WEBHOOK_ID;
pub use signature::WEBHOOK_SIGNATURE;
pub use signature::WEBHOOK_TIMESTAMP;
pub use signature::WebhookFault;
pub use signature::WebhookId;
pub use signature::sign;
pub use signing_secrets::SigningSecrets;
pub use store::Depth;
pub use store::Due;
pub use store::Enqueued;
pub use store::OutboxFault;
pub use store::OutboxStore;
pub use store::Purged;
pub use store::Settlement;
pub use store::StoredDelivery;

#[cfg(test)]
mod tests;
