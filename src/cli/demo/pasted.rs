//! `--keep`: everything goes on running, and the terminal shows commands that work when pasted.

use crate::cli::demo::events;
use crate::cli::demo::opening::PHONE;
use crate::cli::demo::scene::Scene;
use crate::cli::demo::scene::SceneFault;
use crate::cli::output::say;
use crate::devkit::AUTHORITY;
use crate::devkit::Errand;
use crate::devkit::Household;
use crate::devkit::NORTH;
use crate::devkit::SOUTH;
use std::fs;
use std::io::Write;
use std::time::Duration;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// How often the token file is written anew; a session token lives for five minutes.
const RENEWAL: Duration = Duration::from_secs(120);

/// How often the gateway's log is taken over.
const LOG_PAUSE: Duration = Duration::from_millis(200);

/// The file, below the folder, that the log goes to.
const LOG: &str = "gateway.log";

/// The longest body that is shown in a command, in bytes.
const LONGEST_SHOWN: usize = 200;

/// What stands in an errand where its key goes: a new one each time that the command is pasted.
const KEY: &str = "NEW-KEY";

/// Says the commands, and waits for Ctrl-C or SIGTERM, or for the end of the gateway.
pub(super) fn offer(scene: &mut Scene) -> Result<(), SceneFault> {
    write_tokens(scene)?;
    take_log(scene)?;
    say(&commands(scene)?);
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
                _ = renewal.tick() => write_tokens(scene)?,
                _ = log.tick() => if !take_log(scene)? {
                    return Ok(());
                }
            }
        }
    };
    runtime.block_on(wait)
}

/// Replaces the token files, so that a command that reads one at the same time sees one whole token.
fn write_tokens(scene: &Scene) -> Result<(), SceneFault> {
    for household in [NORTH, SOUTH] {
        let claims = scene.folder.member_of(&household, &scene.folder.sessions, scene.now());
        let fresh = scene.folder.path("session.token.new");
        fs::write(&fresh, scene.folder.sessions.mint(&claims)?)?;
        fs::rename(fresh, scene.folder.path(&token_of(&household)))?;
    }
    Ok(())
}

