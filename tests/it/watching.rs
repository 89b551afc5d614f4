//! What watches a gateway: every alert fires when it should and not close by (Prometheus' own tool says so), asks for metrics
//! and labels that exist, and leads to a page; every query of the dashboard asks for metrics that exist.

use crate::harness::Scene;
use crate::harness::Stage;
use portcullis::model::Reason;
use portcullis::telemetry::METRICS;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

const ALERTS: &str = "deploy/prometheus/alerts.yaml";
const CASES: &str = "deploy/prometheus/alerts.test.yaml";
const DASHBOARD: &str = "deploy/grafana/portcullis.json";
const PAGES: &str = "docs/runbooks";

/// Where the package puts the pages.
const INSTALLED: &str = "file:///usr/share/doc/portcullis/runbooks/";

/// What stands on every page, in this order.
const SECTIONS: [&str; 4] = ["## What it means", "## Who is hurt", "## Do first", "## Do then"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn file(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The alerts: name, rule.
fn alerts() -> BTreeMap<String, Value> {
    let rules: Value = serde_yaml::from_str(&file(ALERTS)).unwrap();
    let groups = rules["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let named: Vec<_> = rules.map(|rule| (rule["alert"].as_str().unwrap().to_owned(), rule.clone())).collect();
    let alerts: BTreeMap<_, _> = named.iter().cloned().collect();
    assert_eq!(alerts.len(), named.len(), "none stands twice");
    alerts
}

/// What Prometheus' own tool says of a file, and whether it is content.
fn promtool(arguments: &[&str], folder: &Path) -> (bool, String) {
    let mut command = Command::new("promtool");
    let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}

#[test]
fn every_alert_fires_when_it_should_and_stays_quiet_close_by() {
    let folder = path("deploy/prometheus");
    let (well, said) = promtool(&["check", "rules", "alerts.yaml"], &folder);
    assert!(well, "{said}");
    let (well, said) = promtool(&["test", "rules", "alerts.test.yaml"], &folder);
    assert!(well, "{said}");
    let cases: Value = serde_yaml::from_str(&file(CASES)).unwrap();
    let mut fires: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    for case in cases["tests"].as_array().unwrap().iter().flat_map(|case| case["alert_rule_test"].as_array().unwrap()) {
        let expected = case["exp_alerts"].as_array().unwrap();
        fires.entry(case["alertname"].as_str().unwrap().to_owned()).or_default().insert(!expected.is_empty());
    }
    let both: BTreeMap<_, _> = alerts().into_keys().map(|name| (name, BTreeSet::from([false, true]))).collect();
    assert_eq!(fires, both, "each alert has a case in which it fires and one in which it does not");
}

#[test]
fn an_alert_whose_threshold_is_moved_fails_its_case() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("alerts.test.yaml"), file(CASES)).unwrap();
    for (from, to) in [("< 7 * 86400", "< 9 * 86400"), ("portcullis_ready == 0", "portcullis_ready == 2")] {
        let moved = file(ALERTS).replacen(from, to, 1);
        assert_ne!(moved, file(ALERTS), "{from}");
        fs::write(place.path().join("alerts.yaml"), moved).unwrap();
        let (well, said) = promtool(&["test", "rules", "alerts.test.yaml"], place.path());
        assert!(!well && said.contains("FAILED"), "{from} → {to}: {said}");
    }
}

/// The metrics that a query names, without what a histogram appends.
fn metrics_of(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("portcullis_"));
    let known = |name: &str| METRICS.iter().any(|metric| metric.name == name);
    let plain = |word: &str| {
        let ends = ["_bucket", "_count", "_sum"].iter().filter_map(|end| word.strip_suffix(end));
        ends.into_iter().find(|name| known(name)).unwrap_or(word).to_owned()
    };
    ours.map(plain).collect()
}

