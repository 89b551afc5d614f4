//! Over generated pairs of schemas: what is told of two versions is what values say that are held against both.
//!
//! A difference is called narrower or neutral only if no value passes the newer version that the older one stops. Here both
//! versions are compiled, compared, and given the same values.

use super::Posting;
use crate::contract::compare;
use crate::model::Rating;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_oneof;
use proptest::proptest;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;

const PUBLIC: &str = "x-portcullis: {class: public}";
/// Rules of text, with enough in common that one often lies within another.
const TEXTS: &[&str] = &[
    "maxLength: 3",
    "maxLength: 4",
    "minLength: 1, maxLength: 3",
    "enum: [a, ab]",
    "enum: [ab, a]",
    "enum: [a, ab, abc]",
    "enum: [b, 2026-01-01]",
    "const: a",
    "pattern: \"^[ab]{1,2}$\"",
    "pattern: \"^[ab][ab]?$\"",
    "pattern: \"^[a-c]*$\"",
    "pattern: \"^(?:a|ab)$\"",
    "format: date",
    "format: date, maxLength: 3",
    "pattern: \"^[ab]{1,2}$\", enum: [a, c]",
];
const NUMBERS: &[&str] = &[
    "type: integer",
    "type: number",
    "type: integer, minimum: 0",
    "type: integer, exclusiveMinimum: 0",
    "type: number, minimum: 0, maximum: 2",
    "type: number, exclusiveMaximum: 2",
    "type: integer, maximum: 2",
    "type: number, multipleOf: 0.5",
    "type: number, multipleOf: 1",
    "type: integer, multipleOf: 2",
    "type: integer, multipleOf: 3",
    "type: integer, enum: [0, 2]",
    "type: number, enum: [0, 0.5, 2]",
    "type: number, const: 2",
];
const TRUTHS: &[&str] = &["type: boolean", "type: boolean, const: true", "type: boolean, const: false"];

/// Two versions of one schema.
type Pair = (String, String);

fn leaf(rules: &'static [&'static str], before: &'static str) -> BoxedStrategy<String> {
    select(rules).prop_map(move |rules| format!("{{{before}{rules}, {PUBLIC}}}")).boxed()
}

fn leaves() -> BoxedStrategy<Pair> {
    let texts = || leaf(TEXTS, "type: string, ");
    let (numbers, truths) = (|| leaf(NUMBERS, ""), || leaf(TRUTHS, ""));
    prop_oneof![4 => (texts(), texts()), 3 => (numbers(), numbers()), 1 => (truths(), truths()), 1 => (texts(), numbers())]
        .boxed()
}

/// The members of an object in two versions: each may be there or not, and be required.
fn objects(of: BoxedStrategy<Pair>) -> BoxedStrategy<Pair> {
    let member = (of, 0..3_u8, 0..3_u8);
    let members = prop::collection::vec(member, 1..4);
    members
        .prop_map(|members| {
            let version = |old: bool| {
                let (mut properties, mut required) = (Vec::new(), Vec::new());
                for ((schemas, before, after), name) in members.iter().zip(["a", "b", "c"]) {
                    let (schema, presence) = if old { (&schemas.0, *before) } else { (&schemas.1, *after) };
                    if presence > 0 {
                        properties.push(format!("{name}: {schema}"));
                    }
                    if presence > 1 {
                        required.push(name);
                    }
                }
                let (properties, required) = (properties.join(", "), required.join(", "));
                format!("{{type: object, required: [{required}], properties: {{{properties}}}}}")
            };
            (version(true), version(false))
        })
        .boxed()
}

fn arrays(of: BoxedStrategy<Pair>) -> BoxedStrategy<Pair> {
    let bounds = || (0..2_usize, 1..3_usize, any::<bool>());
    (of, bounds(), bounds())
        .prop_map(|((old, new), before, after)| {
            let version = |items: &str, (least, most, unique): (usize, usize, bool)| {
                let rules = format!("minItems: {least}, maxItems: {most}, uniqueItems: {unique}");
                format!("{{type: array, {rules}, items: {items}}}")
            };
            (version(&old, before), version(&new, after))
        })
        .boxed()
}

fn maps(of: BoxedStrategy<Pair>) -> BoxedStrategy<Pair> {
    let bounds = || (select(TEXTS), 0..2_usize, 1..3_usize);
    (of, bounds(), bounds())
        .prop_map(|((old, new), before, after)| {
            let version = |values: &str, (names, least, most): (&str, usize, usize)| {
                let names = format!("propertyNames: {{type: string, {names}, {PUBLIC}}}");
                let rules = format!("minProperties: {least}, maxProperties: {most}");
                format!("{{type: object, {names}, {rules}, additionalProperties: {values}}}")
            };
            (version(&old, before), version(&new, after))
        })
        .boxed()
}

