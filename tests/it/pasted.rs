//! What the documents give to paste: every block for a shell is run, here or by a test that is named, or says why not; and
//! every `portcullis …` in them, also within a line, is one that the program takes, by its own reading of the command line.

use crate::examples::done;
use crate::examples::sample;
use crate::examples::shell;
use crate::harness::inline_code;
use crate::harness::page;
use crate::harness::pages_in;
use crate::harness::shell_blocks;
use portcullis::devkit::GatewayProcess;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_portcullis");

/// Where commands are given to paste. The first page has tests of its own (`first_page.rs`), and its twins are held to it.
const FOLDERS: &[&str] = &["docs", "docs/runbooks", "docs/decisions", "deploy/kubernetes", "fuzz"];

/// Where else a command may stand within a line.
const MORE_FOLDERS: &[&str] = &[".", "certs-example", "docs/ru"];

/// Blocks that another test runs as they stand, by their page and the beginning of their first line.
const RUN_ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "docs/identity.md",
        "portcullis token inspect",
        "tests/it/token_command.rs::what_is_issued_a_gateway_takes_and_what_is_said_of_a_token_is_what_becomes_of_it",
    ),
    (
        "docs/partner-guide.md",
        "set -euo pipefail",
        "tests/it/partner_guide.rs::the_samples_of_the_partners_page_take_what_was_sent_and_nothing_that_was_changed",
    ),
    (
        "docs/editors.md",
        "portcullis schema gateway",
        "tests/it/schemas.rs::the_page_of_editors_is_pasted_and_its_settings_name_what_it_has_made",
    ),
    (
        "docs/approvals.md",
        "ssh-keygen -t ed25519",
        "tests/it/approvals.rs::the_ceremony_of_the_documents_is_followed_as_it_stands",
    ),
    (
        "docs/approvals.md",
        "portcullis approve",
        "tests/it/approvals.rs::the_ceremony_of_the_documents_is_followed_as_it_stands",
    ),
    (
        "docs/approvals.md",
        "ssh-keygen -Y sign",
        "tests/it/approvals.rs::the_ceremony_of_the_documents_is_followed_as_it_stands",
    ),
    (
        "docs/approvals.md",
        "portcullis verify policies --signers",
        "tests/it/approvals.rs::the_ceremony_of_the_documents_is_followed_as_it_stands",
    ),
    (
        "docs/approvals.md",
        "portcullis verify policies --data",
        "tests/it/approvals.rs::the_ceremony_of_the_documents_is_followed_as_it_stands",
    ),
    (
        "docs/operations.md",
        "umask 077",
        "tests/it/directory.rs::the_documents_own_commands_make_a_key_and_send_an_update_that_is_taken",
    ),
    (
        "docs/operations.md",
        "b64()",
        "tests/it/directory.rs::the_documents_own_commands_make_a_key_and_send_an_update_that_is_taken",
    ),
    (
        "docs/operations.md",
        "portcullis audit subject",
        "tests/it/persons.rs::the_documents_own_commands_tell_a_handle_and_propose_an_erasure_that_one_person_cannot_confirm",
    ),
    (
        "docs/operations.md",
        "portcullis audit erase",
        "tests/it/persons.rs::the_documents_own_commands_tell_a_handle_and_propose_an_erasure_that_one_person_cannot_confirm",
    ),
    (
        "docs/audit.md",
        "portcullis audit prove",
        "tests/it/audit_show.rs::the_page_for_investigators_is_followed_as_it_stands",
    ),
    (
        "docs/audit.md",
        "portcullis audit check-proof",
        "tests/it/audit_show.rs::the_page_for_investigators_is_followed_as_it_stands",
    ),
    (
        "docs/audit.md",
        "python3 docs/check_proof.py",
        "tests/it/audit_show.rs::the_page_for_investigators_is_followed_as_it_stands",
    ),
    (
        "docs/audit.md",
        "portcullis audit show --audit state/audit --resource",
        "tests/it/audit_show.rs::the_page_for_investigators_is_followed_as_it_stands",
    ),
    (
        "docs/audit.md",
        "portcullis audit show --audit state/audit --receipt",
        "tests/it/audit_show.rs::the_page_for_investigators_is_followed_as_it_stands",
    ),
    (
        "docs/bundle.md",
        "openssl x509",
        "tests/it/swap.rs::authorities_are_pinned_by_what_the_documents_own_commands_print_and_no_other_is_taken_up",
    ),
];

/// Pages of which another test runs every block, as it stands.
const WHOLE_PAGES: &[(&str, &str)] =
    &[("docs/policy-guide.md", "tests/it/policy_guide.rs::the_guide_leads_from_a_wish_to_a_change_in_force")];

/// How commands begin that no test runs, and why not.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("docs/performance.md", "cargo build --profile dist --locked", "an optimised build takes minutes"),
    ("docs/performance.md", "benches/peers/run.sh ", "a benchmark: minutes, root, two quiet cores, other gateways"),
    ("docs/performance.md", "cargo bench --profile dist --locked --bench ", "a benchmark, and an optimised build"),
    ("docs/performance.md", "taskset -c 1 cargo bench --profile dist ", "a benchmark, and an optimised build"),
    ("deploy/kubernetes/README.md", "kubectl ", "wants a cluster; the page says that nobody has run it"),
];

