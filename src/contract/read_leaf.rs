//! Reading the keywords of one leaf as they are written: of texts, numbers and booleans.
//!
//! The outer `None` of what is returned is a fault that was reported, an inner one an absent key.

use std::collections::BTreeSet;

use crate::contract::format::Format;
use crate::contract::multiple::MAX_PLACES;
use crate::contract::multiple::Multiple;
use crate::contract::refs::Refs;
use crate::contract::written::At;
use crate::contract::written::Range;
use crate::contract::written::Text;
use crate::diagnostic::Place;
use crate::json::Number;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Yaml;

/// The most characters or elements that a bound may allow; bodies are far smaller.
const MAX_COUNT: i64 = 8 * 1024 * 1024;

/// What `format: int32` bounds. `int64` bounds nothing that is not bounded already, at ±(2⁵³ − 1).
const INT32: (i32, i32) = (i32::MIN, i32::MAX);

/// Keywords of text; `null` is where the type says that it may stand there too.
pub(super) fn text<'a>(refs: &Refs<'a>, fields: &Fields<'a>, null: Option<Place>) -> Option<Text<'a>> {
    let reader = refs.reader;
    let lengths = counts(refs, fields, "minLength", "maxLength");
    let pattern = match fields.optional("pattern") {
        None => Some(None),
        Some(node) => reader.text(node).map(|value| Some(At { place: node.place, value })),
    };
    let formats = Format::ALL.map(|format| (format.word(), format));
    let format = match fields.optional("format") {
        None => Some(None),
        Some(node) => reader.word(node, &formats).map(Some),
    };
    let words = values(refs, fields, null, &|node| reader.text(node));
    let (min_length, max_length) = lengths?;
    Some(Text { min_length, max_length, pattern: pattern?, format: format?, words: words? })
}

/// Keywords of numbers.
pub(super) fn range<'a>(refs: &Refs<'a>, fields: &Fields<'a>, whole: bool, null: Option<Place>) -> Option<Range> {
    let read = |node: &'a Node| number(refs, node, whole);
    let bound = |inclusive: &'static str, exclusive: &'static str| -> Option<Option<(Number, bool)>> {
        match (fields.optional(inclusive), fields.optional(exclusive)) {
            (None, None) => Some(None),
            (Some(node), None) => Some(Some((read(node)?, false))),
            (None, Some(node)) => Some(Some((read(node)?, true))),
            (Some(_), Some(node)) => {
                let message = format!("`{inclusive}` and `{exclusive}` stand together");
                refuse("bounds", refs, node.place, message, "keep the one that is meant")
            }
        }
    };
    let (low, high) = (bound("minimum", "exclusiveMinimum"), bound("maximum", "exclusiveMaximum"));
    let multiple_of = match fields.optional("multipleOf") {
        None => Some(None),
        Some(node) => multiple(refs, node).map(Some),
    };
    let numbers = values(refs, fields, null, &read);
    let width = match whole.then(|| fields.optional("format")).flatten() {
        None => Some(None),
        Some(node) => refs.reader.word(node, &[("int32", Some(INT32)), ("int64", None)]).map(Some),
    };
    let (low, high, multiple_of, numbers) = (low?, high?, multiple_of?, numbers?);
    let (low, high) = match width?.flatten() {
        None => (low, high),
        Some((least, most)) => {
            let low = low.filter(|(low, _)| *low >= Number::from(least)).or(Some((least.into(), false)));
            (low, high.filter(|(high, _)| *high <= Number::from(most)).or(Some((most.into(), false))))
        }
    };
    let empty =
        |((low, above), (high, below)): ((Number, bool), (Number, bool))| low > high || low == high && (above || below);
    in_order(refs, fields, low.zip(high).is_some_and(empty))?;
    Some(Range { low, high, multiple_of, numbers })
}

/// The one truth value that `const` allows.
pub(super) fn only(refs: &Refs<'_>, fields: &Fields<'_>, null: Option<Place>) -> Option<Option<bool>> {
    let Some(node) = fields.optional("const") else { return Some(None) };
    if let Some(place) = null {
        let message = "`null` is allowed here and not what `const` says";
        return refuse("null-unfit", refs, place, message, "take `null` out of `type`");
    }
    refs.reader.boolean(node).map(Some)
}