/// The metrics of a query that do not exist, and the labels that theirs do not have.
fn unknown(query: &str) -> Vec<String> {
    let names = metrics_of(query);
    let known: Vec<_> = METRICS.iter().filter(|metric| names.contains(metric.name)).collect();
    let mut found: Vec<String> =
        names.iter().filter(|name| !METRICS.iter().any(|metric| metric.name == **name)).cloned().collect();
    for selector in query.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()) {
        for label in selector.split(',').map(|part| part.split(['=', '!', '~']).next().unwrap().trim()) {
            let given = ["instance", "job", "le"].contains(&label);
            if !given && !known.iter().any(|metric| metric.labels.contains(&label)) {
                found.push(format!("label {label}"));
            }
        }
    }
    found
}

/// The values that a query asks a label for.
fn values_of<'q>(query: &'q str, label: &str) -> Vec<&'q str> {
    let asked_for = format!("{label}=");
    let asked = query.split(asked_for.as_str()).skip(1).map(|rest| rest.trim_start_matches('~'));
    asked.filter_map(|rest| rest.split('"').nth(1)).flat_map(|value| value.split('|')).collect()
}

#[test]
fn every_alert_asks_for_what_exists_and_leads_to_its_page() {
    let gate = file("src/pipeline/gate.rs");
    let alerts = alerts();
    assert!(alerts.len() >= 20);
    for (name, rule) in &alerts {
        let query = rule["expr"].as_str().unwrap();
        assert_eq!(unknown(query), [""; 0], "{name}: {query}");
        assert!(["page", "ticket"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        if query.contains("portcullis_refusals_total{reason") {
            for value in values_of(query, "reason") {
                assert!(Reason::ALL.iter().any(|reason| reason.code() == value), "{name}: no reason {value}");
            }
        } else {
            for value in values_of(query, "reason").into_iter().chain(values_of(query, "notice")) {
                assert!(gate.contains(&format!("\"{value}\"")), "{name}: /readyz never says {value}");
            }
        }
        let page = rule["annotations"]["runbook_url"].as_str().unwrap().strip_prefix(INSTALLED).unwrap();
        assert_eq!(page, format!("{name}.md"));
    }
    assert_eq!(unknown("portcullis_doors_open{door=\"x\"} > 1"), ["portcullis_doors_open", "label door"]);
    assert_eq!(unknown("portcullis_refusals_total{why=\"x\"}"), ["label why"]);
}

#[test]
fn every_page_is_an_alerts_and_tells_what_it_means_who_is_hurt_and_what_to_do() {
    let pages = fs::read_dir(path(PAGES)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> = pages.collect();
    let wanted: BTreeSet<String> = alerts().into_keys().map(|name| format!("{name}.md")).collect();
    assert_eq!(pages, wanted);
    for page in &pages {
        let text = file(&format!("{PAGES}/{page}"));
        let found: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(found, SECTIONS, "{page}");
        for section in text.split("\n## ").skip(1) {
            assert!(section.lines().skip(1).any(|line| line.len() > 8), "{page}: an empty section: {section}");
        }
        for link in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            assert!(path(PAGES).join(link).exists(), "{page} leads to {link}, which is not there");
        }
    }
}

#[test]
fn every_query_of_the_dashboard_asks_for_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(&file(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut shown = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            assert_eq!(unknown(query), [""; 0], "{}: {query}", panel["title"]);
            assert!(query.contains("$instance"), "{query}: of the gateway that was chosen");
            shown.extend(metrics_of(query));
        }
    }
    assert!(panels.len() > 15 && shown.len() > 20, "{} panels, {} metrics", panels.len(), shown.len());
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let query = variable["query"]["query"].as_str().unwrap_or_default();
        assert!(metrics_of(query).iter().all(|name| METRICS.iter().any(|metric| metric.name == name)), "{query}");
    }
}

#[test]
fn the_metrics_say_what_readyz_says() {
    let scene = Scene::on(Stage::new());
    let page = scene.gateway.metrics();
    assert_eq!(scene.gateway.metric("portcullis_ready"), 1);
    assert!(!page.contains("portcullis_not_ready{") && !page.contains("portcullis_notice{"), "{page}");
    fs::write(scene.stage.path("pki/gateway.pem"), "nothing").unwrap();
    crate::harness::until("the notice", || {
        scene.gateway.metrics().contains("portcullis_notice{notice=\"reload-failed\"} 1")
    });
    assert_eq!(scene.gateway.metric("portcullis_ready"), 1, "the old certificate is in force");
}
