//! The command over a bundle of its own: what fails is told, in every form, and nothing of a case acts.

use crate::cli::output::Ending;
use crate::cli::output::Format;
use crate::cli::test::Arguments;
use crate::cli::test::played;
use crate::json;
use crate::json::Value;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Control characters, a bell, an escape sequence, a turn of direction, and what means something in XML.
const HOSTILE: &str = "\x1b[31m\u{7}\u{202e}\u{ffff}<b a=\"'\">&]]>";

fn folder(cases: &str) -> tempfile::TempDir {
    crate::crypto::install_provider().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    for part in ["contracts", "cedar"] {
        fs::create_dir(folder.path().join(part)).unwrap();
        for entry in fs::read_dir(sample.join(part)).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), folder.path().join(part).join(entry.file_name())).unwrap();
        }
    }
    fs::copy(sample.join("requirements.yaml"), folder.path().join("requirements.yaml")).unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::copy(sample.join("tests/bases.yaml"), folder.path().join("tests/bases.yaml")).unwrap();
    fs::write(folder.path().join("tests/some.yaml"), cases).unwrap();
    folder
}

fn arguments(bundle: &Path, filter: &str, format: Format, junit: Option<PathBuf>) -> Arguments {
    Arguments { bundle: bundle.to_owned(), filter: filter.to_owned(), watch: false, junit, format }
}

/// Two cases of which one fails, with `hostile` in its name and in what came.
fn two(hostile: &str) -> String {
    let hostile = json_string(hostile);
    format!(
        r#"version: 1
cases:
  - name: nobody is nobody
    extends: friday
    caller: {{peer: spiffe://prop.example/backend}}
    request: {{operation: readDoor, path: {{houseId: house-1, doorId: door-1}}}}
    expect: {{outcome: refused, reason: token-missing}}
  - name: {hostile}
    extends: resident
    caller: {{token: {{rights: [{{type: door_access, actions: [see], house: house-1}}]}}}}
    request: {{operation: readDoor, path: {{houseId: house-1, doorId: door-1}}}}
    answer: {{status: 200, body: {{state: open}}}}
    expect:
      outcome: allowed
      caller: {{status: 200, body: {{state: open, {hostile}: {hostile}}}}}
"#
    )
}

/// A text as YAML, and JSON, spell it in quotes.
fn json_string(text: &str) -> String {
    let inside: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() || !c.is_ascii() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{inside}\"")
}

#[test]
fn what_fails_is_told_in_every_form_and_nothing_of_a_case_acts() {
    let folder = folder(&two(HOSTILE));
    let junit = folder.path().join("result.xml");
    let (text, ending) = played(&arguments(folder.path(), "", Format::Text, Some(junit.clone())), true).unwrap();
    let xml = fs::read_to_string(&junit).unwrap();
    fs::remove_file(&junit).unwrap();
    assert_eq!(ending, Ending::FoundSomething);
    assert!(text.contains("1 of 2 cases failed"), "{text}");
    assert!(text.contains("tests/some.yaml:8"), "{text}");
    assert!(text.contains("wanted") && text.contains("got nothing"), "{text}");
    let acts = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}');
    assert!(!text.contains(acts) && !xml.contains(acts), "{text:?}\n{xml:?}");
    assert!(!xml.contains("<b ") && !xml.contains(['\u{ffff}', '\'']) && xml.contains("&lt;b a=&quot;"), "{xml}");
    assert_eq!((xml.matches("<testcase ").count(), xml.matches("<failure ").count()), (2, 1), "{xml}");
    let (told, _) = played(&arguments(folder.path(), "", Format::Json, None), true).unwrap();
    let told = json::parse(told.trim_end().as_bytes(), json::Limits::default()).unwrap();
    assert_eq!(told.get("failed").and_then(Value::as_integer), Some(1));
    let results = told.get("results").and_then(Value::as_array).unwrap();
    let name = HOSTILE.replace('\u{ffff}', "\\u{ffff}");
    assert_eq!(results[1].get("name").and_then(Value::as_str), Some(&*name));
    assert_eq!(results[0].get("reason").and_then(Value::as_str), Some("token-missing"));
}

#[test]
fn a_filter_takes_part_of_a_name_and_one_that_fits_none_could_not_run() {
    let folder = folder(&two("other"));
    let (text, ending) = played(&arguments(folder.path(), "nobody", Format::Text, None), true).unwrap();
    assert_eq!(ending, Ending::Done);
    assert!(text.starts_with("1 case passed in "), "{text}");
    let fault = played(&arguments(folder.path(), "NOBODY", Format::Text, None), true).unwrap_err();
    assert!(fault.to_string().contains("no-cases"), "{fault}");
}
