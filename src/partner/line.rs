//! One partner and a line to it.

use crate::audit::Recorded;
use crate::clock::UnixMillis;
use crate::crypto::PublishedKeys;
use crate::crypto::purposed_jwks;
use crate::guard::Admitted;
use crate::guard::Current;
use crate::model::Direction;
use crate::model::PartnerName;
use crate::model::TreeHead;
use crate::partner::answer::Answer;
use crate::partner::fault::PartnerFault;
use crate::partner::fault::SendFault;
use crate::partner::fetched::ClientKeys;
use crate::partner::fetched::FetchedTokens;
use crate::partner::signature::sign;
use crate::partner::token::Minting;
use crate::partner::voucher::Voucher;
use crate::protect::Protected;
use crate::wire::Connect;
use crate::wire::Connection;
use crate::wire::Request;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use std::sync::Arc;

/// Where the partner is told the trace of a command (W3C Trace Context §3.2).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The receipt that the partner gets: the id by which our record knows this command as the partner's.
const RECEIPT_ID: HeaderName = HeaderName::from_static("receipt-id");

/// How far our record has come: origin, size and root of its newest checkpoint (C2SP tlog-checkpoint).
const AUDIT_LOG: HeaderName = HeaderName::from_static("audit-log");

/// Who a partner is, and what signs the requests to it.
pub struct PartnerSettings {
    /// The partner.
    pub name: PartnerName,
    /// What signs the requests.
    pub signing: PublishedKeys,
}

/// Where the tokens for a partner come from.
pub enum TokenSource {
    /// We mint one for each command.
    Minted(Arc<Minting>),
    /// The partner's authorisation server gives them.
    Fetched {
        /// Those that there are.
        tokens: Arc<FetchedTokens>,
        /// The connections to that server.
        server: Arc<dyn Connect>,
    },
}

