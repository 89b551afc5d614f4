//! A record as a person reads it: on one line, folded where the terminal is narrow; or every member of it.

use crate::audit::FoundRecord;
use crate::audit::Selected;
use crate::cli::output::json_text;
use crate::cli::output::plain;
use crate::json::Value;
use crate::model::Zone;

/// The columns of a line, each with the width that it usually needs.
const COLUMNS: [(&str, usize); 8] = [
    ("time", 24),
    ("kind", 10),
    ("what", 14),
    ("how", 16),
    ("thing", 20),
    ("who", 34),
    ("policies", 24),
    ("receipt", 28),
];

/// What stands before a cell that had no room on the line before.
const FOLDED: &str = "    ";

/// The widest label of a member.
const LABEL_WIDTH: usize = 24;

/// The names of the columns, for the first line; nothing where lines are folded.
pub(super) fn head(width: Option<usize>) -> String {
    let needed = COLUMNS.iter().map(|(_, width)| width + 2).sum::<usize>();
    if width.is_some_and(|width| width < needed) {
        return String::new();
    }
    line(&COLUMNS.map(|(name, _)| name.to_owned()), None)
}

/// A record on one line, or on more where that is wider than `width`.
pub(super) fn row(told: &Selected, zone: &Zone, width: Option<usize>) -> String {
    let record = &told.record;
    let cells = [
        time(record, zone),
        record.kind().to_owned(),
        what(told),
        how(record),
        thing(told),
        who(told),
        policies(told),
        record.text("receipt").unwrap_or_default().to_owned(),
    ];
    line(&cells, width)
}

/// Every member of a record, but what only proofs need.
pub(super) fn page(record: &FoundRecord, zone: &Zone) -> String {
    let mut out = format!("{}  {}\n", time(record, zone), plain(record.kind()));
    if let Value::Object(members) = record.value() {
        for (name, value) in members.iter() {
            match name {
                "v" | "kind" | "time" | "salt" | "sum" => {}
                // Nobody can read it, and it may be long.
                "answer" => out.push_str(&labelled(name, "kept, sealed")),
                name => member(&mut out, name, value),
            }
        }
    }
    out.push('\n');
    out
}

fn member(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (inner, value) in members.iter() {
                member(out, &format!("{name}.{inner}"), value);
            }
        }
        Value::String(text) => out.push_str(&labelled(name, text)),
        value => out.push_str(&labelled(name, json_text(value).trim_end())),
    }
}

fn labelled(name: &str, value: &str) -> String {
    format!("  {:<LABEL_WIDTH$} {}\n", plain(name), plain(value))
}

