//! What is said over the admin socket: one line of JSON each way, both read in a closed world.
//!
//! ```text
//! {"act":"revoke","kind":"device","tenant":"north","value":"…"}
//! {"ok":true,"epoch":7,"receipt":"r-…","state":"local"}
//! {"ok":false,"error":"not-recordable","receipt":"r-…"}
//! ```
//!
//! `kind` is `subject`, `device`, `session` or `token`; `tenant` may be left out. `error` is a code of [`LineFault`]
//! or of [`Reason`]. Nothing here does IO.

use crate::json;
use crate::json::Limits;
use crate::json::Object;
use crate::json::Reader;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Name;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Stranger;
use crate::pipeline::RevocationKind;
use crate::pipeline::RevocationOrder;
use crate::pipeline::RevocationReply;

/// Bytes of one line, its end included.
pub(super) const LINE_MAX_BYTES: usize = 4 * 1024;
/// Bytes of a revoked value; subjects, devices and token ids are far shorter.
const VALUE_MAX_BYTES: usize = 256;
/// Larger than a line can be in each respect but depth: lines are flat.
const JSON_LIMITS: Limits = Limits { max_depth: 1, max_members: 8, max_elements: 0, max_string_bytes: LINE_MAX_BYTES };

/// Why a line is not an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LineFault {
    /// Not one line of strict JSON, an object with strings.
    #[error("the request is not one JSON object with strings, on one line")]
    Malformed,
    /// More than 4 KiB.
    #[error("the request is longer than 4 KiB")]
    TooLong,
    /// A member that no order has.
    #[error("the request has a member that is not known")]
    UnknownMember,
    /// `act`, `kind` or `value` is not there.
    #[error("the request lacks `act`, `kind` or `value`")]
    MissingMember,
    /// An act other than `revoke`.
    #[error("the act is not known")]
    UnknownAct,
    /// Not a kind that can be revoked.
    #[error("the kind is none of `subject`, `device`, `session` and `token`")]
    UnknownKind,
    /// Not a name.
    #[error("the tenant is not a name")]
    TenantInvalid,
    /// Empty, longer than 256 bytes, or with control characters.
    #[error("the value is empty, longer than 256 bytes, or has control characters")]
    ValueInvalid,
}

/// Who refused, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The line was no order.
    #[error("{0}")]
    Line(LineFault),
    /// The order was not carried out, or may not last.
    #[error("the gateway refused: `{0}`")]
    Gateway(Reason),
}

/// An answer, as the one who asked reads it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SocketAnswer {
    /// Effective and durable.
    Revoked {
        /// The epoch that began with it.
        epoch: Epoch,
        /// Where it stands on record.
        receipt: Receipt,
        /// How far it has come: `local` is this node.
        state: Name,
    },
    /// Not done.
    Refused {
        /// By whom, and why.
        refusal: Refusal,
        /// Where that stands on record, if it does.
        receipt: Option<Receipt>,
    },
}

impl LineFault {
    const ALL: [Self; 8] = [
        Self::Malformed,
        Self::TooLong,
        Self::UnknownMember,
        Self::MissingMember,
        Self::UnknownAct,
        Self::UnknownKind,
        Self::TenantInvalid,
        Self::ValueInvalid,
    ];

    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLong => "too-long",
            Self::UnknownMember => "unknown-member",
            Self::MissingMember => "missing-member",
            Self::UnknownAct => "unknown-act",
            Self::UnknownKind => "unknown-kind",
            Self::TenantInvalid => "tenant-invalid",
            Self::ValueInvalid => "value-invalid",
        }
    }
}

impl Refusal {
    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Line(fault) => fault.code(),
            Self::Gateway(reason) => reason.code(),
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        let line = LineFault::ALL.into_iter().find(|fault| fault.code() == code).map(Self::Line);
        line.or_else(|| Reason::ALL.iter().find(|reason| reason.code() == code).copied().map(Self::Gateway))
    }
}

impl SocketAnswer {
    /// The answer as one JSON object, as it came over the socket.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Revoked { epoch, receipt, state } => revoked(*epoch, *receipt, state.as_str()),
            Self::Refused { refusal, receipt } => refused(*refusal, *receipt),
        }
    }
}

/// Writes an order as a line.
pub(super) fn write_order(order: &RevocationOrder) -> Vec<u8> {
    let mut members = Object::new();
    members.insert("act", "revoke");
    members.insert("kind", order.kind.word());
    if let Some(tenant) = &order.tenant {
        members.insert("tenant", tenant.as_str());
    }
    members.insert("value", order.value.expose());
    let mut line = Vec::with_capacity(256);
    json::write(&Value::Object(members), &mut line);
    line.push(b'\n');
    line
}

