//! Contracts: whatever became of the text, one that loads has a class for every leaf and keeps the rules of the classes.

use super::tree::items;
use super::tree::member;
use super::tree::members;
use super::tree::text;
use super::tree::tree;
use portcullis::contract::Contract;
use portcullis::contract::Operation;
use portcullis::diagnostic::Source;
use portcullis::model::DataClass;
use portcullis::model::IdentifierKind;
use portcullis::model::Part;
use portcullis::model::Protection;
use portcullis::yaml::Node;

pub const WORDS: &[&str] = &[
    "x-portcullis: {class: public}",
    "x-portcullis: {class: secret, protect: keep}",
    "x-portcullis: {class: biometric, protect: keep}",
    "class: personal",
    "class: identifier",
    "protect: keep",
    "protect: drop",
    "protect: pseudonymize",
    "claim: sub, ",
    "of: user, ",
    "type: string",
    "type: [string, \"null\"]",
    "type: object",
    "type: integer",
    "type: array",
    "additionalProperties: true",
    "$ref: \"#/components/schemas/HouseId\"",
    "required: true",
    "in: query",
    "maxLength: 40",
    "pattern: \".*\"",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "*",
    "&a ",
];

/// How far references are followed; a contract with a circle of them does not load.
const MAX_DEPTH: u32 = 64;

pub fn contract(data: &[u8]) -> bool {
    let Ok(written) = std::str::from_utf8(data) else { return false };
    let Ok(contract) = Contract::compile(&Source::new("partner.openapi.yaml", written)) else { return false };
    let root = tree(written);
    let leaves = leaves(&root, member(&root, "paths").expect("paths"), 0);
    let compiled: usize = contract.operations().iter().map(|operation| operation.fields.len()).sum();
    assert!(compiled <= leaves, "{compiled} leaves of {leaves} that were written");
    for operation in contract.operations() {
        rules_of(operation);
    }
    true
}

/// How many leaves stand below `node`, each of which must name its class.
fn leaves(root: &Node, node: &Node, depth: u32) -> usize {
    assert!(depth < MAX_DEPTH, "references in a circle");
    if let Some(target) = member(node, "$ref").and_then(text) {
        let parts = target.strip_prefix("#/").expect("a reference within the file").split('/');
        let found = parts.fold(root, |node, name| member(node, name).expect("a reference to what is there"));
        return leaves(root, found, depth + 1);
    }
    let kinds = member(node, "type").map(|kind| match text(kind) {
        Some(kind) => vec![kind],
        None => items(kind).iter().filter_map(text).collect(),
    });
    let is_leaf = kinds.is_some_and(|kinds| {
        kinds.iter().any(|kind| ["string", "integer", "number", "boolean"].contains(kind)) && !kinds.contains(&"object")
    });
    if is_leaf {
        let class = member(node, "x-portcullis").and_then(|words| member(words, "class")).and_then(text);
        let known = ["public", "identifier", "access", "personal", "biometric", "secret"];
        assert!(class.is_some_and(|class| known.contains(&class)), "a leaf in line {} has no class", node.place.line);
        return 1;
    }
    let below = members(node).filter(|(name, _)| *name != "x-portcullis").map(|(_, value)| value).chain(items(node));
    below.map(|node| leaves(root, node, depth + 1)).sum()
}

fn rules_of(operation: &Operation) {
    if operation.actuates.is_some() {
        assert!(operation.max_age_s.is_some() && operation.idempotency.is_some() && operation.right.is_some());
    }
    assert!(!operation.resource.id.is_empty());
    for field in &operation.fields {
        let rule = field.rule;
        assert_eq!(rule.of.is_some(), rule.class == DataClass::Identifier, "{}", field.pointer);
        if matches!(rule.class, DataClass::Secret | DataClass::Biometric) {
            assert_ne!(rule.protection, Protection::Keep, "{}", field.pointer);
        }
        let person = matches!(rule.of, Some(IdentifierKind::User | IdentifierKind::Device | IdentifierKind::Car));
        if person && field.status.is_none() {
            assert!(field.claim.is_some(), "{} is anybody's", field.pointer);
        }
        if field.part == Part::Path {
            assert!(field.required && field.status.is_none(), "{}", field.pointer);
        }
    }
}
