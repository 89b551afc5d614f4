//! The list of personal data that a bundle lets cross, and its digest: what the personal-data officer signs.
//!
//! One line for each leaf that a contract declares, each a JSON array of eleven texts, sorted as bytes and ended by a line
//! feed: partner, operation, field, class, protection, purpose, legal basis, recipient, country, retention, and which way it
//! goes. An operation or event without any leaf has a line with an empty field, so that whom data could go to is always
//! seen. Everything but printable ASCII is escaped (`\uXXXX`), so that the text is the same on every terminal and in every
//! pipe: `portcullis verify --data BUNDLE | sha256sum` prints the digest.
//!
//! Nothing else of a contract or a policy is in it, so most changes of policies do not need the officer.

use crate::bundle::Bundle;
use crate::contract::Contract;
use crate::contract::Field;
use crate::crypto::sha256;
use crate::model::Direction;
use crate::model::Part;
use crate::model::Sha256;
use std::collections::BTreeSet;
use std::fmt::Write;

/// What of an operation or event stands in each of its lines.
struct Flow<'a> {
    contract: &'a Contract,
    operation: &'a str,
    direction: Direction,
    purpose: &'a str,
    basis: &'a str,
}

/// The list, as it is digested.
#[must_use]
pub fn data_list(bundle: &Bundle) -> String {
    let mut lines = BTreeSet::new();
    for contract in bundle.contracts() {
        for operation in contract.operations() {
            let flow = Flow {
                contract,
                operation: operation.id.as_str(),
                direction: operation.direction,
                purpose: operation.purpose.as_str(),
                basis: operation.legal_basis.as_str(),
            };
            flow.lines(&operation.fields, &mut lines);
        }
        for event in contract.events() {
            let flow = Flow {
                contract,
                operation: event.name.as_str(),
                direction: event.direction,
                purpose: event.purpose.as_str(),
                basis: event.legal_basis.as_str(),
            };
            flow.lines(&event.fields, &mut lines);
        }
    }
    lines.into_iter().collect()
}

/// SHA-256 over [`data_list`].
#[must_use]
pub fn data_digest(bundle: &Bundle) -> Sha256 {
    sha256(data_list(bundle).as_bytes())
}

impl Flow<'_> {
    fn lines(&self, fields: &[Field], lines: &mut BTreeSet<String>) {
        if fields.is_empty() {
            lines.insert(self.line("", "", ""));
        }
        for field in fields {
            let class = match field.rule.of {
                Some(kind) => format!("{} of {}", field.rule.class.word(), kind.word()),
                None => field.rule.class.word().to_owned(),
            };
            lines.insert(self.line(&place_of(field), &class, field.rule.protection.word()));
        }
    }

    fn line(&self, field: &str, class: &str, protection: &str) -> String {
        let contract = self.contract;
        let texts = [
            contract.partner().as_str(),
            self.operation,
            field,
            class,
            protection,
            self.purpose,
            self.basis,
            contract.recipient(),
            contract.country(),
            contract.retention(),
            self.direction.word(),
        ];
        let written: Vec<String> = texts.into_iter().map(written).collect();
        format!("[{}]\n", written.join(","))
    }
}

/// `path houseId`, `body /reason`, `answer 200 body /items/*/id`.
fn place_of(field: &Field) -> String {
    let part = match field.part {
        Part::Path => "path",
        Part::Query => "query",
        Part::Header => "header",
        Part::Body => "body",
    };
    match field.status {
        Some(status) => format!("answer {status} {part} {}", field.pointer),
        None => format!("{part} {}", field.pointer),
    }
}

/// A JSON string (RFC 8259 §7) of printable ASCII.
fn written(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing into a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_printable_ascii_is_escaped_as_json_has_it() {
        let text = "ООО \"Дом\"\\\u{202e}\n\u{1f6aa}";
        let escaped = written(text);
        assert!(escaped.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text, "another library reads the same");
    }
}