/// Reads the order on a line.
///
/// # Errors
/// [`LineFault`].
pub(super) fn parse_order(line: &[u8]) -> Result<RevocationOrder, LineFault> {
    let (mut act, mut kind, mut tenant, mut value) = (None, None, None, None);
    let mut reader = Reader::new(line, JSON_LIMITS).map_err(|_| LineFault::Malformed)?;
    reader.begin_object().map_err(|_| LineFault::Malformed)?;
    while let Some(name) = reader.next_key().map_err(|_| LineFault::Malformed)? {
        let place = match &*name {
            "act" => &mut act,
            "kind" => &mut kind,
            "tenant" => &mut tenant,
            "value" => &mut value,
            _ => return Err(LineFault::UnknownMember),
        };
        *place = Some(reader.string(LINE_MAX_BYTES).map_err(|_| LineFault::Malformed)?);
    }
    reader.finish().map_err(|_| LineFault::Malformed)?;
    let (Some(act), Some(kind), Some(value)) = (act, kind, value) else {
        return Err(LineFault::MissingMember);
    };
    if act != "revoke" {
        return Err(LineFault::UnknownAct);
    }
    let kind = RevocationKind::from_word(&kind).ok_or(LineFault::UnknownKind)?;
    let tenant = tenant.map(|text| Name::new(&text)).transpose().map_err(|_| LineFault::TenantInvalid)?;
    if value.is_empty() || value.len() > VALUE_MAX_BYTES || value.chars().any(char::is_control) {
        return Err(LineFault::ValueInvalid);
    }
    Ok(RevocationOrder { kind, tenant, value: Stranger::new(&*value) })
}

/// Writes the answer to an order.
pub(super) fn write_reply(reply: &RevocationReply) -> Vec<u8> {
    match reply.outcome {
        Ok(epoch) => ended(revoked(epoch, reply.receipt, reply.state)),
        Err(reason) => ended(refused(Refusal::Gateway(reason), Some(reply.receipt))),
    }
}

/// Writes the answer to a line that is no order.
pub(super) fn write_fault(fault: LineFault) -> Vec<u8> {
    ended(refused(Refusal::Line(fault), None))
}

/// Reads an answer; `None` if it is not one of ours.
pub(super) fn parse_answer(line: &[u8]) -> Option<SocketAnswer> {
    let answer = json::parse(line, JSON_LIMITS).ok()?;
    let members = answer.as_object()?;
    let text = |name| members.get(name).and_then(Value::as_str);
    let receipt = text("receipt").and_then(Receipt::parse);
    let names: Vec<&str> = members.iter().map(|(name, _)| name).collect();
    match (members.get("ok")?, names.as_slice()) {
        (Value::Boolean(true), ["ok", "epoch", "receipt", "state"]) => {
            let epoch = members.get("epoch").and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok());
            let state = text("state").and_then(|word| Name::new(word).ok());
            Some(SocketAnswer::Revoked { epoch: Epoch::new(epoch?), receipt: receipt?, state: state? })
        }
        (Value::Boolean(false), ["ok", "error"]) => {
            Some(SocketAnswer::Refused { refusal: Refusal::of_code(text("error")?)?, receipt: None })
        }
        (Value::Boolean(false), ["ok", "error", "receipt"]) => {
            Some(SocketAnswer::Refused { refusal: Refusal::of_code(text("error")?)?, receipt: Some(receipt?) })
        }
        _ => None,
    }
}

/// `state` is one of our words. An epoch beyond what JSON can carry would take a revocation each microsecond for 285
/// years.
fn revoked(epoch: Epoch, receipt: Receipt, state: &str) -> String {
    format!("{{\"ok\":true,\"epoch\":{epoch},\"receipt\":\"{receipt}\",\"state\":\"{state}\"}}")
}

fn refused(refusal: Refusal, receipt: Option<Receipt>) -> String {
    let receipt = receipt.map(|receipt| format!(",\"receipt\":\"{receipt}\"")).unwrap_or_default();
    format!("{{\"ok\":false,\"error\":\"{}\"{receipt}}}", refusal.code())
}

