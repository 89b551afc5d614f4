//! Traces across the gateway: taken from peers whom the configuration trusts with it, and begun anew for each partner.
//!
//! A number that the backend and a partner both knew would join what they each know of a person, behind every pseudonym. So the
//! partner is given a trace of its own for each command; which belongs to which stands in the record and nowhere else. What
//! else there is of such context (`tracestate`, `baggage`) never crosses: it is somebody's text.

use crate::crypto;
use crate::model::Head;
use crate::model::TraceParent;
use crate::pipeline::gate::Gate;
use crate::pipeline::gate::Visitor;
use http::HeaderName;

/// Where a peer says it.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

impl Gate {
    /// The trace that a request belongs to: the one that it names once and rightly, if its peer is trusted with that; else a
    /// new one, which nobody records.
    pub(super) fn trace_of(&self, visitor: &Visitor, head: &Head) -> TraceParent {
        let trusted =
            visitor.peer.as_ref().is_ok_and(|peer| self.core.trace_from.iter().any(|name| **name == *peer.name()));
        let mut values = head.fields.get_all(&TRACEPARENT).iter();
        let said = values.next().filter(|_| trusted && values.next().is_none());
        let said = said.and_then(|value| TraceParent::parse(value.as_bytes()));
        said.unwrap_or_else(|| begin(false))
    }
}

/// A new trace.
fn begin(sampled: bool) -> TraceParent {
    TraceParent::begin(crypto::random(), crypto::random(), sampled)
}

/// The trace of one command towards its partner, recorded if `own` is.
pub fn towards_partner(own: Option<TraceParent>) -> TraceParent {
    begin(own.is_some_and(TraceParent::is_sampled))
}
