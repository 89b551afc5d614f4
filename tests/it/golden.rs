//! Refusals to start, word for word: wrong and unsafe configurations, each with what the operator is told, held against
//! the files in `golden/`. Each tells file, line, snippet and what to do.
//!
//! After a change that is meant, `GOLDEN=rewrite cargo test --test it golden` writes the files anew; the change is then
//! read in the diff.

mod cases;

use portcullis::config::Config;
use portcullis::crypto::install_provider;
use portcullis::devkit::GatewayFolder;
use portcullis::diagnostic::Diagnostics;
use portcullis::gateway;
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

    fn write(&mut self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.touch(name);
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
];

/// What a refusal leaves out, or says that it must not.
fn lacks(title: &str, told: &str) -> impl Iterator<Item = &'static str> {
    let wanted = [
        ("no error", told.starts_with("error[")),
        ("no file", told.contains("\n  --> ")),
        ("no snippet", told.contains(" | ") || WITHOUT_LINE.contains(&title)),
        ("no help", told.contains("\n  help: ")),
        ("a secret or a private path", !told.contains("MIGHAgEA") && !told.contains("/tmp/")),
    ];
    wanted.into_iter().filter(|(_, is_so)| !is_so).map(|(what, _)| what)
}

/// Holds the cases against their file, or writes it anew.
fn hold(name: &str, cases: &[Case]) {
    let mut scene = Scene::new();
    let (mut page, mut lacking) = (String::new(), Vec::new());
    for (title, make_wrong) in cases {
        make_wrong(&mut scene);
        let told = scene.told();
        scene.put_back();
        lacking.extend(lacks(title, &told).map(|what| format!("{title}: {what}:\n{told}\n")));
        page.push_str(&format!("## {title}\n\n{told}\n\n"));
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
    assert_eq!(scene.told(), "it starts", "everything was put back, and nothing else was wrong");
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
    hold("gateway.txt", cases::GATEWAY);
}

#[test]
fn a_wrong_file_that_it_names_is_refused_word_for_word() {
    hold("files.txt", cases::FILES);
}

#[test]
fn a_wrong_bundle_is_refused_word_for_word() {
    hold("bundle.txt", cases::BUNDLE);
}

#[test]
fn a_wrong_contract_is_refused_word_for_word() {
    hold("contract.txt", cases::CONTRACT);
}

#[test]
fn there_are_at_least_sixty_of_them() {
    let all = [cases::GATEWAY, cases::FILES, cases::BUNDLE, cases::CONTRACT];
    let titles: std::collections::BTreeSet<_> = all.iter().flat_map(|cases| cases.iter()).map(|case| case.0).collect();
    assert_eq!(titles.len(), all.iter().map(|cases| cases.len()).sum::<usize>(), "none twice");
    assert!(titles.len() >= 60, "{}", titles.len());
    assert!(WITHOUT_LINE.iter().all(|title| titles.contains(title)), "an exception without its case");
}
