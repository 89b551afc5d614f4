//! The README's first page is pasted as it stands, from nothing to a gateway that runs. What the test puts in its place: the
//! clone (links to this one), `cargo` (the program is built already), and the ports, since somebody may have those.

use crate::harness::blocks;
use crate::harness::page;
use crate::harness::shell_blocks;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");
const README: &str = "README.md";
const IN_RUSSIAN: &str = "docs/ru/README.md";

/// What comes before the steps, and who shows that it is true.
const BEFORE: &str = "make demo     # the whole story in a terminal: doors and barriers open, and what must fail, fails\n\
                      make test     # everything is proved\n";

/// Takes the place of `cargo`: what it would build is there.
const CARGO: &str = "#!/bin/sh\nset -eu\n[ \"$*\" = 'build --locked --bin portcullis' ]\nmkdir -p target/debug\n";

/// Says between two blocks that the next one begins.
pub const NEXT: &str = "-- the next block --";

/// A machine as the page finds it: a clone, a home without anything, the tools.
pub struct Machine {
    place: TempDir,
    ports: [(&'static str, String); 3],
}

impl Machine {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for folder in ["clone", "bin", "home"] {
            fs::create_dir(path(folder)).unwrap();
        }
        for name in ["directory.yaml", "certs-example"] {
            symlink(Path::new(ROOT).join(name), path("clone").join(name)).unwrap();
        }
        // No link: a copy of that would be a link too, and what is edited in it edited in the repository.
        let copied = Command::new("cp").arg("-r").arg(Path::new(ROOT).join("policies")).arg(path("clone")).status();
        assert!(copied.unwrap().success());
        fs::write(path("bin/cargo"), format!("{CARGO}ln -s {PROGRAM} target/debug/portcullis\n")).unwrap();
        fs::set_permissions(path("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
        // All three at once, so that they differ; nobody has them a moment later.
        let open = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let free = open.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
        let [backend, partner, ops] = free;
        let ports = [("127.0.0.1:8443", backend), ("127.0.0.1:8444", partner), ("127.0.0.1:9464", ops)];
        let machine = Self { place, ports };
        let sample = page("gateway.yaml");
        assert!(machine.ports.iter().all(|(from, _)| sample.contains(from)));
        fs::write(machine.path("clone/gateway.yaml"), machine.with_free_ports(&sample)).unwrap();
        machine
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn with_free_ports(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Runs a script as somebody would who has just opened a terminal in `folder`. What it leaves running is ended.
    pub fn run(&self, folder: &str, script: &str) -> Output {
        let script = format!("trap 'kill ${{!:-}} 2>/dev/null || :' EXIT\n{}", self.with_free_ports(script));
        let path = std::env::var("PATH").unwrap();
        // `timeout` ends what the shell has started, too.
        let mut shell = Command::new("timeout");
        shell.args(["240", "sh", "-euc", &script]).current_dir(self.path(folder)).stdin(Stdio::null());
        shell.env("HOME", self.path("home")).env("PATH", format!("{}:{path}", self.path("bin").display()));
        shell.output().unwrap()
    }
}

#[track_caller]
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The blocks of the ten minutes. All others of the page are [`BEFORE`], so that none is added that nobody runs.
pub fn steps() -> Vec<String> {
    let readme = page(README);
    let (before, rest) = readme.split_once("\n## From nothing to a gateway in ten minutes\n").unwrap();
    let (section, after) = rest.split_once("\n## ").unwrap();
    assert_eq!(shell_blocks(before), [BEFORE]);
    assert_eq!(shell_blocks(after), [""; 0], "a block stands where nobody runs it");
    shell_blocks(section)
}

/// A JSON object as told, without the receipt, which no two have in common.
fn without_receipt(answer: &str) -> serde_json::Value {
    let mut told: serde_json::Value = serde_json::from_str(answer).unwrap();
    let instance = told["instance"].take();
    assert!(instance.as_str().unwrap().starts_with("urn:portcullis:receipt:r-"), "{answer}");
    told
}

#[test]
fn from_nothing_to_a_gateway_by_pasting_the_readme() {
    let machine = Machine::new();
    let script = steps().join(&format!("echo '{NEXT}'\n"));
    let told = said(&machine.run("clone", &script));
    let told: Vec<&str> = told.split(&format!("{NEXT}\n")).collect();
    let [program, folder, pki, keys, partner, run, look, stop] = told[..] else { panic!("{} blocks", told.len()) };
    let version: Vec<&str> = program.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(version, ["portcullis", env!("CARGO_PKG_VERSION")]);
    assert_eq!([folder, keys, partner], [""; 3]);
    assert!(pki.contains("valid 90 days"), "{pki}");
    assert_eq!(
        run,
        "it would start\n{\"ready\":true,\"reasons\":[],\"notices\":[],\"softeners\":[\"environment\",\"policies.signers\"]}\n"
    );
    assert!(look.starts_with("ready        yes\n") && look.contains("last good exchange none yet"), "{look}");
    // What the page shows of the answer is what is answered; and its receipt is on record, as the page says.
    let answer = look.lines().last().unwrap();
    let (_, shown) = blocks(&page(README)).into_iter().find(|(word, _)| word == "json").unwrap();
    assert_eq!(without_receipt(answer), without_receipt(&shown));
    let receipt = answer.split("receipt:").nth(1).unwrap().trim_end_matches("\"}");
    let found = machine.run("home/portcullis-try", &format!("grep -r -q {receipt} state/audit"));
    assert_eq!(said(&found), "");
    assert!(stop.starts_with("in force since epoch 1, "), "{stop}");
    let log = fs::read_to_string(machine.path("home/portcullis-try/gateway.log")).unwrap();
    assert!(log.contains("\"serving\""), "{log}");

    // Another partner's host, by the page's own line: it would start; in one file alone: it would not.
    let other = steps()[4].replace("PARTNER=api.smarthome.example", "PARTNER=locks.partner.example");
    let check = format!("{PROGRAM} check --config gateway.yaml");
    assert_eq!(said(&machine.run("home/portcullis-try", &format!("{other}{check}"))), "it would start\n");
    let configured = fs::read_to_string(machine.path("home/portcullis-try/gateway.yaml")).unwrap();
    assert!(configured.contains("upstream: https://locks.partner.example:443"));
    let back = "sed -i 's/locks.partner/api.smarthome/' policies/requirements.yaml\n";
    let refused = machine.run("home/portcullis-try", &format!("{back}{check}"));
    assert_eq!(refused.status.code(), Some(1), "the two files disagree");
}

#[test]
fn the_page_in_russian_has_the_same_blocks_and_as_many_headings_in_the_same_order() {
    let (english, russian) = (page(README), page(IN_RUSSIAN));
    assert_eq!(blocks(&english), blocks(&russian));
    let headings = |text: &str| -> Vec<usize> {
        let mut fenced = false;
        let outside = text.lines().filter(|line| {
            fenced ^= line.starts_with("```");
            !fenced
        });
        outside.filter(|line| line.starts_with('#')).map(|line| line.split(' ').next().unwrap().len()).collect()
    };
    assert_eq!(headings(&english), headings(&russian));
    let rows = |text: &str| text.lines().filter(|line| line.starts_with('|') || line.starts_with("- ")).count();
    assert_eq!(rows(&english), rows(&russian), "claims, rows and links");
    assert!(english.lines().take(5).any(|line| line.contains("(docs/ru/README.md)")), "a way from one to the other");
    assert!(russian.lines().take(5).any(|line| line.contains("(../../README.md)")), "and back");
    // Every link leads to where the English one leads, seen from its own folder.
    let targets = |text: &str, folder: &str| -> Vec<PathBuf> {
        let links = text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap().to_owned());
        let files = links.filter(|link| !link.starts_with("https://"));
        let mut all: Vec<PathBuf> =
            files.map(|link| Path::new(ROOT).join(folder).join(link).canonicalize().unwrap()).collect();
        all.sort();
        all.retain(|file| !file.ends_with("README.md") || file.ends_with("certs-example/README.md"));
        all
    };
    assert_eq!(targets(&english, "."), targets(&russian, "docs/ru"));
}
