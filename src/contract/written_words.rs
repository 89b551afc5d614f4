//! Reading `x-portcullis`, the one extension key: of the document, of an operation, of a leaf.

use crate::contract::operation::Actuates;
use crate::contract::written::At;
use crate::contract::written::ContractWords;
use crate::contract::written::EventWords;
use crate::contract::written::FieldWords;
use crate::contract::written::OperationWords;
use crate::contract::written::Protect;
use crate::contract::written::RecordWords;
use crate::diagnostic::Place;
use crate::limits;
use crate::model::Authentication;
use crate::model::DataClass;
use crate::model::Direction;
use crate::model::IdentifierKind;
use crate::model::Name;
use crate::model::Protection;
use crate::model::RightKind;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Reader;

/// The largest `max_age`, in seconds: a command that may be older is no command but a schedule.
const MAX_AGE_S: u64 = 3_600;

/// The longest scope, in bytes.
const MAX_SCOPE_BYTES: usize = 64;
/// The largest `max_auth_age`, in seconds: who signed in yesterday is not asked again by one that is longer.
const MAX_AUTH_AGE_S: u64 = 86_400;
/// The most values that `acr` or `amr` lists: those of `acr` stand in one field of an answer.
const AUTHENTICATION_VALUES_MAX: usize = 8;
/// The longest of these values, in bytes.
const AUTHENTICATION_VALUE_MAX_BYTES: usize = 128;

/// The words of `direction`.
const DIRECTIONS: [(&str, Direction); 2] = [("outbound", Direction::Outbound), ("inbound", Direction::Inbound)];

/// Of the document.
pub(super) fn contract<'a>(reader: &'a Reader, node: &'a Node) -> Option<ContractWords<'a>> {
    let fields = reader.fields(node)?;
    let partner = fields.required("partner").and_then(|node| name(reader, node));
    let recipient = fields.required("recipient").and_then(|node| filled(reader, node));
    let country = fields.required("country").and_then(|node| {
        let text = reader.text(node)?;
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        checked(reader, node, text, fits, "two capital letters (ISO 3166-1), for instance `RU`")
    });
    let retention = fields.required("retention").and_then(|node| {
        let text = reader.text(node)?;
        checked(reader, node, text, is_period(text), "a period (ISO 8601), for instance `P30D`")
    });
    fields.finish();
    Some(ContractWords { partner: partner?, recipient: recipient?, country: country?, retention: retention? })
}

/// Of an operation.
pub(super) fn operation<'a>(reader: &'a Reader, node: &'a Node) -> Option<OperationWords<'a>> {
    let fields = reader.fields(node)?;
    let required_name = |key| fields.required(key).and_then(|node| name(reader, node));
    let action = required_name("action");
    let resource = fields.required("resource").and_then(|node| resource(reader, node));
    let right = optional(&fields, "right", &|node| right(reader, node));
    let direction = fields.required("direction").and_then(|node| word(reader, node, &DIRECTIONS));
    let actuates = optional(&fields, "actuates", &|node| word(reader, node, &Actuates::ALL));
    let egress = optional(&fields, "life_safety", &|node| word(reader, node, &[("egress", ())]));
    let local_override =
        optional(&fields, "local_override", &|node| Some(At { place: node.place, value: reader.boolean(node)? }));
    let max_age_s = optional(&fields, "max_age", &|node| seconds(reader, node));
    let levels = optional(&fields, "acr", &|node| values(reader, node));
    let means = optional(&fields, "amr", &|node| values(reader, node));
    let max_auth_age_s = optional(&fields, "max_auth_age", &|node| authentication_age(reader, node));
    let idempotency =
        optional(&fields, "idempotency", &|node| Some(At { place: node.place, value: reader.text(node)? }));
    let scope = optional(&fields, "scope", &|node| scope(reader, node));
    let records = optional(&fields, "records", &|node| records(reader, node));
    let body_max_bytes = optional(&fields, "limits", &|node| limits(reader, node));
    let purpose = required_name("purpose");
    let legal_basis = required_name("legal_basis");
    fields.finish();
    let (kind, id) = resource?;
    Some(OperationWords {
        action: action?,
        kind,
        id,
        right: right?,
        direction: direction?,
        actuates: actuates?,
        egress: egress?.map(|at| at.place),
        local_override: local_override?,
        max_age_s: max_age_s?,
        authentication: Authentication {
            levels: levels?.unwrap_or_default(),
            means: means?.unwrap_or_default(),
            max_age_s: max_auth_age_s?,
        },
        idempotency: idempotency?,
        scope: scope?,
        records: records?,
        body_max_bytes: body_max_bytes?,
        purpose: purpose?,
        legal_basis: legal_basis?,
    })
}

