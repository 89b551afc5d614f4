//! What is ordered over the admin socket: one line of JSON, read in a closed world. `answer.rs` says what comes back.
//!
//! ```text
//! {"act":"revoke","kind":"device","tenant":"north","value":"…"}
//! {"act":"propose-lift","kind":"device","tenant":"north","value":"…"}
//! {"act":"confirm-lift","kind":"device","tenant":"north","value":"…"}
//! {"act":"subject","kind":"user","issuer":"https://…","value":"…","ticket":"SEC-4711"}
//! {"act":"propose-erase","kind":"user","issuer":"https://…","value":"…"}
//! {"act":"confirm-erase","kind":"user","issuer":"https://…","value":"…"}
//! {"act":"list","after":7}
//! {"act":"bundle"}
//! ```
//!
//! `kind` is a kind of revocation, or of a person; `tenant` may be left out, as may `after`, an epoch. Nothing here does IO.

use crate::json;
use crate::json::Limits;
use crate::json::Number;
use crate::json::Object;
use crate::json::Reader;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::IdentifierKind;
use crate::model::Name;
use crate::model::Stranger;
use crate::model::Ticket;
use crate::pipeline::Act;
use crate::pipeline::OrderFault;
use crate::pipeline::PersonFault;
use crate::pipeline::PersonOrder;
use crate::pipeline::RevocationKind;
use crate::pipeline::RevocationOrder;

/// Bytes of one line, its end included.
pub(super) const LINE_MAX_BYTES: usize = 4 * 1024;
/// Larger than a line can be in each respect but depth: lines are flat.
const JSON_LIMITS: Limits = Limits { max_depth: 1, max_members: 8, max_elements: 0, max_string_bytes: LINE_MAX_BYTES };

const REVOKE: &str = "revoke";
const PROPOSE: &str = "propose-lift";
const CONFIRM: &str = "confirm-lift";
const SUBJECT: &str = "subject";
const PROPOSE_ERASE: &str = "propose-erase";
const CONFIRM_ERASE: &str = "confirm-erase";
const LIST: &str = "list";
const BUNDLE: &str = "bundle";

/// Why a line is not an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LineFault {
    /// Not one line of strict JSON, an object with strings and, of a list, an epoch.
    #[error("the request is not one JSON object of its form, on one line")]
    Malformed,
    /// More than 4 KiB.
    #[error("the request is longer than 4 KiB")]
    TooLong,
    /// A member that this order has not.
    #[error("the request has a member that it should not have")]
    UnknownMember,
    /// `act` is not there, or what it needs.
    #[error("the request lacks `act`, or a member that its act needs")]
    MissingMember,
    /// An act that there is not.
    #[error("the act is not known")]
    UnknownAct,
    /// Not a kind that can be revoked, or of a person.
    #[error("the kind is none that this act knows")]
    UnknownKind,
    /// Not a name, or of a kind that holds everywhere.
    #[error("the tenant is not a name, or this kind takes none")]
    TenantInvalid,
    /// Empty, longer than 256 bytes, with control characters, or not of the form that the kind demands.
    #[error("the value is empty, longer than 256 bytes, has control characters, or is not what the kind demands")]
    ValueInvalid,
    /// Empty, longer than 256 bytes, or with control characters.
    #[error("the issuer is empty, longer than 256 bytes, or has control characters")]
    IssuerInvalid,
    /// Not the number of a ticket.
    #[error("the ticket is none: 1 to 12 capital letters, a hyphen and 1 to 8 digits")]
    TicketInvalid,
}

impl LineFault {
    pub(super) const ALL: [Self; 10] = [
        Self::Malformed,
        Self::TooLong,
        Self::UnknownMember,
        Self::MissingMember,
        Self::UnknownAct,
        Self::UnknownKind,
        Self::TenantInvalid,
        Self::ValueInvalid,
        Self::IssuerInvalid,
        Self::TicketInvalid,
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
            Self::IssuerInvalid => "issuer-invalid",
            Self::TicketInvalid => "ticket-invalid",
        }
    }
}

