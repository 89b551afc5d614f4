//! OTLP/HTTP: one `POST` with a JSON body for each batch, and what its answer means (OTLP specification 1.x, "OTLP/HTTP Response").
//!
//! 200 with a JSON object is success, in whole or in part: what it rejects must not be sent again, and is counted. 204 is what some
//! receivers say instead. 429, 502, 503 and 504 are tried again, after `Retry-After` where it stands there in seconds. The
//! specification lets a client drop what is answered with anything else; we keep it, and try again at our longest pause, since
//! a record that is dropped here is missing there for good. A 200 without a JSON object is nobody's answer.

use crate::exporters::destination::Taken;
use crate::exporters::fault::ExportFault;
use crate::json;
use crate::json::Value;
use crate::wire::Client;
use crate::wire::Connect;
use crate::wire::Request;
use crate::wire::Response;
use crate::wire::user_agent;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

/// The largest body of an answer, in bytes: an error message at most.
pub const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// What such an answer keeps to.
const LIMITS: json::Limits =
    json::Limits { max_depth: 8, max_members: 64, max_elements: 64, max_string_bytes: ANSWER_MAX_BYTES };

/// One who takes logs over OTLP/HTTP.
pub struct OtlpSink {
    /// The connections to it.
    pub client: Client,
    /// The path there.
    pub path: Box<str>,
    /// What goes with each request besides; exchanged while the gateway runs.
    pub headers: Arc<ArcSwap<Vec<(HeaderName, HeaderValue)>>>,
}

impl OtlpSink {
    pub(super) async fn bring(&self, batch: Vec<u8>) -> Result<Taken, ExportFault> {
        let content = (http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let agent = (http::header::USER_AGENT, user_agent());
        let fields = [content, agent].into_iter().chain(self.headers.load().iter().cloned()).collect();
        let (method, target, body) = (Method::POST, self.path.clone(), Bytes::from(batch));
        let request = Request { method, target, fields, body, leaving: None };
        let connection = self.client.connect().await.map_err(ExportFault::Connect)?;
        let answer = connection.exchange(request).await.map_err(|fault| ExportFault::Exchange(fault.kind))?;
        let Response { status, fields, body, spent } = answer;
        let taken = meaning(status, fields.get(http::header::RETRY_AFTER), &body);
        if let (Ok(_), Some(spent)) = (&taken, spent) {
            spent.give_back();
        }
        taken
    }
}

/// What an answer means.
fn meaning(status: StatusCode, retry_after: Option<&HeaderValue>, body: &[u8]) -> Result<Taken, ExportFault> {
    match status.as_u16() {
        200 => partly(body).ok_or(ExportFault::Garbage),
        204 => Ok(Taken::default()),
        413 => Err(ExportFault::TooLarge),
        429 | 502 | 503 | 504 => Err(ExportFault::Busy(retry_after.and_then(seconds))),
        other => Err(ExportFault::Refused(other)),
    }
}

/// How much of a batch was rejected; `None` for what is no answer. Members that are not known are passed over, and a 64-bit integer
/// may be a string or a number.
fn partly(body: &[u8]) -> Option<Taken> {
    let answer = json::parse(body, LIMITS).ok()?;
    let partial = answer.as_object()?.get("partialSuccess");
    let Some(partial) = partial.filter(|partial| !matches!(partial, Value::Null)) else {
        return Some(Taken::default());
    };
    let rejected = match partial.as_object()?.get("rejectedLogRecords") {
        None | Some(Value::Null) => 0,
        Some(Value::String(digits)) => digits.parse().ok()?,
        Some(number) => u64::try_from(number.as_integer()?).ok()?,
    };
    Some(Taken { rejected })
}

/// RFC 9110 §10.2.3, in seconds; a date is passed over.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, retry_after: Option<&'static str>, body: &str) -> Result<Taken, ExportFault> {
        let retry_after = retry_after.map(HeaderValue::from_static);
        meaning(StatusCode::from_u16(status).unwrap(), retry_after.as_ref(), body.as_bytes())
    }

    #[test]
    fn success_is_whole_or_in_part_and_what_is_rejected_is_counted() {
        for (body, rejected) in [
            ("{}", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (r#"{"partialSuccess":null}"#, 0),
            (r#"{"partialSuccess":{"rejectedLogRecords":"7","errorMessage":"no"}}"#, 7),
            (r#"{"partialSuccess":{"rejectedLogRecords":7}}"#, 7),
            (r#"{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"a warning"}}"#, 0),
            (r#"{"unknown":[1,2],"partialSuccess":{"else":true}}"#, 0),
        ] {
            assert_eq!(of(200, None, body), Ok(Taken { rejected }), "{body}");
        }
        assert_eq!(of(204, None, ""), Ok(Taken::default()));
    }

    #[test]
    fn what_is_no_answer_is_no_success() {
        for body in [
            "",
            "OK",
            "<html>",
            "[]",
            "null",
            r#"{"partialSuccess":"#,
            r#"{"partialSuccess":[]}"#,
            r#"{"partialSuccess":{"rejectedLogRecords":"-1"}}"#,
            r#"{"partialSuccess":{"rejectedLogRecords":-1}}"#,
            r#"{"partialSuccess":{"rejectedLogRecords":1.5}}"#,
            r#"{"a":1,"a":2}"#,
        ] {
            assert_eq!(of(200, None, body), Err(ExportFault::Garbage), "{body}");
        }
    }

    #[test]
    fn what_passes_is_tried_again_when_it_says_and_what_does_not_is_refused() {
        let asked = |seconds| Err(ExportFault::Busy(Some(Duration::from_secs(seconds))));
        for status in [429, 502, 503, 504] {
            assert_eq!(of(status, None, "{}"), Err(ExportFault::Busy(None)));
            assert_eq!(of(status, Some("17"), "{}"), asked(17));
        }
        for not_seconds in ["", "-1", "1.5", "Fri, 27 Nov 2026 17:00:00 GMT", "99999999999999999999999"] {
            let expected = if not_seconds.is_empty() { None } else { Some(not_seconds) };
            assert_eq!(of(503, expected, ""), Err(ExportFault::Busy(None)), "{not_seconds}");
        }
        assert_eq!(of(413, None, ""), Err(ExportFault::TooLarge));
        for status in [201, 202, 301, 307, 400, 401, 403, 404, 415, 500, 501] {
            assert_eq!(of(status, None, "{}"), Err(ExportFault::Refused(status)));
        }
    }
}
