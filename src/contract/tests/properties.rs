//! Over generated schemas and values: what fits is rebuilt as it was, what was mutated is refused, and another implementation of
//! JSON Schema agrees on what fits.

use super::Posting;
use super::kept;
use crate::contract::ContractFault;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prelude::prop;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::prop_assume;
use proptest::prop_oneof;
use proptest::proptest;
use serde_json::Value;
use serde_json::json;

const NAMES: [&str; 8] = ["a", "b/c", "d~e", "é", "f g", "\"q\"", "userId", "$x"];
/// Formats with texts of each, and such as are not.
const FORMATS: [(&str, &[&str], &[&str]); 5] = [
    ("date", &["2026-02-28", "2024-02-29"], &["2026-02-29", "2026-2-1", ""]),
    ("date-time", &["2026-02-28T08:30:00Z", "2026-02-28T08:30:00.5+03:00"], &["2026-02-28T08:30:00", "2026-02-28"]),
    ("uuid", &["8e03978e-40d5-43dd-bc93-6894a57f9324"], &["8e03978e40d543ddbc936894a57f9324", "x"]),
    ("ipv4", &["192.0.2.1"], &["192.0.2.256", "192.0.2"]),
    ("hostname", &["a", "door.example"], &["-a", "a..b"]),
];
/// Steps of `multipleOf`.
static STEPS: std::sync::LazyLock<[Value; 3]> = std::sync::LazyLock::new(|| [json!(0.1), json!(0.25), json!(3)]);
const CHARACTERS: [char; 10] = ['a', 'Z', '0', '-', 'é', '💡', '"', '\\', '\n', ' '];

/// Members by name, and whether each is required.
type Members = Vec<(&'static str, bool, Drawn)>;

/// A schema as the tests draw it.
#[derive(Clone, Debug)]
enum Drawn {
    Object(Members),
    /// The same, of which the first so many are its own and the others those of two parts.
    Whole(Members, usize),
    Array(u8, u8, Box<Drawn>),
    Set(u8, Box<Drawn>),
    Map(u8, u8, Box<Drawn>),
    /// The same, whose names' pattern stands with the values.
    Patterned(u8, u8, Box<Drawn>),
    /// Branches told by `kind`; whether by `anyOf`, where nobody names it.
    Choice(Vec<Members>, bool),
    /// Branches told by what kind of value they are.
    Kinds(Vec<Drawn>),
    Int32,
    Nullable(Box<Drawn>),
    Text(u8, u8),
    Pattern,
    Word,
    /// One text only.
    Constant,
    /// One of [`FORMATS`].
    Format(usize),
    /// Multiples of a tenth, of a quarter, or of three.
    Multiple(usize),
    Integer(i32, u16),
    /// Bounds in halves; whether the upper one is excluded.
    Number(i32, u16, bool),
    Boolean,
}

fn leaf() -> impl Strategy<Value = Drawn> {
    prop_oneof![
        (0..3_u8, 0..4_u8).prop_map(|(low, more)| Drawn::Text(low, low + more)),
        Just(Drawn::Pattern),
        Just(Drawn::Word),
        Just(Drawn::Constant),
        (0..FORMATS.len()).prop_map(Drawn::Format),
        (0..STEPS.len()).prop_map(Drawn::Multiple),
        (-3..3_i32, 0..4_u16).prop_map(|(low, more)| Drawn::Integer(low, more)),
        (-3..3_i32, 1..5_u16, any::<bool>()).prop_map(|(low, more, open)| Drawn::Number(low, more, open)),
        Just(Drawn::Int32),
        Just(Drawn::Boolean),
    ]
}

fn members(of: impl Strategy<Value = Drawn> + Clone + 'static) -> impl Strategy<Value = Members> {
    let names = prop::sample::subsequence(NAMES.to_vec(), 1..5);
    names.prop_flat_map(move |names| {
        let count = names.len();
        let members = prop::collection::vec((any::<bool>(), of.clone()), count);
        (Just(names), members).prop_map(|(names, members)| {
            names.into_iter().zip(members).map(|(name, (required, drawn))| (name, required, drawn)).collect()
        })
    })
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let inner = leaf().prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            members(inner.clone()).prop_map(Drawn::Object),
            (members(inner.clone()), 0..4_usize).prop_map(|(members, own)| Drawn::Whole(members, own)),
            (0..2_u8, 0..3_u8, inner.clone()).prop_map(|(low, more, items)| Drawn::Array(
                low,
                low + more,
                Box::new(items)
            )),
            (1..4_u8, inner.clone()).prop_map(|(high, items)| Drawn::Set(high, Box::new(items))),
            (0..2_u8, 0..3_u8, inner.clone()).prop_map(|(low, more, values)| Drawn::Map(
                low,
                low + more,
                Box::new(values)
            )),
            (0..2_u8, 0..3_u8, inner.clone()).prop_map(|(low, more, values)| Drawn::Patterned(
                low,
                low + more,
                Box::new(values)
            )),
            (prop::collection::vec(members(inner.clone()), 1..3), any::<bool>())
                .prop_map(|(branches, any)| Drawn::Choice(branches, any)),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Drawn::of_kinds),
            inner.prop_map(|inner| match inner {
                // JSON Schema would hold `null` against the branches and parts too.
                inner @ (Drawn::Choice(..) | Drawn::Whole(..) | Drawn::Kinds(_) | Drawn::Nullable(_)) => inner,
                inner => Drawn::Nullable(Box::new(inner)),
            }),
        ]
    });
    members(inner).prop_map(Drawn::Object)
}

