//! `portcullis check` of a bundle alone: all errors at once, lints, languages, SARIF, layout; and what stands in hostile files
//! does nothing to who reads about it.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const BARRIERS: &str = "policies/cedar/barriers.cedar";
const PARKLINE: &str = "policies/contracts/parkline.openapi.yaml";

/// A folder with a copy of the sample bundle.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"), &folder.path().join("policies"));
        Self { folder }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{from}` is not in {name}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Exit code, standard output, standard error.
    fn check(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        let output = command.arg("check").args(arguments).current_dir(self.folder.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let inner = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() {
            copy(&entry.path(), &inner);
        } else {
            fs::copy(entry.path(), inner).unwrap();
        }
    }
}

fn everyone(place: &Place, above: &str) {
    let policy = "@id(\"mine\")\n@reason(\"Because.\")\npermit (principal, action == PropDevelopment::Action::\"openBarrier\", resource);\n";
    place.write(BARRIERS, &format!("{}\n{above}{policy}", place.read(BARRIERS)));
}

#[test]
fn the_sample_bundle_compiles_and_nobody_need_look_at_anything() {
    let place = Place::new();
    let whole = (0, "the bundle compiles\n".to_owned(), String::new());
    assert_eq!(place.check(&[]), whole);
    assert_eq!(place.check(&["policies", "--deny-lints"]), whole);
    assert_eq!(place.check(&["--fmt=tell"]), (0, String::new(), String::new()));
    let (code, out, err) = place.check(&["--format", "json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told, serde_json::json!({"compiles": true, "faults": [], "warnings": [], "lints": []}));
    let (code, _, err) = place.check(&["nowhere"]);
    assert!(code == 2 && err.starts_with("error[unreadable-folder]: `nowhere` "), "{err}");
}

#[test]
fn errors_of_all_files_are_told_at_once_in_either_language() {
    let place = Place::new();
    place.edit(BARRIERS, "context.ageSeconds > 15", "context.ageSecond > 15");
    place.edit(PARKLINE, "country: RU", "country: Russia");
    place.edit("policies/requirements.yaml", "environment:", "enviroment:");
    let (code, out, err) = place.check(&[]);
    assert_eq!((code, out.as_str()), (1, ""));
    for told in ["error[invalid-value]: ", "error[unknown-key]: ", "help: did you mean `environment`?"] {
        assert!(err.contains(told), "{told} is not in: {err}");
    }
    let (code, _, err) = place.check(&["--lang", "ru"]);
    assert_eq!(code, 1);
    for told in [
        "ошибка[unknown-key]: неизвестный ключ\n  --> policies/requirements.yaml:5:1\n",
        "\n  помощь: ",
        "\n  сообщение: unknown key `enviroment`",
    ] {
        assert!(err.contains(told), "{told} is not in: {err}");
    }
}

#[test]
fn lints_change_the_exit_code_only_where_that_is_asked_for() {
    let place = Place::new();
    everyone(&place, "");
    let (code, out, err) = place.check(&[]);
    assert_eq!((code, out.as_str()), (0, "the bundle compiles\n"));
    assert!(err.starts_with("lint[grants-everyone]: the permit `mine` "), "{err}");
    assert_eq!(place.check(&["--deny-lints"]).0, 1);
    assert_eq!(place.check(&["--deny-lints", "--format", "json"]).0, 1);
    let told: Value = serde_json::from_str(&place.check(&["--format", "json"]).1).unwrap();
    assert_eq!((&told["compiles"], &told["lints"][0]["code"]), (&Value::from(true), &Value::from("grants-everyone")));
}

#[test]
fn a_policy_file_is_laid_out_in_place_and_one_that_is_no_cedar_is_left_alone() {
    let place = Place::new();
    let tidy = place.read(BARRIERS);
    place.write(BARRIERS, &tidy.replace("\nwhen {", "   when   {"));
    let doors = "policies/cedar/doors.cedar";
    place.edit(doors, "permit (", "permit  ( (");
    let broken = place.read(doors);
    let (code, out, err) = place.check(&["--fmt=tell"]);
    assert_eq!((code, out.as_str()), (1, "policies/cedar/barriers.cedar: is not laid out\n"));
    assert!(err.starts_with("error[cedar-syntax]: ") && err.contains("policies/cedar/doors.cedar:5:"), "{err}");
    assert_ne!(place.read(BARRIERS), tidy, "it was only told");
    let (code, out, _) = place.check(&["--fmt"]);
    assert_eq!((code, out.as_str()), (1, "policies/cedar/barriers.cedar: laid out\n"));
    assert_eq!((place.read(BARRIERS), place.read(doors)), (tidy, broken));
    let left: Vec<_> = fs::read_dir(place.folder.path().join("policies/cedar")).unwrap().collect();
    assert_eq!(left.len(), 10, "nothing is left beside them");
}

#[test]
fn a_code_is_explained_in_either_language_and_all_are_listed() {
    let place = Place::new();
    let (code, out, _) = place.check(&["--explain", "soft-class"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("soft-class: a field that looks personal"), "{out}");
    let (_, out, _) = place.check(&["--explain", "soft-class", "--lang", "ru"]);
    assert!(out.starts_with("soft-class: поле похоже на персональные данные"), "{out}");
    let (_, all, _) = place.check(&["--explain"]);
    assert!(all.lines().count() > 150 && all.lines().any(|line| line.starts_with("until-over ")), "{all}");
    let (code, _, err) = place.check(&["--explain", "soft-clas"]);
    assert!(code == 2 && err.contains("did you mean `soft-class`?"), "{err}");
}

/// What of SARIF 2.1.0 (OASIS, sarif-schema-2.1.0.json) a log of ours is made of, as that schema says it; but closed, so that
/// nothing else is in it.
fn sarif_schema() -> Value {
    serde_json::from_str(include_str!("golden/sarif.schema.json")).unwrap()
}

#[test]
fn findings_are_a_sarif_log_with_relative_places_and_rules_with_help() {
    let place = Place::new();
    let schema = jsonschema::validator_for(&sarif_schema()).unwrap();
    let log = |arguments: &[&str]| -> Value {
        let out = place.check(&[&["--format", "sarif"], arguments].concat()).1;
        let log: Value = serde_json::from_str(&out).unwrap();
        let faults: Vec<String> = schema.iter_errors(&log).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?} in {out}");
        log
    };
    assert_eq!(log(&[])["runs"][0]["results"], serde_json::json!([]));
    everyone(&place, "");
    place.edit(BARRIERS, "@id(\"see-granted-barrier\")", "@id(\"see-granted-barrier\")\n@until(\"2020-01-31\")");
    let told = log(&[]);
    let results = told["runs"][0]["results"].as_array().unwrap();
    let rules = &told["runs"][0]["tool"]["driver"]["rules"];
    assert_eq!(results.len(), 2);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!((&rule["id"], &result["level"]), (&result["ruleId"], &Value::from("warning")));
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], BARRIERS);
        let (line, snippet) =
            (location["region"]["startLine"].as_u64().unwrap(), &location["region"]["snippet"]["text"]);
        let text = place.read(BARRIERS);
        assert_eq!(text.lines().nth(usize::try_from(line).unwrap() - 1), snippet.as_str());
    }
    // Columns are characters, not bytes.
    place.edit(BARRIERS, "context.purpose == \"access\"", "\"доступ\" == \"доступ\" && context.purpos == \"access\"");
    let told = log(&["--lang", "ru"]);
    let result = &told["runs"][0]["results"][0];
    assert_eq!(result["level"], "error");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    let column = usize::try_from(region["startColumn"].as_u64().unwrap()).unwrap();
    let rest: String = region["snippet"]["text"].as_str().unwrap().chars().skip(column - 1).collect();
    assert!(rest.starts_with("purpos =="), "{rest}");
    let title = told["runs"][0]["tool"]["driver"]["rules"][0]["shortDescription"]["text"].as_str().unwrap();
    assert_eq!(title, "политика не соответствует схеме");
}

/// Control characters, escapes of terminals, characters that turn a line or hide in it, HTML, a link.
const HOSTILE: &str =
    "\u{1b}[2J\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}<script>alert(1)</script>[here](https://evil.example)";

fn assert_harmless(text: &str) {
    let bad = |c: &char| c.is_control() && *c != '\n' || "\u{202e}\u{2066}\u{200b}\u{feff}".contains(*c);
    let found: Vec<char> = text.chars().filter(bad).collect();
    assert!(found.is_empty(), "{found:?} in {text}");
}

#[test]
fn what_stands_in_hostile_files_reaches_nobody_s_terminal_and_makes_no_link() {
    let quoted = HOSTILE.replace('\u{1b}', "\\e").replace('\u{7}', "\\a").replace('\u{9b}', "\\x9b");
    let cases: &[(&str, &str, String)] = &[
        (BARRIERS, "context.ageSeconds > 15", format!("context.ageSeconds > 15 && \"{HOSTILE}\" == 1")),
        (BARRIERS, "@id(\"barrier-at-once\")", format!("@id(\"{HOSTILE}\")")),
        (BARRIERS, "// Barriers", format!("// allow({HOSTILE}): {HOSTILE}\n// Barriers")),
        (BARRIERS, "PropDevelopment::Partner::\"parkline\"", format!("PropDevelopment::Partner::\"{HOSTILE}\"")),
        (BARRIERS, "@id(\"see-granted-barrier\")", format!("@until(\"{HOSTILE}\")\n@id(\"see-granted-barrier\")")),
        ("policies/cedar/schema.cedarschema", "entity Tenant;", format!("entity Tenant; // {HOSTILE}\n entity Tenant")),
        (
            "policies/cedar/constants.json",
            "\"id\": \"resident\"}]",
            format!("\"id\": \"{}\"}}]", HOSTILE.replace(['\u{1b}', '\u{7}'], "")),
        ),
        ("policies/requirements.yaml", "environment: development", format!("environment: \"{quoted}\"")),
        ("policies/requirements.yaml", "version: 1", format!("version: 1\n\"{quoted}\": 1")),
        (PARKLINE, "operationId: readBarrier", format!("operationId: \"{quoted}\"")),
        (PARKLINE, "country: RU", format!("country: \"{quoted}\"")),
        (
            PARKLINE,
            "                plate:",
            format!(
                "                \"{quoted}name\": {{type: string, maxLength: 9, x-portcullis: {{class: public}}}}\n                plate:"
            ),
        ),
    ];
    let mut codes = BTreeSet::new();
    for (file, from, to) in cases {
        let place = Place::new();
        place.edit(file, from, to);
        for language in ["en", "ru"] {
            let (_, out, err) = place.check(&["--lang", language]);
            assert!(!err.is_empty(), "nothing is told of {file}: {to:?}");
            assert_harmless(&out);
            assert_harmless(&err);
            let (_, json, _) = place.check(&["--format", "json", "--lang", language]);
            assert_harmless(&json);
            let told: Value = serde_json::from_str(&json).unwrap();
            let first = if told["compiles"] == true { &told["lints"][0] } else { &told["faults"][0] };
            codes.insert(first["code"].as_str().unwrap().to_owned());
            let (_, sarif, _) = place.check(&["--format", "sarif", "--lang", language]);
            assert_harmless(&sarif);
            assert!(!sarif.contains("]("), "{sarif}");
        }
    }
    assert!(codes.len() >= 8, "{codes:?}");
}
