//! The partner as the gateway sees it: a narrow token for one command, one exchange, one whole answer.
//!
//! A [`Voucher`] is minted before the intent, so that the record names its `jti`. [`Partner::open`] makes sure of a
//! connection without sending a byte; [`Line::send`] takes the proofs by value and sends, once. It knows no policy, no
//! contract, and not the user's token.

mod answer;
mod fault;
mod line;
mod token;

pub use answer::Answer;
pub use fault::PartnerFault;
pub use fault::SendFault;
pub use line::Line;
pub use line::Partner;
pub use line::PartnerSettings;
pub use token::Voucher;
