//! Values and clauses as an explanation shows them: things by their names, persons never.
//!
//! A person stands there as `(the caller)`, a value of theirs as `(the caller's user)`, or, out of a record, as the handle that
//! the record holds. Where a policy's own text names a person, or is compared with a value of one, its words are left out.

use crate::model::IdentifierKind;
use crate::model::Recordable;
use crate::policy::Fact;
use crate::policy::Uid;

/// How many elements of a set are shown.
const ELEMENTS_SHOWN: usize = 4;

/// The longest text of one value that is shown, in characters.
const TEXT_SHOWN_CHARS: usize = 80;

/// What stands in place of a policy's words about a person.
const VEILED: &str = "\u{2026}";

/// A value, as far as it may be shown.
pub(super) fn shown(fact: &Fact, recordable: Recordable) -> String {
    match recordable {
        Recordable::Value => value(fact),
        Recordable::Handle(kind) => of_person(kind).to_owned(),
        Recordable::Nothing => "(withheld)".to_owned(),
    }
}

/// What stands in place of a person's identifier.
pub(super) const fn of_person(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::User => "(the caller's user)",
        IdentifierKind::Device => "(the caller's device)",
        IdentifierKind::Car => "(the caller's car)",
        IdentifierKind::House
        | IdentifierKind::Door
        | IdentifierKind::Barrier
        | IdentifierKind::Tenant
        | IdentifierKind::Request => "(withheld)",
    }
}

/// A value that speaks of no person.
pub(super) fn value(fact: &Fact) -> String {
    match fact {
        Fact::Bool(truth) => truth.to_string(),
        Fact::Long(number) => number.to_string(),
        Fact::Text(text) => format!("\"{}\"", cut(text)),
        Fact::Entity(uid) => entity(uid),
        Fact::Set(elements) => {
            let shown: Vec<String> = elements.iter().take(ELEMENTS_SHOWN).map(value).collect();
            let more = elements.len().saturating_sub(ELEMENTS_SHOWN);
            let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
            format!("[{}{tail}]", shown.join(", "))
        }
    }
}

/// An entity: a thing as `Door house-1/door-1 of north`, anything else as policies write it, a person not at all.
pub fn entity(uid: &Uid) -> String {
    let kind = uid.kind.rsplit("::").next().unwrap_or(&uid.kind);
    match (kind, netstrings(&uid.id).as_deref()) {
        ("User", _) => "(the caller)".to_owned(),
        (_, Some([_, tenant, parts @ ..])) if !parts.is_empty() => {
            format!("{kind} {} of {}", cut(&parts.join("/")), cut(tenant))
        }
        _ => format!("{kind}::\"{}\"", cut(&uid.id)),
    }
}

/// The texts that were joined length-safe, if the whole of it is that.
fn netstrings(joined: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = joined;
    while !rest.is_empty() {
        let (length, behind) = rest.split_once(':')?;
        let length: usize = length.parse().ok()?;
        let part = behind.get(..length)?;
        rest = behind.get(length..)?.strip_prefix(',')?;
        parts.push(part);
    }
    Some(parts)
}

/// A clause's text without the namespace of its types, and without what it says of a person: the ids of users, and all its
/// texts where it reads a person's value.
pub fn clause(text: &str, namespace: &str, reads_person: bool) -> String {
    let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}::") };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let (before, quoted) = rest.split_at(at);
        let before = if prefix.is_empty() { before.to_owned() } else { before.replace(&prefix, "") };
        let end = literal_end(quoted);
        let (literal, behind) = quoted.split_at(end);
        let hidden = reads_person || before.ends_with("User::");
        out.push_str(&before);
        match hidden {
            true => out.push_str(&format!("\"{VEILED}\"")),
            false => out.push_str(literal),
        }
        rest = behind;
    }
    out.push_str(&if prefix.is_empty() { rest.to_owned() } else { rest.replace(&prefix, "") });
    out
}

/// Where a literal that begins `quoted` ends, its quotes included.
fn literal_end(quoted: &str) -> usize {
    let mut escaped = false;
    for (at, c) in quoted.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    quoted.len()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_SHOWN_CHARS) {
        Some((at, _)) => format!("{}\u{2026}", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(kind: &str, id: &str) -> Uid {
        Uid { kind: format!("PropDevelopment::{kind}"), id: id.into() }
    }

    #[test]
    fn things_are_shown_by_their_names_and_persons_not_at_all() {
        for (kind, id, expected) in [
            ("Door", "9:smarthome,5:north,7:house-1,6:door-1,", "Door house-1/door-1 of north"),
            ("House", "9:smarthome,5:north,7:house-1,", "House house-1 of north"),
            ("Role", "resident", "Role::\"resident\""),
            ("Backend", "spiffe://prop.example/backend", "Backend::\"spiffe://prop.example/backend\""),
            ("User", "1:i,5:north,6:user-1,", "(the caller)"),
            ("Door", "9:smarthome,99:x,", "Door::\"9:smarthome,99:x,\""),
        ] {
            assert_eq!(entity(&uid(kind, id)), expected);
        }
        let set = Fact::Set((0..6).map(Fact::Long).collect());
        assert_eq!(value(&set), "[0, 1, 2, 3, and 2 more]");
        assert_eq!(
            shown(&Fact::Text("user-1".into()), Recordable::Handle(IdentifierKind::User)),
            "(the caller's user)"
        );
        assert_eq!(shown(&Fact::Text("x".into()), Recordable::Nothing), "(withheld)");
        assert_eq!(value(&Fact::Text("x".repeat(81))), format!("\"{}\u{2026}\"", "x".repeat(80)));
    }

    #[test]
    fn a_clause_is_shown_without_its_namespace_and_without_what_it_says_of_a_person() {
        let shown = |text, person| clause(text, "PropDevelopment", person);
        let text =
            r#"principal == PropDevelopment::User::"a\"b, PropDevelopment::c" && context.x == "PropDevelopment::y""#;
        assert_eq!(shown(text, false), "principal == User::\"\u{2026}\" && context.x == \"PropDevelopment::y\"");
        assert_eq!(shown(r#"context.device == "phone-1""#, true), "context.device == \"\u{2026}\"");
        assert_eq!(
            shown(r#"context.device == "phone"#, true),
            "context.device == \"\u{2026}\"",
            "even where it does not end"
        );
        assert_eq!(clause("resource in context.grantedHouses", "", false), "resource in context.grantedHouses");
    }
}
