//! What a check found, for people and for machines.

use crate::catalogue;
use crate::catalogue::Language;
use crate::cli::check::Found;
use crate::cli::check::footprint;
use crate::cli::output::json_text;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Severity;
use crate::diagnostic::plain;
use crate::json::Object;
use crate::json::Value;

/// All findings: what is least bad first, so that the worst stands where one looks.
pub(super) fn text(found: &Found, language: Language) -> String {
    let all = [&found.lints, &found.warnings, &found.faults].into_iter().flat_map(Diagnostics::iter);
    let told: Vec<String> = all
        .map(|one| match language {
            Language::English => one.to_string(),
            Language::Russian => in_russian(one),
        })
        .collect();
    told.join("\n\n")
}

/// One line for who sees nothing else; nothing where something is refused.
pub(super) fn verdict(found: &Found, language: Language) -> &'static str {
    if !found.faults.is_empty() {
        return "";
    }
    match (language, found.whole) {
        (Language::English, true) => "it would start\n",
        (Language::English, false) => "the bundle compiles\n",
        (Language::Russian, true) => "запустится\n",
        (Language::Russian, false) => "набор собирается\n",
    }
}

/// What the catalogue says of the code, the place, and then the message, which names things as the files do.
fn in_russian(one: &Diagnostic) -> String {
    let Some(page) = catalogue::page(one.code) else { return one.to_string() };
    let severity = match one.severity {
        Severity::Error => "ошибка",
        Severity::Warning => "предупреждение",
        Severity::Lint => "замечание",
    };
    let mut told = format!("{severity}[{}]: {}", one.code, page.russian.title);
    // Writing to text cannot fail.
    let _ = one.write_place(&mut told);
    told.push_str(&format!("\n  сообщение: {}\n  помощь: {}", plain(&one.message), page.russian.text));
    if let Some(help) = &one.help {
        told.push_str(&format!("\n  подсказка: {}", plain(help)));
    }
    told
}

/// One object: the verdict, three lists of findings, and the footprint if it is wanted.
pub(super) fn json(found: &Found, language: Language, with_footprint: bool) -> String {
    let one = |fault: &Diagnostic| {
        let file = fault.source.as_ref().map(|source| source.path().display().to_string());
        let place = |number: u32| if number == 0 { Value::Null } else { Value::from(number) };
        let page = catalogue::page(fault.code);
        let title = page.map(|page| page.words(language).title);
        let members: [(&str, Value); 8] = [
            ("code", fault.code.into()),
            ("title", title.map_or(Value::Null, Value::from)),
            ("file", file.map_or(Value::Null, Value::from)),
            ("line", place(fault.place.line)),
            ("column", place(fault.place.column)),
            ("message", fault.message.as_str().into()),
            ("snippet", fault.line().map_or(Value::Null, Value::from)),
            ("help", fault.help.as_deref().map_or(Value::Null, Value::from)),
        ];
        Value::from(members.into_iter().collect::<Object>())
    };
    let all = |told: &Diagnostics| Value::from(told.iter().map(one).collect::<Vec<Value>>());
    let verdict = if found.whole { "would_start" } else { "compiles" };
    let members: [(&str, Value); 4] = [
        (verdict, found.faults.is_empty().into()),
        ("faults", all(&found.faults)),
        ("warnings", all(&found.warnings)),
        ("lints", all(&found.lints)),
    ];
    let mut members: Object = members.into_iter().collect();
    if with_footprint {
        members.insert("footprint", footprint::json(&found.footprint));
    }
    json_text(&members.into())
}
