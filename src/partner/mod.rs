//! The partner as the gateway sees it: a narrow token for one command, one exchange, one whole answer.
//!
//! A [`Voucher`] is there before the intent, so that the record names its id: with a token that is minted for the command, or
//! one that the partner's authorisation server gives for its right. [`Partner::open`] makes sure of a
//! connection without sending a byte; [`Line::send`] takes the proofs by value and sends, once. It knows no policy, no
//! contract, and not the user's token.
//!
//! Nothing is sent that was not asked about a last time, and nothing that is not on record:
//!
//! ```
//! use portcullis::{audit::Recorded, guard::Current, partner::{Line, Voucher}, protect::Protected};
//! async fn carry(line: Line, voucher: Voucher, sent: Protected, recorded: &Recorded, current: Current) {
//!     let _answer = line.send(voucher, sent, recorded, current).await;
//! }
//! ```
//!
//! ```compile_fail
//! use portcullis::{audit::Recorded, guard::Current, partner::{Line, Voucher}, protect::Protected};
//! async fn carry(line: Line, voucher: Voucher, sent: Protected, recorded: &Recorded, current: Current) {
//!     let _answer = line.send(voucher, sent, recorded).await;
//! }
//! ```
//!
//! ```compile_fail
//! use portcullis::{audit::Recorded, guard::Current, partner::{Line, Voucher}, protect::Protected};
//! async fn carry(line: Line, voucher: Voucher, sent: Protected, recorded: &Recorded, current: Current) {
//!     let _answer = line.send(voucher, sent, current).await;
//! }
//! ```

mod answer;
mod backend;
mod fault;
mod fetched;
mod grant;
mod line;
mod right;
mod signature;
mod token;
mod token_request;
mod voucher;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use backend::Backend;
pub use backend::BackendLine;
pub use fault::PartnerFault;
pub use fault::SendFault;
pub use fault::TokenFault;
pub use fetched::ClientKeys;
pub use fetched::FetchedSeen;
pub use fetched::FetchedTokens;
pub use line::Line;
pub use line::Partner;
pub use line::PartnerSettings;
pub use line::TokenKeys;
pub use line::TokenSource;
pub use line::partner_jwks;
pub use token::Minting;
pub use token_request::FetchSettings;
pub use token_request::TOKEN_ANSWER_MAX_BYTES;
pub use voucher::Voucher;