impl Drawn {
    /// Of these, the first of each kind; if that is one only, it alone.
    fn of_kinds(drawn: Vec<Self>) -> Self {
        let mut branches: Vec<Self> = Vec::new();
        for drawn in drawn {
            let kind = drawn.kind();
            if kind.is_some() && branches.iter().all(|known| known.kind() != kind) {
                branches.push(drawn);
            }
        }
        match branches.pop() {
            None => Self::Boolean,
            Some(only) if branches.is_empty() => only,
            Some(last) => Self::Kinds(branches.into_iter().chain([last]).collect()),
        }
    }

    /// The kind of its values, if they are of one.
    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Object(_) | Self::Whole(..) | Self::Map(..) | Self::Patterned(..) | Self::Choice(..) => {
                Some("object")
            }
            Self::Array(..) | Self::Set(..) => Some("array"),
            Self::Text(..) | Self::Pattern | Self::Word | Self::Constant | Self::Format(_) => Some("string"),
            Self::Multiple(_) | Self::Integer(..) | Self::Number(..) | Self::Int32 => Some("number"),
            Self::Boolean => Some("boolean"),
            Self::Nullable(_) | Self::Kinds(_) => None,
        }
    }

    /// As JSON Schema; with `x-portcullis`, as a contract wants it.
    fn schema(&self, ours: bool) -> Value {
        let mut schema = match self {
            Self::Object(members) => {
                let mut schema = part(members, ours);
                schema["additionalProperties"] = json!(false);
                return schema;
            }
            Self::Whole(members, own) => {
                let (own, rest) = members.split_at((*own).min(members.len()));
                let (one, other) = rest.split_at(rest.len() / 2);
                let mut schema = part(own, ours);
                schema["allOf"] = json!([part(one, ours), part(other, ours)]);
                schema["unevaluatedProperties"] = json!(false);
                return schema;
            }
            Self::Set(high, items) => {
                return json!({"type": "array", "maxItems": high, "uniqueItems": true, "items": items.schema(ours)});
            }
            Self::Map(low, high, values) => {
                let mut names = json!({"type": "string", "pattern": "^[a-c]{1,2}$"});
                if ours {
                    names["x-portcullis"] = json!({"class": "public"});
                }
                let values = values.schema(ours);
                return json!({"type": "object", "minProperties": low, "maxProperties": high, "propertyNames": names, "additionalProperties": values});
            }
            Self::Patterned(low, high, values) => {
                let mut schema = json!({"type": "object", "minProperties": low, "maxProperties": high, "additionalProperties": false,
                    "patternProperties": {"^[a-c]{1,2}$": values.schema(ours)}});
                if ours {
                    schema["propertyNames"] = json!({"type": "string", "x-portcullis": {"class": "public"}});
                }
                return schema;
            }
            Self::Kinds(branches) => {
                return json!({"anyOf": branches.iter().map(|branch| branch.schema(ours)).collect::<Vec<_>>()});
            }
            Self::Choice(branches, any) => {
                let branches: Vec<_> =
                    branches.iter().enumerate().map(|(index, members)| branch(index, members, ours)).collect();
                if *any {
                    return json!({"anyOf": branches});
                }
                let mut schema = json!({"type": "object", "oneOf": branches});
                if ours {
                    schema["discriminator"] = json!({"propertyName": "kind"});
                }
                return schema;
            }
            Self::Nullable(inner) => {
                let mut schema = inner.schema(ours);
                if schema.get("const").is_some() {
                    schema["enum"] = json!([schema["const"].take()]);
                    schema.as_object_mut().unwrap().remove("const");
                }
                if let Some(values) = schema.get_mut("enum") {
                    values.as_array_mut().unwrap().push(Value::Null);
                }
                schema["type"] = json!([schema["type"].take(), "null"]);
                return schema;
            }
            Self::Array(low, high, items) => {
                return json!({"type": "array", "minItems": low, "maxItems": high, "items": items.schema(ours)});
            }
            Self::Text(low, high) => json!({"type": "string", "minLength": low, "maxLength": high}),
            Self::Pattern => json!({"type": "string", "pattern": "^(?:[a-c]{1,3}|\\d+)$"}),
            Self::Word => json!({"type": "string", "enum": ["on", "off", "é\n"]}),
            Self::Constant => json!({"type": "string", "const": "only"}),
            Self::Format(index) => json!({"type": "string", "format": FORMATS[*index].0}),
            Self::Multiple(index) => json!({"type": "number", "multipleOf": STEPS[*index]}),
            Self::Integer(low, more) => json!({"type": "integer", "minimum": low, "maximum": low + i32::from(*more)}),
            Self::Number(low, more, open) => {
                let high = f64::from(low + i32::from(*more)) / 2.0;
                let key = if *open { "exclusiveMaximum" } else { "maximum" };
                json!({"type": "number", "minimum": f64::from(*low) / 2.0, key: high})
            }
            Self::Int32 if ours => json!({"type": "integer", "format": "int32"}),
            Self::Int32 => json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}),
            Self::Boolean => json!({"type": "boolean"}),
        };
        if ours {
            schema["x-portcullis"] = json!({"class": "public"});
        }
        schema
    }

    /// Another implementation of the same schema.
    fn theirs(&self) -> jsonschema::Validator {
        jsonschema::options().should_validate_formats(true).build(&self.schema(false)).unwrap()
    }

    fn posting(&self) -> Posting {
        Posting::of(&self.schema(true).to_string())
    }

    /// A value, which fits unless `slack` lets it lie a little beside.
    fn value(&self, dice: &mut Dice, slack: bool) -> Value {
        let off = i32::from(slack && dice.below(6) == 0) * if dice.below(2) == 0 { -1 } else { 1 };
        match self {
            Self::Object(members) | Self::Whole(members, _) => {
                let mut map = values(members, dice, slack);
                if off != 0 && dice.below(3) == 0 {
                    map.insert("undeclared".to_owned(), json!(1));
                }
                Value::Object(map)
            }
            Self::Array(low, high, items) => {
                let count = dice.between(i32::from(*low), i32::from(*high)).saturating_add(off).max(0);
                (0..count).map(|_| items.value(dice, slack)).collect()
            }
            Self::Set(high, items) => {
                let count = dice.between(0, i32::from(*high)).saturating_add(off).max(0);
                let mut elements: Vec<Value> = Vec::new();
                for _ in 0..count {
                    let element = items.value(dice, slack);
                    if slack || !elements.iter().any(|earlier| equal(earlier, &element)) {
                        elements.push(element);
                    }
                }
                elements.into()
            }
            Self::Map(low, high, of) | Self::Patterned(low, high, of) => {
                let count = dice.between(i32::from(*low), i32::from(*high)).saturating_add(off).max(0);
                let names = ["c", "a", "bb", "ab", if slack { "abc" } else { "cc" }];
                let start = dice.below(names.len());
                let names = names.iter().cycle().skip(start).take(usize::try_from(count).unwrap());
                names.map(|name| ((*name).to_owned(), of.value(dice, slack))).collect::<serde_json::Map<_, _>>().into()
            }
            Self::Kinds(branches) => branches[dice.below(branches.len())].value(dice, slack),
            Self::Choice(branches, _) => {
                let index = dice.below(branches.len());
                let mut map = values(&branches[index], dice, slack);
                let told = if off > 0 { dice.below(branches.len() + 1) } else { index };
                if off >= 0 {
                    map.insert("kind".to_owned(), json!(format!("k{told}")));
                }
                Value::Object(map)
            }
            Self::Nullable(inner) => {
                if dice.below(3) == 0 {
                    Value::Null
                } else {
                    inner.value(dice, slack)
                }
            }
            Self::Text(low, high) => {
                let count = dice.between(i32::from(*low), i32::from(*high)).saturating_add(off * 4).max(0);
                (0..count).map(|_| CHARACTERS[dice.below(CHARACTERS.len())]).collect::<String>().into()
            }
            Self::Pattern => {
                json!(["a", "abc", "07", "ab", "abcd", "", "a\n", "٣", "a0"][dice.below(if slack { 9 } else { 4 })])
            }
            Self::Word => json!(["on", "off", "é\n", "On", ""][dice.below(if slack { 5 } else { 3 })]),
            Self::Constant => json!(["only", "Only"][dice.below(if slack { 2 } else { 1 })]),
            Self::Format(index) => {
                let (_, fits, not) = FORMATS[*index];
                let texts = if slack && dice.below(3) == 0 { not } else { fits };
                json!(texts[dice.below(texts.len())])
            }
            Self::Multiple(index) => {
                let tenths = f64::from(dice.between(-60, 60));
                let step = STEPS[*index].as_f64().unwrap();
                // The nearest double of the decimal, as if somebody had typed it.
                let multiple = ((tenths * step) * 100.0).round() / 100.0;
                json!(if off == 0 { multiple } else { tenths / 100.0 })
            }
            Self::Integer(..) if slack && dice.below(8) == 0 => json!(0.5),
            Self::Integer(low, more) => json!(dice.between(*low, low + i32::from(*more)).saturating_add(off * 3)),
            Self::Number(low, more, open) => {
                let high = low + i32::from(*more) - i32::from(*open);
                json!(f64::from(dice.between(*low, high).saturating_add(off * 2)) / 2.0)
            }
            Self::Int32 => json!([i64::from(i32::MIN), i64::from(i32::MAX), 0][dice.below(3)] + i64::from(off)),
            Self::Boolean => json!(dice.below(2) == 0),
        }
    }
}