fn ended(text: String) -> Vec<u8> {
    let mut line = text.into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: Receipt = Receipt::new([7; 16]);

    fn fault(line: &str) -> LineFault {
        parse_order(line.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        for kind in RevocationKind::ALL {
            for tenant in [None, Some(Name::new("north").unwrap())] {
                let order = RevocationOrder { kind, tenant, value: Stranger::new("дом \"7\"\\") };
                assert_eq!(parse_order(&write_order(&order)), Ok(order));
            }
        }
        assert_eq!(
            write_order(&RevocationOrder {
                kind: RevocationKind::Device,
                tenant: Some(Name::new("north").unwrap()),
                value: Stranger::new("d-1"),
            }),
            b"{\"act\":\"revoke\",\"kind\":\"device\",\"tenant\":\"north\",\"value\":\"d-1\"}\n"
        );
    }

    #[test]
    fn a_line_that_is_no_order_is_refused_by_the_name_of_its_fault() {
        for line in [
            "",
            "\n",
            "[]",
            "revoke",
            r#"{"act":"revoke","kind":"device","value":"d"} {}"#,
            r#"{"act":"revoke","kind":"device","value":"d","value":"e"}"#,
            r#"{"act":"revoke","kind":"device","v\u0061lue":"d","value":"e"}"#,
            r#"{"act":"revoke","kind":"device","value":7}"#,
            r#"{"act":"revoke","kind":"device","value":["d"]}"#,
            r#"{"act":"revoke","kind":"device","tenant":null,"value":"d"}"#,
        ] {
            assert_eq!(fault(line), LineFault::Malformed, "{line}");
        }
        assert_eq!(fault(r#"{"act":"revoke","kind":"device","value":"d","why":"x"}"#), LineFault::UnknownMember);
        assert_eq!(fault(r#"{"act":"revoke","kind":"device"}"#), LineFault::MissingMember);
        assert_eq!(fault(r#"{"kind":"device","value":"d"}"#), LineFault::MissingMember);
        assert_eq!(fault(r#"{"act":"permit","kind":"device","value":"d"}"#), LineFault::UnknownAct);
        assert_eq!(fault(r#"{"act":"revoke","kind":"Device","value":"d"}"#), LineFault::UnknownKind);
        assert_eq!(fault(r#"{"act":"revoke","kind":"device","tenant":"a b","value":"d"}"#), LineFault::TenantInvalid);
        assert_eq!(fault(r#"{"act":"revoke","kind":"device","value":"a\nb"}"#), LineFault::ValueInvalid);
        assert_eq!(fault(r#"{"act":"revoke","kind":"device","value":""}"#), LineFault::ValueInvalid);
    }

    #[test]
    fn a_value_of_256_bytes_is_taken_and_one_more_is_not() {
        let line = |bytes| format!(r#"{{"act":"revoke","kind":"device","value":"{}"}}"#, "d".repeat(bytes));
        assert!(parse_order(line(256).as_bytes()).is_ok());
        assert_eq!(fault(&line(257)), LineFault::ValueInvalid);
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let done = RevocationReply { outcome: Ok(Epoch::new(7)), receipt: RECEIPT, state: "local" };
        let line = write_reply(&done);
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            format!("{{\"ok\":true,\"epoch\":7,\"receipt\":\"{RECEIPT}\",\"state\":\"local\"}}\n")
        );
        let state = Name::new("local").unwrap();
        let revoked = SocketAnswer::Revoked { epoch: Epoch::new(7), receipt: RECEIPT, state };
        assert_eq!(parse_answer(&line), Some(revoked));

        let refused = RevocationReply { outcome: Err(Reason::NotRecordable), ..done };
        let refusal = Refusal::Gateway(Reason::NotRecordable);
        assert_eq!(
            parse_answer(&write_reply(&refused)),
            Some(SocketAnswer::Refused { refusal, receipt: Some(RECEIPT) })
        );
        for fault in LineFault::ALL {
            let refused = SocketAnswer::Refused { refusal: Refusal::Line(fault), receipt: None };
            assert_eq!(parse_answer(&write_fault(fault)), Some(refused));
        }
    }

    #[test]
    fn no_code_of_a_line_is_also_a_reason() {
        for fault in LineFault::ALL {
            assert!(Reason::ALL.iter().all(|reason| reason.code() != fault.code()), "{}", fault.code());
        }
    }

    #[test]
    fn an_answer_that_is_not_ours_is_none() {
        for line in [
            r#"{"ok":true}"#,
            r#"{"ok":true,"epoch":-1,"receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa","state":"local"}"#,
            r#"{"ok":true,"epoch":7,"receipt":"r-7","state":"local"}"#,
            r#"{"ok":true,"epoch":7,"receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa","state":"local","more":1}"#,
            r#"{"ok":false,"error":"out-of-coffee"}"#,
            r#"{"ok":1,"error":"malformed"}"#,
            "HTTP/1.1 400 Bad Request",
        ] {
            assert_eq!(parse_answer(line.as_bytes()), None, "{line}");
        }
    }
}