/// Of a webhook.
pub(super) fn event<'a>(reader: &'a Reader, node: &'a Node) -> Option<EventWords<'a>> {
    let fields = reader.fields(node)?;
    let required_name = |key| fields.required(key).and_then(|node| name(reader, node));
    let action = required_name("action");
    let resource = fields.required("resource").and_then(|node| resource(reader, node));
    let direction = fields.required("direction").and_then(|node| word(reader, node, &DIRECTIONS));
    let narrows = optional(&fields, "narrows", &|node| Some(At { place: node.place, value: reader.boolean(node)? }));
    let purpose = required_name("purpose");
    let legal_basis = required_name("legal_basis");
    fields.finish();
    let (kind, id) = resource?;
    Some(EventWords {
        action: action?,
        kind,
        id,
        direction: direction?,
        narrows: narrows?,
        purpose: purpose?,
        legal_basis: legal_basis?,
    })
}

/// Of a leaf.
pub(super) fn field<'a>(reader: &'a Reader, node: &'a Node) -> Option<FieldWords<'a>> {
    let fields = reader.fields(node)?;
    let classes = DataClass::ALL.map(|class| (class.word(), class));
    let class = match fields.optional("class") {
        Some(node) => reader.word(node, &classes),
        None => {
            missing_class(reader, node.place);
            None
        }
    };
    let kinds = IdentifierKind::ALL.map(|kind| (kind.word(), kind));
    let of = optional(&fields, "of", &|node| word(reader, node, &kinds));
    let claim = optional(&fields, "claim", &|node| Some(At { place: node.place, value: reader.text(node)? }));
    let mut protections = Protection::ALL.map(|protection| (protection.word(), Protect::Known(protection))).to_vec();
    protections.push(("encrypt", Protect::Encrypt));
    let protect = optional(&fields, "protect", &|node| word(reader, node, &protections));
    fields.finish();
    Some(FieldWords { place: node.place, class: class?, of: of?, claim: claim?, protect: protect? })
}

/// Reports that a leaf has no class.
pub(super) fn missing_class(reader: &Reader, place: Place) {
    let fault = reader.source().fault("missing-class", place, "this value has no `class`");
    let words = DataClass::ALL.map(DataClass::word).join(", ");
    reader.report(fault.help(format!("add `x-portcullis: {{class: …}}`, one of {words}")));
}

/// A name, or a fault.
pub(super) fn name(reader: &Reader, node: &Node) -> Option<Name> {
    let text = reader.text(node)?;
    match Name::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            reader.fault("invalid-name", node.place, format!("`{text}` is no name: {error}"));
            None
        }
    }
}

/// What an optional key says: the outer `None` is a fault, the inner one an absent key.
fn optional<'a, T>(fields: &Fields<'a>, key: &'static str, read: &dyn Fn(&'a Node) -> Option<T>) -> Option<Option<T>> {
    match fields.optional(key) {
        None => Some(None),
        Some(node) => read(node).map(Some),
    }
}

fn word<T: Copy>(reader: &Reader, node: &Node, words: &[(&str, T)]) -> Option<At<T>> {
    Some(At { place: node.place, value: reader.word(node, words)? })
}

fn resource<'a>(reader: &'a Reader, node: &'a Node) -> Option<(Name, Vec<At<&'a str>>)> {
    let fields = reader.fields(node)?;
    let kind = fields.required("type").and_then(|node| name(reader, node));
    let id = fields.required("id").and_then(|node| {
        let names: Option<Vec<_>> =
            reader.list(node)?.iter().map(|item| Some(At { place: item.place, value: reader.text(item)? })).collect();
        if names.as_ref().is_some_and(Vec::is_empty) {
            reader.fault("resource-id", node.place, "the resource's id has no parts");
            return None;
        }
        names
    });
    fields.finish();
    Some((kind?, id?))
}

fn right(reader: &Reader, node: &Node) -> Option<(RightKind, Name)> {
    let fields = reader.fields(node)?;
    let kinds = RightKind::ALL.map(|kind| (kind.word(), kind));
    let kind = fields.required("type").and_then(|node| reader.word(node, &kinds));
    let action = fields.required("action").and_then(|node| name(reader, node));
    fields.finish();
    Some((kind?, action?))
}