fn line(cells: &[String; 8], width: Option<usize>) -> String {
    let mut out = String::new();
    let mut used = 0;
    for (cell, (_, wide)) in cells.iter().zip(COLUMNS) {
        let cell = plain(cell);
        let length = cell.chars().count();
        let folds = width.is_some_and(|width| used + length > width && used > FOLDED.len());
        if folds {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(FOLDED);
            used = FOLDED.len();
        }
        // On a folded line nothing stands under anything, and what is empty takes no room.
        let folded = out.contains('\n');
        if folded && cell.is_empty() {
            continue;
        }
        let wide = if folded { length } else { wide.max(length) };
        out.push_str(&format!("{cell:<wide$}  "));
        used += wide + 2;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn time(record: &FoundRecord, zone: &Zone) -> String {
    zone.shown(record.time().get()).unwrap_or_else(|| record.time().to_string())
}

/// Which operation, event or act.
fn what(told: &Selected) -> String {
    ["operation", "act", "fault", "version"].iter().find_map(|name| told.text(name)).unwrap_or_default().to_owned()
}

/// What became of it: state and reason, or the decision.
fn how(record: &FoundRecord) -> String {
    let number = |name: &str| record.get(name).and_then(Value::as_integer).map(|number| format!("{number} {name}"));
    let text = |name: &str| record.text(name).map(str::to_owned);
    let decision = || record.get("decision")?.get("result")?.as_str().map(str::to_owned);
    let state = text("state").into_iter().chain(text("reason")).collect::<Vec<_>>();
    match state.as_slice() {
        [] => decision()
            .or_else(|| number("count"))
            .or_else(|| number("lost"))
            .or_else(|| number("unknown"))
            .unwrap_or_default(),
        // `done done` says it twice.
        [state, reason] if state == reason => state.clone(),
        words => words.join(" "),
    }
}

fn thing(told: &Selected) -> String {
    let Some(resource) = told.get("resource") else { return String::new() };
    let kind = resource.get("type").and_then(Value::as_str).unwrap_or_default();
    let ids = resource.get("id").and_then(Value::as_array).unwrap_or_default();
    let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
    format!("{kind}:{}", ids.join("/"))
}

/// The handle of the subject, or what else acts: persons stand in no record.
fn who(told: &Selected) -> String {
    let by = || {
        let by = told.get("by")?;
        Some(format!("{} as {}", by.get("person")?.as_str()?, by.get("role")?.as_str()?))
    };
    let handle = ["subject", "device", "car"].iter().find_map(|name| told.text(name)).map(str::to_owned);
    handle.or_else(by).or_else(|| told.text("peer").map(str::to_owned)).unwrap_or_default()
}

fn policies(told: &Selected) -> String {
    let policies = told.get("decision").and_then(|decision| decision.get("policies")?.as_array());
    policies.unwrap_or_default().iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Cursor;
    use crate::audit::Selection;
    use crate::audit::Walk;
    use crate::audit::Wanted;
    use crate::crypto::sha256_joined;
    use std::fs;

    /// What is read of a log of one line, which a hostile hand wrote.
    fn told(members: &str) -> Selected {
        let folder = tempfile::tempdir().unwrap();
        let line = format!(r#"{{"v":2,"time":"2026-11-27T22:04:05.006Z",{members}"#);
        let sum: String = sha256_joined(&[&[0], line.as_bytes()]).to_string().chars().take(16).collect();
        fs::write(folder.path().join("segment-0000000001.jsonl"), format!("{line},\"sum\":\"{sum}\"}}\n")).unwrap();
        let walked = Walk::new(folder.path().to_owned(), Cursor::START).next().unwrap().unwrap();
        Selection::new(Wanted::default()).take(&walked).unwrap().unwrap()
    }

    const INTENT: &str = r#""kind":"intent","salt":"c2FsdA","receipt":"r-aebagbafaydqqcikbmga2dqpca","operation":"openDoor","subject":"h-000102030405060708090a0b0c0d0e0f","resource":{"type":"Door","id":["house-1","door-1"],"tenant":"north","directory":3},"decision":{"result":"allow","policies":["resident-opens-own-door"],"inputs":{"peer":"a"}}"#;

    #[test]
    fn a_record_is_one_line_and_folds_where_the_terminal_is_narrow() {
        let told = told(INTENT);
        let wide = "2026-11-27T22:04:05.006Z  intent      openDoor        allow             Door:house-1/door-1   \
                    h-000102030405060708090a0b0c0d0e0f  resident-opens-own-door   r-aebagbafaydqqcikbmga2dqpca\n";
        assert_eq!(row(&told, &Zone::UTC, None), wide);
        assert!(head(None).starts_with("time                      kind        what  "));
        let narrow = row(&told, &Zone::named("Europe/Moscow").unwrap(), Some(72));
        assert_eq!(
            narrow,
            "2026-11-28T01:04:05.006+03:00  intent      openDoor        allow\n    \
             Door:house-1/door-1  h-000102030405060708090a0b0c0d0e0f\n    \
             resident-opens-own-door  r-aebagbafaydqqcikbmga2dqpca\n"
        );
        assert_eq!(head(Some(72)), "");
        for width in [1, 20, 40, 80, 120, 200] {
            let folded = row(&told, &Zone::UTC, Some(width));
            let longest = folded.lines().map(|line| line.chars().count()).max().unwrap();
            // One cell may be wider than the terminal; it is not cut, because it is what is looked for.
            assert!(longest <= width.max(FOLDED.len() + 34), "{width}: {folded}");
            assert_eq!(folded.split_whitespace().collect::<Vec<_>>(), wide.split_whitespace().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_page_tells_every_member_but_what_only_proofs_need() {
        let page = page(&told(INTENT).record, &Zone::UTC);
        let wanted = "2026-11-27T22:04:05.006Z  intent\n  \
                      receipt                  r-aebagbafaydqqcikbmga2dqpca\n  \
                      operation                openDoor\n  \
                      subject                  h-000102030405060708090a0b0c0d0e0f\n  \
                      resource.type            Door\n  \
                      resource.id              [\"house-1\",\"door-1\"]\n  \
                      resource.tenant          north\n  \
                      resource.directory       3\n  \
                      decision.result          allow\n  \
                      decision.policies        [\"resident-opens-own-door\"]\n  \
                      decision.inputs.peer     a\n\n";
        assert_eq!(page, wanted);
        let outcome = told(r#""kind":"outcome","state":"done","reason":"done","answer":"c2VhbGVk""#);
        assert!(super::page(&outcome.record, &Zone::UTC).contains("answer                   kept, sealed\n"));
        assert!(row(&outcome, &Zone::UTC, None).contains("  outcome                     done\n"));
    }

    #[test]
    fn what_others_wrote_moves_no_cursor_and_turns_no_line() {
        let hostile = r#"\u001b[2J\u202e\u200b\r\n\u0007"#;
        let everywhere = format!(
            r#""kind":"refusal","operation":"{hostile}","peer":"{hostile}","state":"{hostile}","reason":"{hostile}","resource":{{"type":"{hostile}","id":["{hostile}"]}},"decision":{{"policies":["{hostile}"]}},"{hostile}":{{"{hostile}":["{hostile}"]}}"#
        );
        let told = told(&everywhere);
        for text in [row(&told, &Zone::UTC, None), row(&told, &Zone::UTC, Some(30)), page(&told.record, &Zone::UTC)] {
            let hides = |c: char| c != '\n' && crate::diagnostic::hides(c);
            assert!(!text.chars().any(hides), "{text:?}");
            assert!(text.contains("\\u{1b}[2J") || text.contains("\\u001b[2J"), "{text}");
        }
        assert_eq!(row(&told, &Zone::UTC, None).lines().count(), 1);
    }
}