/// The lines of a block as a shell sees them: joined where one goes on, without comments.
fn commands(block: &str) -> Vec<String> {
    let joined = block.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.split(" #").next().unwrap_or_default().trim());
    let commands = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    commands.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Every block of the documents, by page; who runs one takes it out.
struct Blocks(Vec<(String, String)>);

impl Blocks {
    fn all() -> Self {
        let pages = pages_in(FOLDERS).into_iter();
        Self(
            pages
                .flat_map(|path| shell_blocks(&page(&path)).into_iter().map(move |block| (path.clone(), block)))
                .collect(),
        )
    }

    /// The one block of this page that begins so, once.
    #[track_caller]
    fn take(&mut self, path: &str, begins: &str) -> String {
        let found = self.0.iter().position(|(page, block)| page == path && block.starts_with(begins));
        self.0.remove(found.unwrap_or_else(|| panic!("{path} has no block {begins:?}"))).1
    }
}

/// Whether a test of that name stands in that file.
fn is_test(cited: &str) -> bool {
    let (path, name) = cited.split_once("::").unwrap();
    page(path).contains(&format!("#[test]\nfn {name}()"))
}

#[test]
fn every_block_of_the_documents_is_run_or_says_why_not() {
    let mut left = Blocks::all();
    let sample = sample();
    let folder = sample.path();
    let configuration = folder.join("gateway.yaml");
    let own = [
        ("/etc/portcullis/gateway.yaml", "gateway.yaml"),
        ("/tmp/new/portcullis", "portcullis"),
        ("/var/backups/portcullis/", "backup-of-"),
        ("/var/spool/siem/", ""),
        ("/var/lib/portcullis-export/", ""),
    ];
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    let paste = |block: &str| -> Output {
        let block = own.iter().fold(block.to_owned(), |text, (from, to)| text.replace(from, to));
        shell(folder, &format!("export PATH={programs}:$PATH SUBJECT=person-7\n{block}"))
    };
    let digest = left.take("docs/bundle.md", "find ");
    let digest = done(&shell(&folder.join("policies"), &digest));
    assert_eq!(done(&paste(&left.take("docs/upgrade.md", "/tmp/new/portcullis check"))), "it would start\n");

    let gateway = GatewayProcess::start(PROGRAM, &configuration).unwrap_or_else(|fault| panic!("{fault}"));
    let status = done(&paste(&format!("portcullis status --ops {}", gateway.ops())));
    assert!(
        status.contains(digest.split(' ').next().unwrap()),
        "the digest of the bundle is the one in force: {status}"
    );
    let told = done(&paste(&left.take("docs/operations.md", "portcullis revoke")));
    assert!(told.matches("in force since epoch ").count() == 2 && told.lines().count() > 3, "{told}");

    // The emergency page: stopped, seen, and lifted by two. This one is alone, and is told so.
    let set = left.take("docs/emergency-stop.md", "export GW=");
    let stop = format!("{set}portcullis revoke --config $GW --kind operation openDoor\n");
    assert!(page("docs/emergency-stop.md").contains("`portcullis revoke --config $GW --kind operation openDoor`"));
    assert!(done(&paste(&stop)).starts_with("in force since epoch 3"));
    let see = format!("{set}{}", left.take("docs/emergency-stop.md", "portcullis revocations"));
    assert!(done(&paste(&see)).contains("openDoor"));
    for (path, set) in [("docs/emergency-stop.md", set.as_str()), ("docs/operations.md", "")] {
        let lift = left.take(path, "portcullis lift");
        let [propose, confirm] = &commands(&lift)[..] else { panic!("{lift}") };
        done(&paste(&format!("{set}{propose}")));
        let alone = paste(&format!("{set}{confirm}"));
        let said = String::from_utf8_lossy(&alone.stderr).into_owned();
        assert!(!alone.status.success() && said.contains("same-person"), "{said}");
    }

    let backup = left.take("docs/operations.md", "portcullis backup");
    let [backup, restore] = &commands(&backup)[..] else { panic!("{backup}") };
    done(&paste(backup));
    gateway.terminate().unwrap();
    assert_eq!(gateway.ended().unwrap().0.code(), Some(0));
    // What was revoked is exported, each once, and what comes last is the checkpoint (Event Log Activity, Export).
    assert_eq!(done(&paste(&left.take("docs/export.md", "portcullis audit export"))), "");
    let exported = fs::read_to_string(folder.join("audit.ocsf.jsonl")).unwrap();
    let exported: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let disabled = |event: &&Value| (&event["class_uid"], &event["activity_id"]) == (&json!(3004), &json!(9));
    assert_eq!(exported.iter().filter(disabled).count(), 3, "{exported:#?}");
    let last = exported.last().unwrap();
    assert_eq!((&last["class_uid"], &last["activity_name"]), (&json!(1008), &json!("Export")));
    assert!(folder.join("ocsf.cursor").is_file());
    fs::remove_file(folder.join("state/store.sqlite")).unwrap();
    assert!(done(&paste(restore)).contains("3 revocations"));

    for (path, begins, test) in RUN_ELSEWHERE {
        assert!(is_test(test), "{test}");
        left.take(path, begins);
    }
    for (path, test) in WHOLE_PAGES {
        assert!(is_test(test), "{test}");
        left.0.retain(|(page, _)| page != path);
    }
    let mut reasons: BTreeSet<_> = NOT_RUN.iter().collect();
    for (path, block) in &left.0 {
        for command in commands(block) {
            let reason = NOT_RUN.iter().find(|(page, begins, _)| page == path && command.starts_with(begins));
            reasons
                .remove(reason.unwrap_or_else(|| panic!("{path}: nobody runs `{command}`, and nothing says why not")));
            for word in command.split(' ').filter(|word| word.starts_with("benches/")) {
                assert!(Path::new(ROOT).join(word).exists(), "{path}: {word}");
            }
        }
    }
    assert!(reasons.is_empty(), "reasons for what stands nowhere: {reasons:?}");
}