/// Writes an order as a line.
pub(super) fn write_act(act: &Act) -> Vec<u8> {
    let mut members = Object::new();
    members.insert("act", word(act));
    match act {
        Act::Revoke(order) | Act::ProposeLift(order) | Act::ConfirmLift(order) => {
            members.insert("kind", order.kind.word());
            if let Some(tenant) = &order.tenant {
                members.insert("tenant", tenant.as_str());
            }
            members.insert("value", order.value.expose());
        }
        Act::Subject(order, _) | Act::ProposeErase(order) | Act::ConfirmErase(order) => {
            members.insert("kind", order.kind().word());
            members.insert("issuer", order.issuer().expose());
            members.insert("value", order.value().expose());
        }
        Act::List(after) => {
            // An epoch beyond what JSON can carry would take a revocation each microsecond for 285 years.
            if let Ok(after) = Number::try_from(after.get()) {
                members.insert("after", Value::Number(after));
            }
        }
        Act::Bundle => {}
    }
    if let Act::Subject(_, ticket) = act {
        members.insert("ticket", ticket.as_str());
    }
    let mut line = Vec::with_capacity(256);
    json::write(&Value::Object(members), &mut line);
    line.push(b'\n');
    line
}

const fn word(act: &Act) -> &'static str {
    match act {
        Act::Revoke(_) => REVOKE,
        Act::ProposeLift(_) => PROPOSE,
        Act::ConfirmLift(_) => CONFIRM,
        Act::Subject(..) => SUBJECT,
        Act::ProposeErase(_) => PROPOSE_ERASE,
        Act::ConfirmErase(_) => CONFIRM_ERASE,
        Act::List(_) => LIST,
        Act::Bundle => BUNDLE,
    }
}

/// Reads the order on a line.
///
/// # Errors
/// [`LineFault`].
pub(super) fn parse_act(line: &[u8]) -> Result<Act, LineFault> {
    let mut members = Members::read(line)?;
    let act = members.act.take().ok_or(LineFault::MissingMember)?;
    let order = match &*act {
        REVOKE => members.revocation().map(Act::Revoke),
        PROPOSE => members.revocation().map(Act::ProposeLift),
        CONFIRM => members.revocation().map(Act::ConfirmLift),
        SUBJECT => {
            // The person first: whoever forgets both is told of one.
            let person = members.person()?;
            let ticket = members.ticket.take().ok_or(LineFault::MissingMember)?;
            Ticket::new(&ticket).map(|ticket| Act::Subject(person, ticket)).map_err(|_| LineFault::TicketInvalid)
        }
        PROPOSE_ERASE => members.person().map(Act::ProposeErase),
        CONFIRM_ERASE => members.person().map(Act::ConfirmErase),
        LIST => Ok(Act::List(members.after.take().unwrap_or_default())),
        BUNDLE => Ok(Act::Bundle),
        _ => return Err(LineFault::UnknownAct),
    };
    // What an act has no use for may be what somebody relies on.
    if members.is_empty() { order } else { Err(LineFault::UnknownMember) }
}

/// What stands on a line, until an act takes it.
#[derive(Default)]
struct Members {
    act: Option<Box<str>>,
    kind: Option<Box<str>>,
    tenant: Option<Box<str>>,
    issuer: Option<Box<str>>,
    value: Option<Box<str>>,
    ticket: Option<Box<str>>,
    after: Option<Epoch>,
}

impl Members {
    fn read(line: &[u8]) -> Result<Self, LineFault> {
        let mut members = Self::default();
        let mut reader = Reader::new(line, JSON_LIMITS).map_err(|_| LineFault::Malformed)?;
        reader.begin_object().map_err(|_| LineFault::Malformed)?;
        while let Some(name) = reader.next_key().map_err(|_| LineFault::Malformed)? {
            let place = match &*name {
                "act" => &mut members.act,
                "kind" => &mut members.kind,
                "tenant" => &mut members.tenant,
                "issuer" => &mut members.issuer,
                "value" => &mut members.value,
                "ticket" => &mut members.ticket,
                "after" => {
                    let number = reader.number().map_err(|_| LineFault::Malformed)?.as_integer();
                    let epoch = number.and_then(|number| u64::try_from(number).ok()).ok_or(LineFault::Malformed)?;
                    members.after = Some(Epoch::new(epoch));
                    continue;
                }
                _ => return Err(LineFault::UnknownMember),
            };
            *place = Some(reader.string(LINE_MAX_BYTES).map_err(|_| LineFault::Malformed)?.into());
        }
        reader.finish().map_err(|_| LineFault::Malformed)?;
        Ok(members)
    }