/// An object of these members that says nothing of others.
fn part(members: &[(&'static str, bool, Drawn)], ours: bool) -> Value {
    let properties: serde_json::Map<_, _> =
        members.iter().map(|(name, _, drawn)| ((*name).to_owned(), drawn.schema(ours))).collect();
    let required: Vec<_> = members.iter().filter(|(_, required, _)| *required).map(|(name, ..)| *name).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

/// One branch of a choice.
fn branch(index: usize, members: &[(&'static str, bool, Drawn)], ours: bool) -> Value {
    let mut schema = part(members, ours);
    schema["additionalProperties"] = json!(false);
    schema["properties"]["kind"] = json!({"type": "string", "const": format!("k{index}")});
    if ours {
        schema["properties"]["kind"]["x-portcullis"] = json!({"class": "public"});
    }
    schema["required"].as_array_mut().unwrap().push(json!("kind"));
    schema
}

/// Values of members, in any order but the declared one.
fn values(members: &[(&'static str, bool, Drawn)], dice: &mut Dice, slack: bool) -> serde_json::Map<String, Value> {
    let mut map = serde_json::Map::new();
    let start = dice.below(members.len());
    for (name, required, drawn) in members.iter().cycle().skip(start).take(members.len()) {
        let present = if *required { !slack || dice.below(12) > 0 } else { dice.below(2) == 0 };
        if present {
            map.insert((*name).to_owned(), drawn.value(dice, slack));
        }
    }
    map
}

/// A small generator (SplitMix64), so that a value follows from a number.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(count).unwrap()).unwrap()
    }

    fn between(&mut self, low: i32, high: i32) -> i32 {
        low + i32::try_from(self.below(usize::try_from(high - low + 1).unwrap())).unwrap()
    }
}

/// The value as text, in which the object of this number has its first member twice; and how many objects it has.
fn with_twin(value: &Value, twin: usize, seen: &mut usize) -> String {
    match value {
        Value::Object(map) => {
            let own = *seen;
            *seen += usize::from(!map.is_empty());
            let mut members: Vec<_> =
                map.iter().map(|(name, value)| format!("{}:{}", json!(name), with_twin(value, twin, seen))).collect();
            if own == twin && !map.is_empty() {
                members.push(members[0].clone());
            }
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| with_twin(item, twin, seen)).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

/// All places of a value, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn what_fits_is_rebuilt_as_it_was_and_rebuilding_changes_nothing_more(drawn in drawn(), seed in any::<u64>()) {
        let value = drawn.value(&mut Dice(seed), false);
        let operation = drawn.posting();
        let once = operation.rebuild(&value.to_string()).unwrap();
        let text = String::from_utf8(kept(&once).body.to_vec()).unwrap();
        // Numbers are compared as doubles: `1` and `1.0` are one number.
        let same: Value = serde_json::from_str(&text).unwrap();
        prop_assert!(drawn.theirs().is_valid(&same));
        prop_assert!(equal(&same, &value), "{} {}", same, value);
        let twice = operation.rebuild(&text).unwrap();
        prop_assert_eq!(kept(&twice).body, kept(&once).body);
        prop_assert_eq!(twice.digest(), once.digest());
    }

    #[test]
    fn another_implementation_agrees_on_what_fits(drawn in drawn(), seed in any::<u64>()) {
        let value = drawn.value(&mut Dice(seed), true);
        let theirs = drawn.theirs().is_valid(&value);
        let ours = drawn.posting().rebuild(&value.to_string());
        prop_assert_eq!(ours.is_ok(), theirs, "{} {:?}", value, ours.err());
    }

    #[test]
    fn a_mutated_value_is_refused_unless_it_fits_all_the_same(drawn in drawn(), seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let value = drawn.value(&mut dice, false);
        let operation = drawn.posting();
        let mut found = Vec::new();
        places(&value, "", &mut found);
        let place = &found[dice.below(found.len())];
        let mut changed = value.clone();
        let target = changed.pointer_mut(place).unwrap();
        *target = match &*target {
            Value::Object(_) => json!([]),
            Value::Array(_) => json!({}),
            Value::String(_) => json!(1),
            // Digits alone are a host to them and none to us.
            Value::Number(_) => json!("-1"),
            Value::Bool(_) => json!(0),
            Value::Null => json!(true),
        };
        let theirs = drawn.theirs();
        prop_assert_eq!(operation.rebuild(&changed.to_string()).is_ok(), theirs.is_valid(&changed), "{}", changed);
        *changed.pointer_mut(place).unwrap() = Value::Null;
        prop_assert_eq!(operation.rebuild(&changed.to_string()).is_ok(), theirs.is_valid(&changed), "{}", changed);

        let objects: Vec<_> = found.iter().filter(|at| value.pointer(at).unwrap().is_object()).collect();
        let mut extra = value.clone();
        let object = extra.pointer_mut(objects[dice.below(objects.len())]).unwrap().as_object_mut().unwrap();
        object.insert("undeclared".to_owned(), json!("x"));
        prop_assert!(operation.rebuild(&extra.to_string()).is_err(), "{extra}");
    }

    #[test]
    fn a_member_that_stands_twice_is_refused(drawn in drawn(), seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let value = drawn.value(&mut dice, false);
        let mut count = 0;
        with_twin(&value, usize::MAX, &mut count);
        prop_assume!(count > 0);
        let text = with_twin(&value, dice.below(count), &mut 0);
        let refusal = drawn.posting().rebuild(&text).err();
        prop_assert_eq!(refusal, Some(ContractFault::BodyMalformed(crate::json::Fault::DuplicateName)), "{}", text);
    }
}

/// Equal, with numbers as doubles.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| equal(value, other)))
        }
        _ => left == right,
    }
}