/// How few and how many there may be.
pub(super) fn counts(
    refs: &Refs<'_>,
    fields: &Fields<'_>,
    fewest: &'static str,
    most: &'static str,
) -> Option<(usize, Option<usize>)> {
    let count = |key| match fields.optional(key) {
        None => Some(None),
        Some(node) => refs.reader.bounded(node, 0, MAX_COUNT).and_then(|count| usize::try_from(count).ok()).map(Some),
    };
    let (low, high) = (count(fewest), count(most));
    let (low, high) = (low?.unwrap_or(0), high?);
    in_order(refs, fields, high.is_some_and(|high| low > high))?;
    Some((low, high))
}

/// The values of `enum`, or the one of `const`, sorted: at least one, none twice. Where the type says `null` so must they,
/// since JSON Schema asks both.
fn values<'a, T: Ord>(
    refs: &Refs<'a>,
    fields: &Fields<'a>,
    null: Option<Place>,
    read: &dyn Fn(&'a Node) -> Option<T>,
) -> Option<Option<Vec<T>>> {
    let (node, items) = match (fields.optional("enum"), fields.optional("const")) {
        (None, None) => return Some(None),
        (Some(node), None) => (node, refs.reader.list(node)?),
        (None, Some(node)) => (node, std::slice::from_ref(node)),
        (Some(_), Some(node)) => {
            return refuse("enum", refs, node.place, "`enum` and `const` stand together", "keep the one that is meant");
        }
    };
    let mut values = BTreeSet::new();
    let mut found_null = false;
    for item in items {
        let twice = if null.is_some() && item.value == Yaml::Null {
            std::mem::replace(&mut found_null, true)
        } else {
            !values.insert(read(item)?)
        };
        if twice {
            return refuse("enum", refs, item.place, "this value of `enum` stands there twice", "take one of them out");
        }
    }
    if let Some(place) = null.filter(|_| !found_null) {
        let fault =
            refs.reader.source().fault("null-unfit", place, "`null` is allowed here and none of the listed values");
        refs.reader.report(fault.help("add `null` to `enum`, or take it out of `type`"));
        return None;
    }
    if values.is_empty() {
        let message = "no value is listed, so nothing would fit";
        return refuse("enum", refs, node.place, message, "list the values that may stand here");
    }
    Some(Some(values.into_iter().collect()))
}

fn multiple(refs: &Refs<'_>, node: &Node) -> Option<Multiple> {
    let multiple = Multiple::new(number(refs, node, false)?);
    if multiple.is_none() {
        let message = format!("expected a positive number with at most {MAX_PLACES} places after the point");
        return refuse("multiple-of", refs, node.place, message, "write `multipleOf: 0.01`, for instance");
    }
    multiple
}

fn number(refs: &Refs<'_>, node: &Node, whole: bool) -> Option<Number> {
    let number = match node.value {
        Yaml::Integer(integer) => Number::try_from(integer).ok(),
        Yaml::Float(double) => Number::try_from(double).ok(),
        _ => return refs.reader.wrong_type(node, "a number"),
    };
    let number = number.filter(|number| !whole || number.as_integer().is_some());
    if number.is_none() {
        let message =
            if whole { "expected a whole number within ±(2⁵³ − 1)" } else { "the number is out of range" };
        return refuse(
            "bounds",
            refs,
            node.place,
            message,
            "numbers lie within ±(2⁵³ − 1), and those of an `integer` are whole",
        );
    }
    number
}

/// Reports that nothing lies between two bounds.
fn in_order(refs: &Refs<'_>, fields: &Fields<'_>, empty: bool) -> Option<()> {
    if empty {
        let message = "the lower bound lies above the upper one, so nothing would fit";
        return refuse("bounds", refs, fields.place(), message, "let the lower one be at most the upper one");
    }
    Some(())
}

/// Reports a fault with what to do about it; always `None`.
fn refuse<T>(
    code: &'static str,
    refs: &Refs<'_>,
    place: Place,
    message: impl Into<String>,
    help: &'static str,
) -> Option<T> {
    refs.reader.report(refs.reader.source().fault(code, place, message).help(help));
    None
}