    fn revocation(&mut self) -> Result<RevocationOrder, LineFault> {
        let (kind, tenant, value) = (self.kind.take(), self.tenant.take(), self.value.take());
        let (Some(kind), Some(value)) = (kind, value) else { return Err(LineFault::MissingMember) };
        let kind = RevocationKind::from_word(&kind).ok_or(LineFault::UnknownKind)?;
        let tenant = tenant.map(|text| Name::new(&text)).transpose().map_err(|_| LineFault::TenantInvalid)?;
        let order = RevocationOrder { kind, tenant, value: Stranger::new(value) };
        match order.clone().meant() {
            Ok(_) => Ok(order),
            Err(OrderFault::Value) => Err(LineFault::ValueInvalid),
            Err(OrderFault::Tenant) => Err(LineFault::TenantInvalid),
        }
    }

    fn person(&mut self) -> Result<PersonOrder, LineFault> {
        let (kind, issuer, value) = (self.kind.take(), self.issuer.take(), self.value.take());
        let (Some(kind), Some(issuer), Some(value)) = (kind, issuer, value) else {
            return Err(LineFault::MissingMember);
        };
        let kind = IdentifierKind::ALL.into_iter().find(|one| one.word() == &*kind).ok_or(LineFault::UnknownKind)?;
        PersonOrder::new(kind, Stranger::new(issuer), Stranger::new(value)).map_err(|fault| match fault {
            PersonFault::Kind => LineFault::UnknownKind,
            PersonFault::Issuer => LineFault::IssuerInvalid,
            PersonFault::Value => LineFault::ValueInvalid,
        })
    }

