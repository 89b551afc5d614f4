//! Refusals to start, word for word: wrong and unsafe configurations, each with what the operator is told, held against
//! the files in `golden/`. Each tells file, line, snippet and what to do.
//!
//! After a change that is meant, `GOLDEN=rewrite cargo test --test it golden` writes the files anew; the change is then
//! read in the diff.

mod broken;
mod cases;
mod lints;

use portcullis::bundle::Bundle;
use portcullis::clock::UnixSeconds;
use portcullis::config::Config;
use portcullis::crypto::install_provider;
use portcullis::devkit::GatewayFolder;
use portcullis::diagnostic::Diagnostics;
use portcullis::gateway;
use portcullis::limits::Limits;
use portcullis::workbench::Suite;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use tempfile::TempDir;

/// A title, and what is made wrong.
type Case = (&'static str, fn(&mut Scene));

/// A folder from which a gateway would start. Whatever a case touches is put back after it.
struct Scene {
    place: TempDir,
    touched: Vec<Touched>,
}

/// A file as it was before: content and mode, or absent.
struct Touched {
    path: PathBuf,
    before: Option<(Vec<u8>, u32)>,
}

impl Scene {
    fn new() -> Self {
        install_provider().unwrap();
        let place = tempfile::tempdir().unwrap();
        let folder = GatewayFolder::make(place.path(), crate::harness::now()).unwrap();
        // Nobody is asked there: nothing is served.
        folder.configure("127.0.0.1:8443".parse().unwrap(), "127.0.0.1:8444".parse().unwrap()).unwrap();
        Self { place, touched: Vec::new() }
    }

    /// A file of the folder, remembered as it is.
    fn touch(&mut self, name: &str) -> PathBuf {
        let path = self.place.path().join(name);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let before = fs::read(&path).ok().map(|content| (content, mode(&path)));
        self.touched.push(Touched { path: path.clone(), before });
        path
    }

    /// Replaces text, which must be there.
    fn edit(&mut self, name: &str, from: &str, to: &str) {
        let path = self.touch(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {name}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Puts text at the end.
    fn append(&mut self, name: &str, more: &str) {
        let path = self.touch(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + more).unwrap();
    }

    fn write(&mut self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.touch(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn remove(&mut self, name: &str) {
        fs::remove_file(self.touch(name)).unwrap();
    }

    fn mode(&mut self, name: &str, mode: u32) {
        let path = self.touch(name);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Why a gateway does not start. The folder's own path is left out of it: it is another one each time.
    fn told(&self) -> String {
        let configuration = self.place.path().join("gateway.yaml");
        let refused = |faults: Diagnostics| faults.to_string();
        let told = match Config::load(&configuration) {
            Err(faults) => refused(faults),
            Ok(config) => match gateway::start(config) {
                Err(faults) => refused(faults),
                Ok(running) => {
                    let _ = running.shutdown();
                    "it starts".to_owned()
                }
            },
        };
        told.replace(&format!("{}/", self.place.path().display()), "")
    }

    /// What is wrong with the bundle alone.
    fn told_of_bundle(&self) -> String {
        let faults = Bundle::load(&self.place.path().join("policies"), &Limits::default()).err();
        let told = faults.map_or_else(|| "it starts".to_owned(), |faults| faults.to_string());
        told.replace(&format!("{}/", self.place.path().display()), "")
    }

    /// What somebody should look at in the bundle, on 20 January 2027.
    fn looked_at(&self) -> String {
        let bundle = Bundle::load(&self.place.path().join("policies"), &Limits::default()).unwrap();
        // A case of another file may be none: then its file is looked at all the same.
        let untested = Suite::read(&bundle.tests(), &bundle).map(|suite| suite.untested(&bundle)).unwrap_or_default();
        let lints = bundle.lints(UnixSeconds::new(1_800_403_200), untested);
        let told = if lints.is_empty() { "it starts".to_owned() } else { lints.to_string() };
        told.replace(&format!("{}/", self.place.path().display()), "")
    }

    fn put_back(&mut self) {
        for Touched { path, before } in self.touched.drain(..).rev() {
            match before {
                Some((content, mode)) => {
                    fs::write(&path, content).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                }
                None => fs::remove_file(&path).unwrap(),
            }
        }
    }
}

/// Cases that cannot show a line: it is a whole file that is missing, or has no place.
const WITHOUT_LINE: &[&str] = &[
    "a file that has no place in a bundle",
    "a link in a bundle",
    "a bundle without requirements",
    "a bundle without a schema",
    "a bundle without a policy",
    "a contract in a file of another name",
    "a policy that is not UTF-8",
];

/// What a refusal leaves out, or says that it must not.
fn lacks(title: &str, told: &str) -> impl Iterator<Item = &'static str> {
    let wanted = [
        ("no error", told.starts_with("error[") || told.starts_with("lint[")),
        ("no file", told.contains("\n  --> ")),
        ("no snippet", told.contains(" | ") || WITHOUT_LINE.contains(&title)),
        ("no help", told.contains("\n  help: ")),
        ("a secret or a private path", !told.contains("MIGHAgEA") && !told.contains("/tmp/")),
    ];
    wanted.into_iter().filter(|(_, is_so)| !is_so).map(|(what, _)| what)
}

/// Holds the cases against their file, or writes it anew.
fn hold(name: &str, cases: &[Case], told_by: fn(&Scene) -> String) {
    let mut scene = Scene::new();
    let (mut page, mut lacking) = (String::new(), Vec::new());
    for (title, make_wrong) in cases {
        make_wrong(&mut scene);
        let told = told_by(&scene);
        scene.put_back();
        lacking.extend(lacks(title, &told).map(|what| format!("{title}: {what}:\n{told}\n")));
        page.push_str(&format!("## {title}\n\n{told}\n\n"));
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
    assert_eq!(told_by(&scene), "it starts", "everything was put back, and nothing else was wrong");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name);
    if std::env::var_os("GOLDEN").is_some_and(|wish| wish == "rewrite") {
        return fs::write(file, page).unwrap();
    }
    let golden = fs::read_to_string(&file).unwrap();
    let sections = |page: &str| page.split("## ").map(str::to_owned).collect::<Vec<_>>();
    for (now, kept) in sections(&page).iter().zip(sections(&golden)) {
        assert_eq!(*now, kept, "otherwise than in {name}; if it is meant: GOLDEN=rewrite cargo test --test it golden");
    }
    assert_eq!(sections(&page).len(), sections(&golden).len(), "{name} has other cases");
}

#[test]
fn a_wrong_gateway_yaml_is_refused_word_for_word() {
    hold("gateway.txt", cases::GATEWAY, Scene::told);
}

#[test]
fn a_wrong_file_that_it_names_is_refused_word_for_word() {
    hold("files.txt", cases::FILES, Scene::told);
}

#[test]
fn a_wrong_bundle_is_refused_word_for_word() {
    hold("bundle.txt", cases::BUNDLE, Scene::told);
}

#[test]
fn a_wrong_contract_is_refused_word_for_word() {
    hold("contract.txt", cases::CONTRACT, Scene::told);
}

#[test]
fn a_policy_that_is_no_good_is_refused_word_for_word_with_the_nearest_name() {
    hold("cedar.txt", broken::CEDAR, Scene::told_of_bundle);
}

#[test]
fn a_broken_file_of_a_bundle_is_refused_word_for_word() {
    hold("broken.txt", broken::FILES, Scene::told_of_bundle);
}

#[test]
fn what_somebody_should_look_at_is_told_word_for_word() {
    hold("lints.txt", lints::LINTS, Scene::looked_at);
}

#[test]
fn what_is_meant_is_not_told() {
    let mut scene = Scene::new();
    for (title, change) in lints::ALLOWED {
        change(&mut scene);
        assert_eq!(scene.looked_at(), "it starts", "{title}");
        scene.put_back();
    }
}

#[test]
fn every_lint_has_its_text_here() {
    let golden = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/lints.txt")).unwrap();
    let own = ["allow-unknown", "allow-unused", "allow-without-why"];
    for code in portcullis::bundle::LINTS.iter().chain(&own) {
        assert!(golden.contains(&format!("lint[{code}]: ")), "{code}");
    }
}

#[test]
fn at_least_sixty_broken_bundles_differ_in_code_or_path() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let mut different = BTreeSet::new();
    for name in ["bundle.txt", "contract.txt", "cedar.txt", "broken.txt"] {
        for section in fs::read_to_string(folder.join(name)).unwrap().split("## ").skip(1) {
            let code = section.split("error[").nth(1).and_then(|rest| rest.split(']').next()).unwrap().to_owned();
            let path =
                section.split("  --> ").nth(1).and_then(|rest| rest.split([':', '\n']).next()).unwrap().to_owned();
            different.insert((code, path));
        }
    }
    assert!(different.len() >= 60, "{}", different.len());
}

#[test]
fn there_are_at_least_sixty_of_them() {
    let all =
        [cases::GATEWAY, cases::FILES, cases::BUNDLE, cases::CONTRACT, broken::CEDAR, broken::FILES, lints::LINTS];
    let titles: std::collections::BTreeSet<_> = all.iter().flat_map(|cases| cases.iter()).map(|case| case.0).collect();
    assert_eq!(titles.len(), all.iter().map(|cases| cases.len()).sum::<usize>(), "none twice");
    assert!(titles.len() >= 60, "{}", titles.len());
    assert!(WITHOUT_LINE.iter().all(|title| titles.contains(title)), "an exception without its case");
}