/// Objects told by `k`, some of whose branches are in one version alone.
fn choices(of: BoxedStrategy<Pair>) -> BoxedStrategy<Pair> {
    let branch = (of, 1..4_u8);
    prop::collection::vec(branch, 2..4)
        .prop_map(|branches| {
            let version = |old: bool, bit: u8| {
                let there = branches.iter().zip([["x", "y"], ["z", "w"], ["v", "u"]]);
                let told = there.enumerate().filter(|(index, ((_, versions), _))| *index == 0 || versions & bit != 0);
                let told: Vec<String> = told
                    .map(|(_, ((schemas, versions), words))| {
                        let schema = if old { &schemas.0 } else { &schemas.1 };
                        let words = if *versions == 2 { words[0].to_owned() } else { words.join(", ") };
                        let kind = format!("k: {{type: string, enum: [{words}], {PUBLIC}}}");
                        format!("{{type: object, required: [k], properties: {{{kind}, a: {schema}}}}}")
                    })
                    .collect();
                format!("{{type: object, oneOf: [{}], discriminator: {{propertyName: k}}}}", told.join(", "))
            };
            (version(true, 1), version(false, 2))
        })
        .boxed()
}

/// Values of several kinds, each of which may be in one version alone.
fn kinds() -> BoxedStrategy<Pair> {
    let texts = || leaf(TEXTS, "type: string, ");
    let (numbers, truths) = (|| leaf(NUMBERS, ""), || leaf(TRUTHS, ""));
    let version = || {
        (texts(), numbers(), truths(), 0..3_usize).prop_map(|(text, number, truth, out)| {
            let mut branches = vec![text, number, truth];
            branches.remove(out);
            format!("{{anyOf: [{}]}}", branches.join(", "))
        })
    };
    (version(), version()).boxed()
}

/// Lets `null` stand there too in either version, where the spelling is simple.
fn nullable(of: BoxedStrategy<Pair>) -> BoxedStrategy<Pair> {
    (of, any::<bool>(), any::<bool>())
        .prop_map(|(pair, before, after)| {
            let version =
                |schema: String, null: bool| match schema.strip_prefix("{type: ").and_then(|rest| rest.split_once(','))
                {
                    Some((word, rest))
                        if null && !word.starts_with('[') && !rest.contains("const") && !rest.contains("enum") =>
                    {
                        format!("{{type: [{word}, \"null\"],{rest}")
                    }
                    _ => schema,
                };
            (version(pair.0, before), version(pair.1, after))
        })
        .boxed()
}

fn pairs() -> BoxedStrategy<Pair> {
    leaves()
        .prop_recursive(2, 12, 3, |inner| {
            let inner = inner.boxed();
            prop_oneof![
                3 => objects(inner.clone()),
                2 => arrays(inner.clone()),
                2 => maps(inner.clone()),
                2 => choices(inner.clone()),
                2 => kinds(),
                2 => nullable(inner.clone()),
                1 => (inner.clone(), inner).prop_map(|(one, other)| (one.0, other.1)),
            ]
        })
        .boxed()
}

fn values() -> impl Strategy<Value = Vec<String>> {
    let texts = select(vec!["\"\"", "\"a\"", "\"b\"", "\"ab\"", "\"abc\"", "\"abcd\"", "\"2026-01-01\""]);
    let words = select(vec!["\"x\"", "\"y\"", "\"z\"", "\"w\"", "\"v\""]);
    let others = select(vec!["-1", "0", "0.5", "1", "1.5", "2", "3", "true", "false", "null"]);
    let leaf = prop_oneof![texts.prop_map(str::to_owned), others.prop_map(str::to_owned)];
    let value = leaf.prop_recursive(2, 8, 3, move |inner| {
        let member = (select(vec!["a", "b", "c", "ab", "2026-01-01"]), inner.clone());
        let object = |members: Vec<(&str, String)>| {
            let members: std::collections::BTreeMap<_, _> = members.into_iter().collect();
            let members: Vec<String> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let told = (words.clone(), prop::option::of(inner.clone())).prop_map(|(word, value)| {
            let rest = value.map(|value| format!(",\"a\":{value}")).unwrap_or_default();
            format!("{{\"k\":{word}{rest}}}")
        });
        prop_oneof![
            2 => prop::collection::vec(member, 0..4).prop_map(object),
            2 => prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            1 => told,
            1 => Just("{}".to_owned()),
        ]
    });
    prop::collection::vec(value, 48)
}

proptest! {
    #[test]
    fn no_value_passes_a_version_that_is_called_narrower_and_did_not_pass_before((old, new) in pairs(), values in values()) {
        let versions = (Posting::of_value(&old), Posting::of_value(&new));
        let found = compare(Some(&versions.0.0), Some(&versions.1.0));
        let any = |wanted: &dyn Fn(Rating) -> bool| found.iter().any(|difference| wanted(difference.rating));
        let (wider, narrower) = (any(&Rating::widens), any(&|rating| rating == Rating::Narrows));
        let underived = any(&|rating| rating == Rating::Underived);
        let passes = |posting: &Posting, value: &String| posting.rebuild(&format!("{{\"v\":{value}}}")).is_ok();
        for value in &values {
            match (passes(&versions.0, value), passes(&versions.1, value)) {
                (false, true) => prop_assert!(wider, "{} → {}: {} passes now, and {:?}", old, new, value, found),
                (true, false) => {
                    prop_assert!(narrower || underived, "{} → {}: {} passed, and {:?}", old, new, value, found);
                }
                (true, true) | (false, false) => {}
            }
        }
        let back = compare(Some(&versions.1.0), Some(&versions.0.0));
        let back_wider = back.iter().any(|difference| difference.rating.widens());
        prop_assert!(!narrower || back_wider, "{} → {}: {:?} and back {:?}", old, new, found, back);
        prop_assert_eq!(compare(Some(&versions.0.0), Some(&versions.0.0)), vec![]);
    }
}
