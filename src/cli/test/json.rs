//! Results for machines: one JSON object, with every case.

use crate::cli::output::json_text;
use crate::cli::test::Results;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::workbench::Difference;
use crate::workbench::Ran;

pub(super) fn written(results: &Results<'_>) -> String {
    let members: [(&str, Value); 5] = [
        ("test", 1.into()),
        ("cases", count(results.ran.len())),
        ("failed", count(results.failed())),
        ("took_ms", number(results.took.as_millis())),
        ("results", results.ran.iter().map(result).collect::<Vec<Value>>().into()),
    ];
    json_text(&members.into_iter().collect::<Object>().into())
}

fn result(ran: &Ran<'_>) -> Value {
    let case = ran.case;
    let mut members = Object::new();
    members.insert("name", text(&case.name));
    members.insert("file", case.source.path().display().to_string());
    members.insert("line", case.place.line);
    members.insert("passed", ran.passed());
    members.insert("took_us", number(ran.took.as_micros()));
    match &ran.outcome {
        Err(fault) => drop(members.insert("fault", fault.to_string())),
        Ok((played, differences)) => {
            members.insert("outcome", if played.allowed { "allowed" } else { "refused" });
            members.insert("reason", played.reason.code());
            members.insert("operation", played.operation.as_deref().map_or(Value::Null, text));
            if let Some(decision) = &played.decision {
                members.insert("policies", texts(&decision.policies));
            }
            members.insert("differences", differences.iter().map(difference).collect::<Vec<Value>>());
        }
    }
    members.into()
}

fn difference(difference: &Difference) -> Value {
    let Difference { at, wanted, got } = difference;
    let members = [("at", at), ("wanted", wanted), ("got", got)];
    members.into_iter().map(|(name, told)| (name, text(told))).collect::<Object>().into()
}

fn texts(texts: &[String]) -> Value {
    texts.iter().map(|one| text(one)).collect::<Vec<Value>>().into()
}

/// A text of a case. Noncharacters, which strict readers refuse (RFC 7493 §2.1), are spelled out.
fn text(text: &str) -> Value {
    let refused = |c: char| matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    let mut told = String::with_capacity(text.len());
    for c in text.chars() {
        if refused(c) { told.extend(c.escape_unicode()) } else { told.push(c) }
    }
    told.into()
}

fn count(count: usize) -> Value {
    number(u128::try_from(count).unwrap_or(u128::MAX))
}

/// Beyond 2⁵³ − 1 there is no exact JSON number (RFC 8259 §6); no count comes there.
fn number(number: u128) -> Value {
    let number = u64::try_from(number).ok().and_then(|number| Number::try_from(number).ok());
    number.map_or(Value::Null, Value::from)
}