/// One scope (RFC 6749 §3.3): what a partner asks a token for.
fn scope<'a>(reader: &'a Reader, node: &'a Node) -> Option<At<&'a str>> {
    let text = reader.text(node)?;
    let fits = (1..=MAX_SCOPE_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    let text =
        checked(reader, node, text, fits, "a scope: 1 to 64 characters without spaces, for instance `grants.read`")?;
    Some(At { place: node.place, value: text })
}

fn records<'a>(reader: &'a Reader, node: &'a Node) -> Option<RecordWords<'a>> {
    let fields = reader.fields(node)?;
    let text = |key| fields.required(key).and_then(|node| Some(At { place: node.place, value: reader.text(node)? }));
    let (array, house) = (text("array"), text("house"));
    fields.finish();
    Some(RecordWords { array: array?, house: house? })
}

/// The limits of one operation; the only one is that of its body.
fn limits(reader: &Reader, node: &Node) -> Option<At<u64>> {
    let fields = reader.fields(node)?;
    let size = fields.required("body_max_bytes").and_then(|node| size(reader, node));
    fields.finish();
    size
}

/// `100KiB` or `8MiB`, at least 1 KiB, at most what `gateway.yaml` could set.
fn size(reader: &Reader, node: &Node) -> Option<At<u64>> {
    let text = reader.text(node)?;
    let number = |digits: &str, factor: u64| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u64>().ok()?.checked_mul(factor)).flatten()
    };
    let bytes = match (text.strip_suffix("KiB"), text.strip_suffix("MiB")) {
        (Some(digits), _) => number(digits, 1 << 10),
        (None, Some(digits)) => number(digits, 1 << 20),
        (None, None) => None,
    };
    let most = limits::TABLE.iter().find(|row| row.name == "body_max_bytes").map_or(0, |row| row.high);
    let bytes = bytes.filter(|bytes| (1 << 10..=most).contains(bytes));
    if bytes.is_none() {
        reader.fault("size", node.place, format!("`{text}` is no size of 1KiB to 8MiB, for instance `256KiB`"));
    }
    bytes.map(|value| At { place: node.place, value })
}

/// `acr` or `amr`: a few values, each once, which can stand between quotes and spaces in a field of an answer (RFC 9470 §3).
fn values(reader: &Reader, node: &Node) -> Option<Vec<Box<str>>> {
    let items = reader.list(node)?;
    let fits = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        !text.is_empty() && text.len() <= AUTHENTICATION_VALUE_MAX_BYTES && text.bytes().all(plain)
    };
    if !(1..=AUTHENTICATION_VALUES_MAX).contains(&items.len()) {
        reader.fault(
            "invalid-value",
            node.place,
            format!("a list of 1 to {AUTHENTICATION_VALUES_MAX} values is wanted"),
        );
        return None;
    }
    let mut values: Vec<Box<str>> = Vec::new();
    for item in items {
        let text = reader.text(item)?;
        let text = checked(reader, item, text, fits(text), "a value of 1 to 128 visible characters without quotes")?;
        values.push(checked(reader, item, text, values.iter().all(|known| **known != *text), "named once")?.into());
    }
    Some(values)
}

/// `300s`, `5m` or `12h`, at least a second, at most [`MAX_AUTH_AGE_S`].
fn authentication_age(reader: &Reader, node: &Node) -> Option<u64> {
    let text = reader.text(node)?;
    let each =
        [("s", 1), ("m", 60), ("h", 3_600)].into_iter().find_map(|(unit, each)| Some((text.strip_suffix(unit)?, each)));
    let plain = |digits: &&str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = each
        .filter(|(digits, _)| plain(digits))
        .and_then(|(digits, each)| digits.parse::<u64>().ok()?.checked_mul(each));
    let seconds = seconds.filter(|seconds| (1..=MAX_AUTH_AGE_S).contains(seconds));
    if seconds.is_none() {
        reader.fault("duration", node.place, format!("`{text}` is no time of 1s to 24h, for instance `5m`"));
    }
    seconds
}

/// `10s` or `2m`, at least a second, at most [`MAX_AGE_S`].
fn seconds(reader: &Reader, node: &Node) -> Option<u64> {
    let text = reader.text(node)?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let seconds = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(digits), _) => number(digits),
        (None, Some(digits)) => number(digits).and_then(|minutes| minutes.checked_mul(60)),
        (None, None) => None,
    };
    let seconds = seconds.filter(|seconds| (1..=MAX_AGE_S).contains(seconds));
    if seconds.is_none() {
        reader.fault("duration", node.place, format!("`{text}` is no time of 1s to 60m, for instance `10s`"));
    }
    seconds
}

fn filled<'a>(reader: &Reader, node: &'a Node) -> Option<&'a str> {
    let text = reader.text(node)?;
    checked(reader, node, text, !text.trim().is_empty(), "a text that is not empty")
}

fn checked<'a>(reader: &Reader, node: &Node, text: &'a str, fits: bool, wanted: &str) -> Option<&'a str> {
    if !fits {
        reader.fault("invalid-value", node.place, format!("`{text}` is not {wanted}"));
    }
    fits.then_some(text)
}

/// `P`, then numbers each with `Y`, `M`, `W` or `D`.
fn is_period(text: &str) -> bool {
    let Some(inside) = text.strip_prefix('P') else { return false };
    let parts = inside.split_inclusive(['Y', 'M', 'W', 'D']);
    let part_fits = |part: &str| {
        let digits = part.strip_suffix(['Y', 'M', 'W', 'D']);
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    !inside.is_empty() && inside.len() < 24 && parts.into_iter().all(part_fits)
}
