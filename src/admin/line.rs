//! What is ordered over the admin socket: one line of JSON, read in a closed world. `answer.rs` says what comes back.
//!
//! ```text
//! {"act":"revoke","kind":"device","tenant":"north","value":"…"}
//! {"act":"propose-lift","kind":"device","tenant":"north","value":"…"}
//! {"act":"confirm-lift","kind":"device","tenant":"north","value":"…"}
//! {"act":"list","after":7}
//! {"act":"bundle"}
//! ```
//!
//! `kind` is a kind of revocation; `tenant` may be left out, as may `after`, an epoch. Nothing here does IO.

use crate::json;
use crate::json::Limits;
use crate::json::Number;
use crate::json::Object;
use crate::json::Reader;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Name;
use crate::model::Stranger;
use crate::pipeline::Act;
use crate::pipeline::OrderFault;
use crate::pipeline::RevocationKind;
use crate::pipeline::RevocationOrder;

/// Bytes of one line, its end included.
pub(super) const LINE_MAX_BYTES: usize = 4 * 1024;
/// Larger than a line can be in each respect but depth: lines are flat.
const JSON_LIMITS: Limits = Limits { max_depth: 1, max_members: 8, max_elements: 0, max_string_bytes: LINE_MAX_BYTES };

const REVOKE: &str = "revoke";
const PROPOSE: &str = "propose-lift";
const CONFIRM: &str = "confirm-lift";
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
    /// `act`, `kind` or `value` is not there.
    #[error("the request lacks `act`, `kind` or `value`")]
    MissingMember,
    /// An act that there is not.
    #[error("the act is not known")]
    UnknownAct,
    /// Not a kind that can be revoked.
    #[error("the kind is none that can be revoked")]
    UnknownKind,
    /// Not a name, or of a kind that holds everywhere.
    #[error("the tenant is not a name, or this kind takes none")]
    TenantInvalid,
    /// Empty, longer than 256 bytes, with control characters, or not of the form that the kind demands.
    #[error("the value is empty, longer than 256 bytes, has control characters, or is not what the kind demands")]
    ValueInvalid,
}

impl LineFault {
    pub(super) const ALL: [Self; 8] = [
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

/// Writes an order as a line.
pub(super) fn write_act(act: &Act) -> Vec<u8> {
    let mut members = Object::new();
    let (word, order) = match act {
        Act::Revoke(order) => (REVOKE, Some(order)),
        Act::ProposeLift(order) => (PROPOSE, Some(order)),
        Act::ConfirmLift(order) => (CONFIRM, Some(order)),
        Act::List(_) => (LIST, None),
        Act::Bundle => (BUNDLE, None),
    };
    members.insert("act", word);
    if let Some(order) = order {
        members.insert("kind", order.kind.word());
        if let Some(tenant) = &order.tenant {
            members.insert("tenant", tenant.as_str());
        }
        members.insert("value", order.value.expose());
    }
    // An epoch beyond what JSON can carry would take a revocation each microsecond for 285 years.
    if let Act::List(after) = act
        && let Ok(after) = Number::try_from(after.get())
    {
        members.insert("after", Value::Number(after));
    }
    let mut line = Vec::with_capacity(256);
    json::write(&Value::Object(members), &mut line);
    line.push(b'\n');
    line
}

/// Reads the order on a line.
///
/// # Errors
/// [`LineFault`].
pub(super) fn parse_act(line: &[u8]) -> Result<Act, LineFault> {
    let (mut act, mut kind, mut tenant, mut value, mut after) = (None, None, None, None, None);
    let mut reader = Reader::new(line, JSON_LIMITS).map_err(|_| LineFault::Malformed)?;
    reader.begin_object().map_err(|_| LineFault::Malformed)?;
    while let Some(name) = reader.next_key().map_err(|_| LineFault::Malformed)? {
        let place = match &*name {
            "act" => &mut act,
            "kind" => &mut kind,
            "tenant" => &mut tenant,
            "value" => &mut value,
            "after" => {
                let number = reader.number().map_err(|_| LineFault::Malformed)?.as_integer();
                let epoch = number.and_then(|number| u64::try_from(number).ok()).ok_or(LineFault::Malformed)?;
                after = Some(Epoch::new(epoch));
                continue;
            }
            _ => return Err(LineFault::UnknownMember),
        };
        *place = Some(reader.string(LINE_MAX_BYTES).map_err(|_| LineFault::Malformed)?);
    }
    reader.finish().map_err(|_| LineFault::Malformed)?;
    let names_nothing = kind.is_none() && tenant.is_none() && value.is_none();
    let made: fn(RevocationOrder) -> Act = match act.as_deref() {
        Some(REVOKE) => Act::Revoke,
        Some(PROPOSE) => Act::ProposeLift,
        Some(CONFIRM) => Act::ConfirmLift,
        Some(LIST | BUNDLE) if !names_nothing => return Err(LineFault::UnknownMember),
        Some(BUNDLE) if after.is_some() => return Err(LineFault::UnknownMember),
        Some(BUNDLE) => return Ok(Act::Bundle),
        Some(LIST) => return Ok(Act::List(after.unwrap_or_default())),
        Some(_) => return Err(LineFault::UnknownAct),
        None => return Err(LineFault::MissingMember),
    };
    if after.is_some() {
        return Err(LineFault::UnknownMember);
    }
    let (Some(kind), Some(value)) = (kind, value) else { return Err(LineFault::MissingMember) };
    let kind = RevocationKind::from_word(&kind).ok_or(LineFault::UnknownKind)?;
    let tenant = tenant.map(|text| Name::new(&text)).transpose().map_err(|_| LineFault::TenantInvalid)?;
    let order = RevocationOrder { kind, tenant, value: Stranger::new(&*value) };
    match order.clone().meant() {
        Ok(_) => Ok(made(order)),
        Err(OrderFault::Value) => Err(LineFault::ValueInvalid),
        Err(OrderFault::Tenant) => Err(LineFault::TenantInvalid),
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