    const fn is_empty(&self) -> bool {
        let Self { act, kind, tenant, issuer, value, ticket, after } = self;
        act.is_none()
            && kind.is_none()
            && tenant.is_none()
            && issuer.is_none()
            && value.is_none()
            && ticket.is_none()
            && after.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> LineFault {
        parse_act(line.as_bytes()).unwrap_err()
    }

    fn order(kind: RevocationKind, tenant: Option<&str>, value: &str) -> RevocationOrder {
        RevocationOrder { kind, tenant: tenant.map(|name| Name::new(name).unwrap()), value: Stranger::new(value) }
    }

    #[test]
    fn the_bundle_is_asked_for_by_its_word_alone() {
        assert_eq!(parse_act(&write_act(&Act::Bundle)).unwrap(), Act::Bundle);
        for more in [r#""after":7"#, r#""kind":"device""#, r#""tenant":"north""#, r#""value":"x""#] {
            assert_eq!(fault(&format!("{{\"act\":\"bundle\",{more}}}")), LineFault::UnknownMember, "{more}");
        }
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        for kind in RevocationKind::ALL {
            let value = match kind {
                RevocationKind::Certificate => "0f".repeat(32),
                RevocationKind::Operation => "smarthome/openDoor".into(),
                RevocationKind::Partner | RevocationKind::Tenant => "north".into(),
                _ => "дом \"7\"\\".into(),
            };
            for act in [Act::Revoke, Act::ProposeLift, Act::ConfirmLift] {
                let act = act(order(kind, None, &value));
                assert_eq!(parse_act(&write_act(&act)), Ok(act));
            }
        }
        for after in [0, 7] {
            let act = Act::List(Epoch::new(after));
            assert_eq!(parse_act(&write_act(&act)), Ok(act));
        }
        assert_eq!(
            write_act(&Act::Revoke(order(RevocationKind::Device, Some("north"), "d-1"))),
            b"{\"act\":\"revoke\",\"kind\":\"device\",\"tenant\":\"north\",\"value\":\"d-1\"}\n"
        );
        assert_eq!(write_act(&Act::List(Epoch::new(7))), b"{\"act\":\"list\",\"after\":7}\n");
        assert_eq!(parse_act(b"{\"act\":\"list\"}"), Ok(Act::List(Epoch::new(0))));
    }

    #[test]
    fn an_order_about_a_person_is_read_as_it_was_written() {
        for kind in [IdentifierKind::User, IdentifierKind::Device, IdentifierKind::Car] {
            let person = || {
                let (issuer, value) = (Stranger::new("https://issuer.example"), Stranger::new("дом \"7\"\\"));
                PersonOrder::new(kind, issuer, value).unwrap()
            };
            let subject = Act::Subject(person(), Ticket::new("SEC-4711").unwrap());
            for act in [subject, Act::ProposeErase(person()), Act::ConfirmErase(person())] {
                assert_eq!(parse_act(&write_act(&act)), Ok(act));
            }
        }
        let whole = r#"{"act":"subject","kind":"car","issuer":"i","value":"v","ticket":"SEC-1"}"#;
        assert!(parse_act(whole.as_bytes()).is_ok());
        for (from, to, expected) in [
            (r#""car""#, r#""house""#, LineFault::UnknownKind),
            (r#""car""#, r#""subject""#, LineFault::UnknownKind),
            (r#""i""#, r#""""#, LineFault::IssuerInvalid),
            (r#""v""#, r#""a\nb""#, LineFault::ValueInvalid),
            ("SEC-1", "because Ivanov", LineFault::TicketInvalid),
            (r#","ticket":"SEC-1""#, "", LineFault::MissingMember),
            (r#","issuer":"i""#, "", LineFault::MissingMember),
            (r#","issuer":"i""#, r#","issuer":"i","tenant":"north""#, LineFault::UnknownMember),
            (r#""subject""#, r#""propose-erase""#, LineFault::UnknownMember),
            (r#""subject""#, r#""revoke""#, LineFault::UnknownMember),
        ] {
            assert_eq!(fault(&whole.replace(from, to)), expected, "{to}");
        }
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
            r#"{"act":"list","after":-1}"#,
            r#"{"act":"list","after":1.5}"#,
            r#"{"act":"list","after":"7"}"#,
        ] {
            assert_eq!(fault(line), LineFault::Malformed, "{line}");
        }
        for line in [
            r#"{"act":"revoke","kind":"device","value":"d","why":"x"}"#,
            r#"{"act":"revoke","kind":"device","value":"d","after":7}"#,
            r#"{"act":"list","kind":"device"}"#,
            r#"{"act":"list","value":"d"}"#,
        ] {
            assert_eq!(fault(line), LineFault::UnknownMember, "{line}");
        }
        assert_eq!(fault(r#"{"act":"revoke","kind":"device"}"#), LineFault::MissingMember);
        assert_eq!(fault(r#"{"kind":"device","value":"d"}"#), LineFault::MissingMember);
        assert_eq!(fault(r#"{"act":"permit","kind":"device","value":"d"}"#), LineFault::UnknownAct);
        assert_eq!(fault(r#"{"act":"lift","kind":"device","value":"d"}"#), LineFault::UnknownAct);
        assert_eq!(fault(r#"{"act":"revoke","kind":"Device","value":"d"}"#), LineFault::UnknownKind);
        assert_eq!(fault(r#"{"act":"revoke","kind":"device","tenant":"a b","value":"d"}"#), LineFault::TenantInvalid);
        let tenants = r#"{"act":"revoke","kind":"tenant","tenant":"north","value":"north"}"#;
        assert_eq!(fault(tenants), LineFault::TenantInvalid);
        assert_eq!(fault(r#"{"act":"revoke","kind":"device","value":"a\nb"}"#), LineFault::ValueInvalid);
        assert_eq!(fault(r#"{"act":"revoke","kind":"device","value":""}"#), LineFault::ValueInvalid);
        assert_eq!(fault(r#"{"act":"revoke","kind":"certificate","value":"0F"}"#), LineFault::ValueInvalid);
    }

    #[test]
    fn a_value_of_256_bytes_is_taken_and_one_more_is_not() {
        let line = |bytes| format!(r#"{{"act":"revoke","kind":"device","value":"{}"}}"#, "d".repeat(bytes));
        assert!(parse_act(line(256).as_bytes()).is_ok());
        assert_eq!(fault(&line(257)), LineFault::ValueInvalid);
    }
}
