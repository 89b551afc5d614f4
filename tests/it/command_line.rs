//! The program as people and scripts meet it: exit codes, what goes to which output, and what is kept from both.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;

use parking_lot::Mutex;
use portcullis::admin::Acts;
use portcullis::admin::AdminSocket;
use portcullis::admin::Persons;
use portcullis::model::Actor;
use portcullis::model::Epoch;
use portcullis::model::Reason;
use portcullis::model::Receipt;
use portcullis::pipeline::Act;
use portcullis::pipeline::ActRefusal;
use portcullis::pipeline::ActReply;
use portcullis::pipeline::Acted;
use portcullis::tasks::Tasks;

const RECEIPT: Receipt = Receipt::new([7; 16]);

fn portcullis(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Who does not read its input may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Exit code, standard output and standard error.
fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A gateway that does nothing but take orders.
struct Taking {
    orders: Mutex<Vec<Act>>,
    outcome: Result<Epoch, Reason>,
}

impl Acts for Taking {
    async fn act(&self, act: Act, _by: Actor) -> ActReply {
        self.orders.lock().push(act);
        let outcome = self.outcome.map(Acted::Revoked).map_err(ActRefusal::from);
        ActReply { outcome, receipt: Some(RECEIPT) }
    }
}

/// Runs `portcullis revoke` with `arguments` against a gateway that answers with `outcome`.
fn revoked(outcome: Result<Epoch, Reason>, arguments: &[&str], input: &str) -> ((i32, String, String), Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let taking = Arc::new(Taking { orders: Mutex::default(), outcome });
    let socket = AdminSocket::bind(&path, Persons::owner()).unwrap();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serve = {
        let taking = Arc::clone(&taking);
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    stopped = socket.serve(taking, Tasks::new()) => panic!("{stopped:?}"),
                    _ = ended => {}
                }
            });
        }
    };
    let serving = std::thread::Builder::new().spawn(serve).unwrap();
    let output = portcullis(&[&["revoke", "--socket", path.to_str().unwrap()], arguments].concat(), input);
    drop(end);
    serving.join().unwrap();
    let orders = taking.orders.lock();
    let shown = |act: &Act| match act {
        Act::Revoke(order) => format!("{:?} {:?} {}", order.kind, order.tenant, order.value.expose()),
        other => format!("{other:?}"),
    };
    (told(output), orders.iter().map(shown).collect())
}

fn place_without_gateway() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(folder.path()).join("admin.sock").to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn version_tells_the_hybrid_key_exchange_to_machines() {
    let (code, out, err) = told(portcullis(&["version", "--format", "json"], ""));
    assert_eq!((code, err.as_str()), (0, ""));
    let version: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(version["tls_groups"][0], "X25519MLKEM768");
}

#[test]
fn what_cannot_run_exits_with_2_and_says_why_on_standard_error() {
    for arguments in [&[] as &[&str], &["open-sesame"], &["version", "--loud"], &["revoke", "--kind", "device", "d"]] {
        let (code, out, err) = told(portcullis(arguments, ""));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains("Usage:"), "{arguments:?}: {err}");
    }
}

#[test]
fn a_value_from_standard_input_is_revoked_and_not_said_again() {
    let arguments = ["--kind", "subject", "--tenant", "north", "--format", "json", "-"];
    let ((code, out, err), orders) = revoked(Ok(Epoch::new(7)), &arguments, "canary-7\n");
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, format!("{{\"ok\":true,\"epoch\":7,\"receipt\":\"{RECEIPT}\",\"state\":\"local\"}}\n"));
    assert_eq!(orders, ["Subject Some(\"north\") canary-7"]);
}

#[test]
fn people_are_told_epoch_and_receipt() {
    let ((code, out, _), _) = revoked(Ok(Epoch::new(7)), &["--kind", "device", "phone-7"], "");
    assert_eq!((code, out), (0, format!("in force since epoch 7, receipt {RECEIPT}, state local\n")));
}

#[test]
fn a_revocation_that_may_not_last_is_no_success() {
    let arguments = ["--kind", "device", "--format", "json", "canary-7"];
    let ((code, out, err), _) = revoked(Err(Reason::NotLasting), &arguments, "");
    assert_eq!(code, 2);
    assert_eq!(out, format!("{{\"ok\":false,\"error\":\"not-lasting\",\"receipt\":\"{RECEIPT}\"}}\n"));
    assert!(err.starts_with("error[not-lasting]: ") && !err.contains("canary"), "{err}");
}

#[test]
fn without_a_gateway_nothing_is_revoked() {
    let (_folder, socket) = place_without_gateway();
    let (code, out, err) = told(portcullis(&["revoke", "--socket", &socket, "--kind", "device", "canary-7"], ""));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error[not-reached]: ") && !err.contains("canary"), "{err}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_as_a_diagnostic() {
    let (folder, _) = place_without_gateway();
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, "version: 1\nlisteneers: {}\n").unwrap();
    let file = file.to_str().unwrap();
    for command in [&["run"] as &[&str], &["revoke", "--kind", "token", "canary-7"]] {
        let (code, out, err) = told(portcullis(&[command, &["--config", file]].concat(), ""));
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains("gateway.yaml:2:1") && err.contains("did you mean `listeners`?"), "{err}");
    }
}

#[test]
fn the_sample_configuration_names_the_socket() {
    // Not where it lies: somebody may run a gateway there.
    let (folder, _) = place_without_gateway();
    let file = folder.path().join("gateway.yaml");
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/gateway.yaml"), &file).unwrap();
    std::fs::create_dir(folder.path().join("state")).unwrap();
    let (code, _, err) =
        told(portcullis(&["revoke", "--config", file.to_str().unwrap(), "--kind", "token", "canary-7"], ""));
    assert_eq!(code, 2);
    assert!(err.starts_with("error[not-reached]: ") && err.contains("admin.sock"), "{err}");
}

#[test]
fn a_real_shell_completes_commands_and_options_and_every_page_of_the_manual_is_written() {
    let (folder, _) = place_without_gateway();
    let (code, script, err) = told(portcullis(&["completions", "bash"], ""));
    assert_eq!((code, err.as_str()), (0, ""));
    let file = folder.path().join("portcullis.bash");
    std::fs::write(&file, script).unwrap();
    let completed = |words: &str, count: usize| {
        let ask = "source \"$0\"; COMP_WORDS=($1); COMP_CWORD=$2; _portcullis portcullis \"${COMP_WORDS[$2]}\" \"\"; echo \"${COMPREPLY[@]}\"";
        let mut shell = Command::new("bash");
        shell.args(["--norc", "-c", ask]).arg(&file).args([words, &count.to_string()]);
        String::from_utf8(shell.output().unwrap().stdout).unwrap().trim().to_owned()
    };
    assert_eq!(completed("portcullis expi", 1), "expiries");
    assert_eq!(completed("portcullis status --wa", 2), "--watch");
    assert_eq!(completed("portcullis config sh", 2), "show");
    let man = folder.path().join("man1");
    let (code, out, _) = told(portcullis(&["man", man.to_str().unwrap()], ""));
    let pages = std::fs::read_dir(&man).unwrap().count();
    assert_eq!((code, out), (0, format!("{pages} pages in {}\n", man.display())));
    assert!(man.join("portcullis-restore.1").exists());
}