/// What a partner's keys verify besides requests.
#[derive(Clone, Copy)]
pub enum TokenKeys<'k> {
    /// The tokens that we mint.
    Tokens(&'k PublishedKeys),
    /// The assertions by which we are a client of its authorisation server; none where our certificate says who we are.
    Assertions(&'k ClientKeys),
}

/// What a partner verifies with, keys that will sign later included, as JWKS; each key says what it is for.
#[must_use]
pub fn partner_jwks(tokens: TokenKeys<'_>, requests: &PublishedKeys) -> String {
    let requests = requests.all().map(|key| ("request", key));
    match tokens {
        TokenKeys::Tokens(keys) => purposed_jwks(keys.all().map(|key| ("token", key)).chain(requests)),
        TokenKeys::Assertions(keys) => purposed_jwks(keys.iter().map(|key| ("client", &**key)).chain(requests)),
    }
}

/// A partner: its tokens, and the connections to it.
pub struct Partner {
    settings: Arc<PartnerSettings>,
    tokens: TokenSource,
    wire: Arc<dyn Connect>,
}

/// A connection to the partner over which nothing of the command has been sent.
///
/// For what is on record there is one:
/// ```
/// use portcullis::{audit::Recorded, partner::{Line, Partner, PartnerFault}, policy::Permit};
/// async fn open(partner: &Partner, permit: &Permit, recorded: &Recorded) -> Result<Line, PartnerFault> {
///     partner.open(recorded).await
/// }
/// ```
/// For what is permitted alone there is none:
/// ```compile_fail
/// use portcullis::{audit::Recorded, partner::{Line, Partner, PartnerFault}, policy::Permit};
/// async fn open(partner: &Partner, permit: &Permit, recorded: &Recorded) -> Result<Line, PartnerFault> {
///     partner.open(permit).await
/// }
/// ```
#[must_use = "a line that is not used goes back to nobody"]
pub struct Line {
    connection: Box<dyn Connection>,
    settings: Arc<PartnerSettings>,
}

impl Partner {
    /// A partner that is reached over `wire` with these tokens.
    #[must_use]
    pub const fn new(settings: Arc<PartnerSettings>, tokens: TokenSource, wire: Arc<dyn Connect>) -> Self {
        Self { settings, tokens, wire }
    }

    /// Whether its tokens are fetched, which takes as long as somebody else takes.
    #[must_use]
    pub const fn fetches(&self) -> bool {
        matches!(self.tokens, TokenSource::Fetched { .. })
    }

    /// The token of one command, minted or fetched. It ends with the command's `max_age`, and goes with what of our record can be
    /// `seen`.
    ///
    /// # Errors
    /// [`PartnerFault::TooOld`], [`PartnerFault::Signing`], [`PartnerFault::Token`].
    pub async fn voucher(
        &self,
        protected: &Protected,
        admitted: &Admitted,
        seen: Option<&TreeHead>,
        now: UnixMillis,
    ) -> Result<Voucher, PartnerFault> {
        match &self.tokens {
            TokenSource::Minted(minting) => minting.mint(protected, admitted.good_until(), seen, now.seconds()),
            TokenSource::Fetched { tokens, server } => {
                Ok(tokens.voucher(server, protected, admitted.good_until()).await?.telling(seen))
            }
        }
    }

    /// The keys that the partner is told of.
    #[must_use]
    pub fn jwks(&self) -> String {
        let signing = &self.settings.signing;
        match &self.tokens {
            TokenSource::Minted(minting) => partner_jwks(TokenKeys::Tokens(&minting.keys), signing),
            TokenSource::Fetched { tokens, .. } => partner_jwks(TokenKeys::Assertions(&tokens.keys()), signing),
        }
    }

    /// Why no connection could be made now: our own certificate there, or a list about the partner's, is not in force.
    #[must_use]
    pub fn lapsed(&self) -> Option<PartnerFault> {
        self.wire.lapsed().map(PartnerFault::Unreachable)
    }

    /// Makes sure of a connection. Only for what is on record; nothing is sent.
    ///
    /// # Errors
    /// [`PartnerFault::Unreachable`].
    pub async fn open(&self, _recorded: &Recorded) -> Result<Line, PartnerFault> {
        let connection = self.wire.connect().await.map_err(PartnerFault::Unreachable)?;
        Ok(Line { connection, settings: Arc::clone(&self.settings) })
    }
}

impl Line {
    /// Signs the command as it is, sends it, once, and reads the whole answer. Nothing is tried again.
    ///
    /// # Errors
    /// [`SendFault`] tells whether bytes may have left.
    pub async fn send(
        self,
        voucher: Voucher,
        protected: Protected,
        recorded: &Recorded,
        current: Current,
    ) -> Result<Answer, SendFault> {
        let belongs = protected.direction() == Direction::Outbound
            && recorded.digest() == protected.digest()
            && voucher.command() == protected.digest()
            && recorded.partner() == protected.partner()
            && recorded.partner() == &self.settings.name
            && recorded.receipt() == current.receipt();
        if !belongs {
            return Err(SendFault::Mismatch);
        }
        let outgoing = protected.into_outgoing();
        let mut fields = outgoing.fields;
        if let Some(media_type) = outgoing.content_type {
            fields.push((header::CONTENT_TYPE, media_type));
        }
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {}", voucher.token())).map_err(|_| SendFault::Unwritable)?;
        bearer.set_sensitive(true);
        fields.push((header::AUTHORIZATION, bearer));
        let receipt = HeaderValue::try_from(voucher.jti()).map_err(|_| SendFault::Unwritable)?;
        fields.push((RECEIPT_ID, receipt));
        if let Some(seen) = voucher.seen() {
            fields.push((AUDIT_LOG, HeaderValue::try_from(seen).map_err(|_| SendFault::Unwritable)?));
        }
        let signed_at = current.at().seconds();
        let leaving = current.into_departure().map(|departure| Box::new(departure) as Box<dyn Send + Sync>);
        let mut request =
            Request { method: outgoing.method, target: outgoing.target, fields, body: outgoing.body, leaving };
        let key = self.settings.signing.first();
        sign(&mut request, self.connection.authority(), key, signed_at, voucher.expires_at())
            .map_err(|_| SendFault::Unsigned)?;
        request.fields.push((header::ACCEPT, outgoing.accept));
        if let Some(trace) = voucher.trace() {
            let value = HeaderValue::try_from(trace.to_string()).map_err(|_| SendFault::Unwritable)?;
            request.fields.push((TRACEPARENT, value));
        }
        let response = self.connection.exchange(request).await.map_err(|fault| match fault.may_have_left {
            true => SendFault::Unknown(fault.kind),
            false => SendFault::Unwritable,
        })?;
        if response.status == StatusCode::UNAUTHORIZED {
            voucher.refused();
        }
        Ok(Answer::new(response))
    }
}