fn token_of(household: &Household) -> String {
    format!("{}.token", household.tenant)
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

/// The curl command of an errand. What a body holds that is long goes into a file beside the tokens.
fn curl(scene: &Scene, household: &Household, errand: &Errand) -> Result<String, SceneFault> {
    let (authority, method, port) = (errand.authority, errand.method, scene.gateway.backend().port());
    let path = |name: &str| scene.folder.path(name).display().to_string();
    let mut command = format!(
        "curl -sS -i -X {method} --resolve {authority}:{port}:127.0.0.1 --cacert {ca} --cert {certificate} --key {key} \\\n    \
         -H \"Authorization: Bearer $(cat {token})\" \\\n    ",
        ca = path("pki/gateway-authority.pem"),
        certificate = path("pki/backend.pem"),
        key = path("pki/backend.key"),
        token = path(&token_of(household)),
    );
    if errand.moves {
        command.push_str("-H \"Command-Time: @$(date +%s)\" -H \"Idempotency-Key: $(date +%s%N)\" \\\n    ");
    }
    if let Some(body) = &errand.body {
        command.push_str("-H 'Content-Type: application/json' ");
        if body.len() > LONGEST_SHOWN {
            let file = scene.folder.path(&format!("{}-{}.json", household.tenant, errand.operation));
            fs::write(&file, body)?;
            command.push_str(&format!("-d @{} \\\n    ", file.display()));
        } else {
            command.push_str(&format!("-d '{}' \\\n    ", body.replace(KEY, "'\"$(date +%s%N)\"'")));
        }
    }
    let target = errand.target.replace(KEY, "$(date +%s%N)");
    command.push_str(&format!("\"https://{authority}:{port}{target}\""));
    Ok(command)
}

fn commands(scene: &Scene) -> Result<String, SceneFault> {
    let path = |name: &str| scene.folder.path(name).display().to_string();
    let program = scene.program.display();
    let mut text = String::from("\nEverything goes on running until Ctrl-C. To paste:\n\n");
    for household in [NORTH, SOUTH] {
        for errand in household.errands(KEY) {
            let command = curl(scene, &household, &errand)?;
            text.push_str(&format!("# {} of {}\n{command}\n\n", errand.operation, household.tenant));
        }
    }
    let opening = NORTH.errands(KEY).into_iter().find(|errand| errand.operation == "openDoor");
    if let Some(errand) = opening {
        let target = errand.target.replace(NORTH.house, SOUTH.house);
        let elsewhere = curl(scene, &NORTH, &Errand { target, ..errand.clone() })?;
        let body = Some(format!(r#"{{"userId":"{}","passport":"4509 123456"}}"#, NORTH.person));
        let undeclared = curl(scene, &NORTH, &Errand { body, ..errand })?;
        text.push_str(&format!(
            "# another company's house: 404\n{elsewhere}\n\n# an undeclared field: 400\n{undeclared}\n\n"
        ));
    }
    text.push_str(&of_events(scene)?);
    text.push_str(&format!(
        "# the last records\ncat {}/*.jsonl | tr -d '\\000' | tail -n 2\n\n\
         # metrics\ncurl -sS http://{}/metrics | grep decisions\n\n\
         # take the phone's rights away: then openDoor of north is 403\n\
         {program} revoke --config {} --kind device --tenant north {PHONE}\n\n\
         # the gateway's log\ntail -n 5 {}\n",
        path("state/audit"),
        scene.gateway.ops(),
        path("gateway.yaml"),
        path(LOG),
    ));
    Ok(text)
}

/// The commands by which backend and partner tell events, and what must fail of them.
fn of_events(scene: &Scene) -> Result<String, SceneFault> {
    let path = |name: &str| scene.folder.path(name).display().to_string();
    let partners = scene.door_of_partners()?.port();
    let kept = |name: &str, body: String| fs::write(scene.folder.path(name), body).map(|()| path(name));
    let ended = kept("grant-revoked.json", events::ended_grant(scene, ""))?;
    let undeclared = kept("undeclared.json", events::ended_grant(scene, r#""passport":"4509 123456","#))?;
    let let_in = kept("access-granted.json", events::let_in(scene, NORTH.house))?;
    let other = kept("other-door.json", events::let_in(scene, NORTH.house).replace("door-1", "door-2"))?;
    let elsewhere = kept("other-house.json", events::let_in(scene, SOUTH.house))?;
    let call = |port: u16, identity: &str| {
        format!(
            "curl -sS -i --resolve {AUTHORITY}:{port}:127.0.0.1 --cacert {} --cert {} --key {} \\\n    \
             -H 'Content-Type: application/json'",
            path("pki/gateway-authority.pem"),
            path(&format!("pki/{identity}.pem")),
            path(&format!("pki/{identity}.key")),
        )
    };
    let announce = |body: &str| {
        let (port, target) = (scene.gateway.backend().port(), events::PATH);
        let call = call(port, "backend");
        format!(
            "{call} -H \"Idempotency-Key: $(date +%s%N)\" \\\n    \
             --data-binary @{body} \"https://{AUTHORITY}:{port}{target}\""
        )
    };
    let report = |signed: &str, sent: &str| {
        let (call, secret, target) =
            (call(partners, "partner-client"), path("pki/partner-events.secret"), events::PATH);
        format!(
            "id=msg_$(date +%s%N) at=$(date +%s)\n\
             secret=$(sed 's/^whsec_//' {secret} | base64 -d | od -An -v -tx1 | tr -d ' \\n')\n\
             code=$({{ printf '%s.%s.' \"$id\" \"$at\"; cat {signed}; }} \\\n    \
             | openssl dgst -sha256 -mac HMAC -macopt \"hexkey:$secret\" -binary | base64)\n\
             {call} -H \"webhook-id: $id\" -H \"webhook-timestamp: $at\" -H \"webhook-signature: v1,$code\" \\\n    \
             --data-binary @{sent} \"https://{AUTHORITY}:{partners}{target}\""
        )
    };
    Ok(format!(
        "# the backend announces an event: 202, then delivered\n{}\n\n\
         # an announced event with an undeclared field: 400\n{}\n\n\
         # the partner reports an event: 204, then delivered\n{}\n\n\
         # other bytes than the signed ones: 403\n{}\n\n\
         # an event about somebody in another company's house: 400\n{}\n\n\
         # deliveries\ncurl -sS http://{}/metrics | grep deliveries_total\n\n",
        announce(&ended),
        announce(&undeclared),
        report(&let_in, &let_in),
        report(&let_in, &other),
        report(&elsewhere, &elsewhere),
        scene.gateway.ops(),
    ))
}
