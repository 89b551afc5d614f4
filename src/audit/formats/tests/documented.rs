//! The page's tables of what each kind, state and reason means are drawn from the one table.

use crate::audit::formats::meaning::Meaning;
use crate::audit::formats::tests::samples::Sample;
use crate::audit::outcome::OutcomeState;
use crate::audit::record::Kind;
use crate::model::DeliveryState;
use crate::model::Reason;
use serde_json::json;
use std::fmt::Write;

fn row(out: &mut String, name: &str, meaning: &Meaning) {
    let (class, class_name) = meaning.class.named();
    let (activity, activity_name) = meaning.activity;
    let ((_, severity), (_, status)) = (meaning.severity.named(), meaning.status.named());
    let disposition = meaning.disposition.map_or("", |disposition| disposition.named().1);
    let (cef, syslog) = (meaning.severity.in_cef(), meaning.severity.in_syslog());
    writeln!(
        out,
        "| {name} | {class_name} {class} | {activity_name} {activity} | {severity} | {cef} | {syslog} | {status} | {disposition} |"
    )
    .unwrap();
}

/// The tables as the page must have them.
fn drawn() -> String {
    let head = |first: &str| {
        format!(
            "| {first} | class | activity | severity | CEF | syslog | status | disposition |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        )
    };
    let of = |kind: &str, members| Meaning::of(&Sample::of(kind, &members).record);
    let mut out = head("kind");
    for kind in Kind::ALL {
        match kind {
            Kind::Refusal => writeln!(out, "| `refusal` | by its reason | | | | | | |").unwrap(),
            Kind::Outcome => {
                for state in OutcomeState::ALL.map(OutcomeState::word) {
                    row(&mut out, &format!("`outcome` `{state}`"), &of("outcome", json!({ "state": state })));
                }
            }
            Kind::Delivery => {
                for state in ["sent"].into_iter().chain(DeliveryState::ALL.map(DeliveryState::word)) {
                    row(&mut out, &format!("`delivery` `{state}`"), &of("delivery", json!({ "state": state })));
                }
            }
            Kind::Admin | Kind::ReIdentification => {
                let word = kind.word();
                row(&mut out, &format!("`{word}` `done`"), &of(word, json!({ "reason": "done" })));
                row(&mut out, &format!("`{word}`, refused"), &of(word, json!({ "reason": "role-missing" })));
            }
            kind => row(&mut out, &format!("`{}`", kind.word()), &of(kind.word(), json!({}))),
        }
    }
    out.push('\n');
    out.push_str(&head("reason of a refusal"));
    for reason in Reason::ALL.iter().filter(|reason| !matches!(reason, Reason::Done | Reason::IdempotencyReplayed)) {
        row(&mut out, &format!("`{reason}`"), &of("refusal", json!({ "reason": reason.code() })));
    }
    out
}

#[test]
fn the_page_about_export_has_the_tables_that_the_code_draws() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/export.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (open, close) = ("<!-- drawn: what a record means -->\n", "<!-- end -->\n");
    let (before, rest) = page.split_once(open).expect("the place of the tables");
    let (_, after) = rest.split_once(close).expect("the end of the tables");
    let wanted = format!("{before}{open}\n{}\n{close}{after}", drawn());
    if std::env::var_os("GOLDEN").is_some_and(|value| value == "rewrite") {
        std::fs::write(path, &wanted).unwrap();
    }
    assert!(page == wanted, "the tables differ; `GOLDEN=rewrite` draws them anew");
}
