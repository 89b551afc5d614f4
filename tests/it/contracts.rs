//! `portcullis contract`: the closed world in tables, and drafts from what partners publish, as people and scripts meet them.

use crate::harness::told_by;
use serde_json::Value;
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn at(path: &str) -> String {
    Path::new(ROOT).join(path).display().to_string()
}

#[test]
fn a_contract_is_shown_by_its_partner_or_its_file_as_text_json_and_markdown() {
    let bundle = at("policies");
    let show = |more: &[&str]| told_by(&[&["contract", "show"], more].concat());
    let (code, text, err) = show(&["parkline", "--bundle", &bundle]);
    assert_eq!((code, err.as_str()), (0, ""));
    for told in [
        "contract with parkline",
        "to Parkline Barriers JSC (RU), kept for P7D",
        "openBarrier  POST    /sites/{siteId}/barriers/{barrierId}/commands  openBarrier  Barrier(siteId, barrierId)",
        "/carId      body  string",
        "identifier of car      pseudonymize  car_id",
        "`^[A-Za-z0-9_-]{8,64}$`",
        "answer 204, without body",
    ] {
        assert!(text.contains(told), "{told} is not in:\n{text}");
    }
    let (_, by_file, _) = show(&[&at("policies/contracts/parkline.openapi.yaml")]);
    assert_eq!(by_file, text);
    let (_, all, _) = show(&["--bundle", &bundle]);
    assert!(all.contains("contract with smarthome") && all.contains("access.granted: inbound"));

    let (code, out, _) = show(&["smarthome", "--bundle", &bundle, "--format", "json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    let contract = &told["contracts"][0];
    let open = &contract["operations"][0];
    assert_eq!((code, open["operation"].as_str(), open["max_age_s"].as_u64()), (0, Some("openDoor"), Some(10)));
    let user = &open["bodies"][0]["values"][1];
    let wanted = serde_json::json!({"value": "/userId", "in": "body", "type": "string", "limits": "1 to 64 characters",
        "always": true, "class": "identifier", "of": "user", "protection": "pseudonymize", "claim": "sub"});
    assert_eq!(*user, wanted);
    assert_eq!(contract["events"].as_array().unwrap().len(), 4);

    let (_, page, _) = show(&["smarthome", "--bundle", &bundle, "--format", "markdown"]);
    assert!(page.starts_with("## contract with smarthome\n"), "{page}");
    assert!(page.contains("\n| openDoor | POST | /v1/houses/{houseId}/doors/{doorId}/open |"), "{page}");
    let rows = page.lines().filter(|line| line.starts_with('|'));
    assert!(rows.clone().count() > 50);
}

#[test]
fn what_is_not_there_or_does_not_load_is_not_shown() {
    let bundle = at("policies");
    let (code, out, err) = told_by(&["contract", "show", "smarthom", "--bundle", &bundle]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("error[unknown-partner]") && err.contains("did you mean `smarthome`?"), "{err}");
    for (named, code) in [("not/there.yaml", "unreadable-file"), ("x\u{202e}\u{1b}[31m", "unknown-partner")] {
        let (ended, _, err) = told_by(&["contract", "show", named, "--bundle", &bundle]);
        assert!(ended == 2 && err.contains(&format!("error[{code}]")), "{err}");
        assert!(!err.contains(['\u{202e}', '\u{1b}']), "{err}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.openapi.yaml");
    fs::write(&file, "openapi: 3.1.0\n").unwrap();
    let (code, _, err) = told_by(&["contract", "show", file.to_str().unwrap()]);
    assert!(code == 2 && err.contains("missing-key"), "{err}");
}

#[test]
fn hostile_texts_of_a_contract_are_shown_as_text_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evil.openapi.yaml");
    let evil = r#"a|b `c` <b>@all</b> \u001b[31m\u202e\n# d [x](https://evil.example)"#;
    let text = format!(
        "openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\nx-portcullis: {{partner: p, recipient: \"{evil}\", country: RU, retention: P1D}}\n\
         paths:\n  /a/{{id}}:\n    post:\n      operationId: a\n      x-portcullis: {{action: a, resource: {{type: House, id: [id]}}, \
         direction: outbound, purpose: p, legal_basis: c}}\n      parameters:\n        - {{name: id, in: path, required: true, \
         schema: {{type: string, maxLength: 9, x-portcullis: {{class: public}}}}}}\n      requestBody:\n        required: true\n        \
         content:\n          application/json:\n            schema:\n              type: object\n              properties:\n                \
         \"{evil}\": {{type: string, enum: [\"{evil}\"], x-portcullis: {{class: public}}}}\n      responses: {{'204': {{description: ok}}}}\n"
    );
    fs::write(&file, text).unwrap();
    let shown = |format: &str| {
        let (code, out, err) = told_by(&["contract", "show", file.to_str().unwrap(), "--format", format]);
        assert_eq!((code, err.as_str()), (0, ""), "{format}");
        assert!(!out.contains(['\u{1b}', '\u{202e}']), "{format}: {out:?}");
        out
    };
    shown("text");
    let page = shown("markdown");
    assert!(!page.contains("<b>") && !page.contains("@all") && !page.contains("](https:"), "{page}");
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let bars = line.matches('|').count() - line.matches("\\|").count();
        assert!([9, 13].contains(&bars), "{bars} cells: {line}");
    }
    let told: Value = serde_json::from_str(&shown("json")).unwrap();
    let name = told["contracts"][0]["operations"][0]["bodies"][0]["values"][1]["value"].as_str().unwrap();
    assert!(name.contains("\u{1b}[31m\u{202e}"), "JSON escapes by itself: {name:?}");
}

#[test]
fn a_draft_goes_to_standard_output_or_into_a_new_file_and_never_over_another() {
    let from = at("tests/it/descriptions/locks.json");
    let (code, text, err) = told_by(&["contract", "import", &from, "--partner", "smarthome"]);
    assert_eq!(code, 0);
    assert!(text.contains("  partner: smarthome\n  recipient:  # decide: "), "{text}");
    assert_eq!(
        err,
        "2 operations, 60 blanks to fill in, 4 left out, 12 said otherwise; comments in the draft tell each\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("draft.yaml");
    let to = to.to_str().unwrap();
    let into = ["contract", "import", &from, "--partner", "smarthome", "--output", to];
    let (code, out, err) = told_by(&[&into[..], &["--format", "json"]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(to).unwrap(), text);
    let told: Value = serde_json::from_str(&out).unwrap();
    let findings = told["findings"].as_array().unwrap();
    assert_eq!((told["operations"].as_u64(), findings.len()), (Some(2), 76));
    let class = findings.iter().find(|one| one["code"] == "missing-class").unwrap();
    let number = usize::try_from(class["draft_line"].as_u64().unwrap()).unwrap();
    let line = text.lines().nth(number - 1).unwrap();
    assert!(line.contains("class:  # decide: what kind of data it is"), "{line}");
    assert!(class["pointer"].as_str().unwrap().starts_with("/paths/~1locks~1unlock_door/post/"), "{class}");
    let (code, out, err) = told_by(&into);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("error[not-written]"), "{err}");
    assert_eq!(fs::read_to_string(to).unwrap(), text);
}

#[test]
fn a_description_of_which_nothing_can_be_ours_ends_with_1_and_one_that_is_none_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("partner.yaml");
    let file_name = file.to_str().unwrap();
    fs::write(
        &file,
        "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: ok}}}}}\n",
    )
    .unwrap();
    assert_eq!(told_by(&["contract", "import", file_name]).0, 1);
    fs::write(&file, "swagger: '2.0'\n").unwrap();
    let (code, _, err) = told_by(&["contract", "import", file_name]);
    assert!(code == 2 && err.contains("openapi-version"), "{err}");
    fs::write(&file, [0xff, 0xfe]).unwrap();
    let (code, _, err) = told_by(&["contract", "import", file_name]);
    assert!(code == 2 && err.contains("is not UTF-8"), "{err}");
}
