//! Webhooks: what makes an event the sender's own, whichever way it goes.
//!
//! Signatures are Standard Webhooks 1.0.0, symmetric (`v1`). Nothing here knows why an event may cross: `pipeline/` asks
//! contract and policy. No clock is read, and faults hold nothing of what a stranger sent.

mod secret;
mod signature;

pub use secret::WebhookSecret;
pub use secret::WebhookSecretError;
pub use signature::SignatureFault;
pub use signature::TOLERANCE_S;
pub use signature::Verified;
pub use signature::Verifier;
pub use signature::WEBHOOK_ID;
pub use signature::WEBHOOK_SIGNATURE;
pub use signature::WEBHOOK_TIMESTAMP;
pub use signature::WebhookId;
pub use signature::sign;

#[cfg(test)]
mod tests;