/// The arguments of the `portcullis` in a command, and whether they are all that belongs to it: `…` stands for more.
pub fn arguments(command: &str) -> Option<(Vec<String>, bool)> {
    let command = command.replace("cargo run -- ", "portcullis ").replace("\\|", "|");
    let words: Vec<&str> = command.split_whitespace().collect();
    let called = |at: &usize| {
        let (word, before) = (words[*at], at.checked_sub(1).map(|before| words[before]));
        // `-u portcullis`, `-n portcullis` are the user, the unit and the namespace.
        (word == "portcullis" || word.ends_with("/portcullis")) && !matches!(before, Some("-u" | "-n"))
    };
    let at = (0..words.len()).rev().find(called)?;
    let mut taken = Vec::new();
    for word in &words[at + 1..] {
        match *word {
            "…" => return Some((taken, false)),
            "|" | "||" | "&" | ">" | "2>" | "--" => break,
            word if word.starts_with("$(") => {
                taken.push("VALUE".to_owned());
                break;
            }
            // `[--option]` may be left out, and of `one|another` the first is tried.
            word => taken.push(word.trim_matches(['[', ']']).split('|').next().unwrap_or_default().to_owned()),
        }
    }
    let named = taken.first().is_some_and(|word| word.chars().all(|letter| letter.is_ascii_lowercase()));
    named.then_some((taken, true))
}

/// Whether the program takes these arguments. They are read by the program itself, which then finds neither configuration
/// nor gateway; where nothing keeps a command from its work, `--help` behind them does.
pub fn is_taken(mut arguments: Vec<String>, whole: bool) -> bool {
    let nowhere = tempfile::tempdir().unwrap();
    let mut harmless = false;
    for at in 1..arguments.len() {
        let elsewhere = match arguments[at - 1].as_str() {
            "--config" => "not-there.yaml",
            "--socket" => "not-there.sock",
            _ => continue,
        };
        elsewhere.clone_into(&mut arguments[at]);
        harmless = whole;
    }
    if !harmless {
        arguments.push("--help".to_owned());
    }
    let mut program = Command::new(PROGRAM);
    let output = program.args(&arguments).current_dir(nowhere.path()).stdin(Stdio::null()).output().unwrap();
    // What is wrong with the command line is told as `error: …`, everything later as `error[…]`.
    match output.status.code() {
        Some(0) => !harmless,
        Some(2) => harmless && output.stderr.starts_with(b"error["),
        _ => false,
    }
}

#[test]
fn every_portcullis_command_in_the_documents_is_one_that_the_program_takes() {
    let taken = |command: &str| arguments(command).is_some_and(|(arguments, whole)| is_taken(arguments, whole));
    assert!(taken("sudo -u portcullis portcullis revoke --config gateway.yaml --kind device phone-7"));
    for wrong in [
        "portcullis open",
        "portcullis config shows",
        "portcullis top --twice",
        "portcullis lift --config gateway.yaml --confirmed openDoor",
        "portcullis revoke --config gateway.yaml --kind dog rex",
        "portcullis revoke --config gateway.yaml --kind device",
    ] {
        assert!(!taken(wrong), "{wrong}");
    }
    let (mut checked, mut wrong) = (BTreeSet::new(), Vec::new());
    for path in pages_in(&[FOLDERS, MORE_FOLDERS].concat()) {
        let text = page(&path);
        let inline = inline_code(&text).into_iter().map(str::to_owned);
        for command in inline.chain(shell_blocks(&text).iter().flat_map(|block| commands(block))) {
            let Some(call) = arguments(&command) else { continue };
            if checked.insert(call.clone()) && !is_taken(call.0, call.1) {
                wrong.push(format!("{path}: {command}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0], "what the program does not take");
    assert!(checked.len() > 50, "{} commands", checked.len());
}
