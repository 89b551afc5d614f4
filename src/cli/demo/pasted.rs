//! `--keep`: everything goes on running, and the terminal shows commands that work when pasted.

use crate::cli::demo::opening::PHONE;
use crate::cli::demo::scene::Scene;
use crate::cli::demo::scene::SceneFault;
use crate::cli::output::say;
use crate::devkit::AUTHORITY;
use std::fs;
use std::io::Write;
use std::time::Duration;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// How often the token file is written anew; a session token lives for five minutes.
const RENEWAL: Duration = Duration::from_secs(120);

/// How often the gateway's log is taken over.
const LOG_PAUSE: Duration = Duration::from_millis(200);

/// The files, below the folder, that the commands read and the log goes to.
const TOKEN: &str = "session.token";
const LOG: &str = "gateway.log";

/// Says the commands, and waits for Ctrl-C or SIGTERM, or for the end of the gateway.
pub(super) fn offer(scene: &mut Scene) -> Result<(), SceneFault> {
    write_token(scene)?;
    take_log(scene)?;
    say(&commands(scene));
    let runtime = scene.runtime.handle().clone();
    let wait = async {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let mut renewal = tokio::time::interval(RENEWAL);
        let mut log = tokio::time::interval(LOG_PAUSE);
        loop {
            tokio::select! {
                _ = interrupted.recv() => return Ok(()),
                _ = terminated.recv() => return Ok(()),
                _ = renewal.tick() => write_token(scene)?,
                _ = log.tick() => if !take_log(scene)? {
                    return Ok(());
                }
            }
        }
    };
    runtime.block_on(wait)
}

/// Replaces the token file, so that a command that reads it at the same time sees one whole token.
fn write_token(scene: &Scene) -> Result<(), SceneFault> {
    let fresh = scene.folder.path("session.token.new");
    fs::write(&fresh, scene.command(PHONE)?.token)?;
    Ok(fs::rename(fresh, scene.folder.path(TOKEN))?)
}

/// Takes over what the gateway has said; whether it still runs.
fn take_log(scene: &mut Scene) -> Result<bool, SceneFault> {
    let Some(lines) = scene.gateway.said() else { return Ok(false) };
    let mut file = fs::OpenOptions::new().append(true).create(true).open(scene.folder.path(LOG))?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    Ok(true)
}

fn commands(scene: &Scene) -> String {
    let port = scene.gateway.backend().port();
    let path = |name: &str| scene.folder.path(name).display().to_string();
    let curl = |target: &str, body: &str| {
        format!(
            "curl -sS -i --resolve {AUTHORITY}:{port}:127.0.0.1 --cacert {ca} --cert {certificate} --key {key} \\\n    \
             -H \"Authorization: Bearer $(cat {token})\" -H \"Command-Time: @$(date +%s)\" \\\n    \
             -H \"Idempotency-Key: $(date +%s%N)\" -H 'Content-Type: application/json' \\\n    \
             -d '{body}' https://{AUTHORITY}:{port}{target}",
            ca = path("pki/gateway-authority.pem"),
            certificate = path("pki/backend.pem"),
            key = path("pki/backend.key"),
            token = path(TOKEN),
        )
    };
    let good = r#"{"userId":"resident-ivanov"}"#;
    let program = scene.program.display();
    format!(
        "\nEverything goes on running until Ctrl-C. To paste:\n\n\
         # open the door\n{}\n\n\
         # another company's house: 404\n{}\n\n\
         # an undeclared field: 400\n{}\n\n\
         # the last records\ncat {}/*.jsonl | tr -d '\\000' | tail -n 2\n\n\
         # metrics\ncurl -sS http://{}/metrics | grep decisions\n\n\
         # take the phone's rights away: then the first command is 403\n\
         {program} revoke --config {} --kind device --tenant north {PHONE}\n\n\
         # the gateway's log\ntail -n 5 {}\n",
        curl("/v1/houses/house-1/doors/door-1/open", good),
        curl("/v1/houses/house-2/doors/door-1/open", good),
        curl("/v1/houses/house-1/doors/door-1/open", r#"{"userId":"resident-ivanov","passport":"4509 123456"}"#),
        path("state/audit"),
        scene.gateway.ops(),
        path("gateway.yaml"),
        path(LOG),
    )
}
