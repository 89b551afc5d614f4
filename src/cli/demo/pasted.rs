//! `--keep`: everything goes on running, and the terminal shows commands that work when pasted.

use crate::cli::demo::events;
use crate::cli::demo::opening::PHONE;
use crate::cli::demo::scene::Scene;
use crate::cli::demo::scene::SceneFault;
use crate::cli::demo::scene::StepFault;
use crate::cli::output::say;
use crate::devkit::AUTHORITY;
use crate::devkit::Errand;
use crate::devkit::Household;
use crate::devkit::NORTH;
use crate::devkit::PUBLIC_URL;
use crate::devkit::SOUTH;
use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// How often tokens and nonce are written anew; tokens live for five minutes, a nonce is good for one at least.
const RENEWAL: Duration = Duration::from_secs(30);

/// How often the gateway's log is taken over.
const LOG_PAUSE: Duration = Duration::from_millis(200);

/// The file, below the folder, that the log goes to.
const LOG: &str = "gateway.log";

/// The longest body that is shown in a command, in bytes.
const LONGEST_SHOWN: usize = 200;

/// What stands in an errand where its key goes: a new one each time that the command is pasted.
const KEY: &str = "NEW-KEY";

/// The program, beside it, that makes proofs as an app does, for a method, a URL and a token.
const PROVE: &str = "prove.sh";

/// What it puts into a proof while the gateway wants its nonce there.
const NONCE: &str = "nonce.json";

/// What happens while it is waited.
enum Event {
    End,
    Renewal,
    Log,
}

/// Says the commands, and waits for Ctrl-C or SIGTERM, or for the end of the gateway.
pub(super) fn offer(scene: &mut Scene) -> Result<(), SceneFault> {
    write_prover(scene)?;
    for household in [NORTH, SOUTH] {
        write_tokens(scene, &household)?;
    }
    write_nonce(scene)?;
    take_log(scene)?;
    say(&commands(scene)?);
    let runtime = scene.runtime.handle().clone();
    let (mut interrupted, mut terminated, mut renewal, mut log) = runtime.block_on(async {
        let signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let renewal = tokio::time::interval(RENEWAL);
        Ok::<_, io::Error>((signals.0, signals.1, renewal, tokio::time::interval(LOG_PAUSE)))
    })?;
    loop {
        let event = runtime.block_on(async {
            tokio::select! {
                _ = interrupted.recv() => Event::End,
                _ = terminated.recv() => Event::End,
                _ = renewal.tick() => Event::Renewal,
                _ = log.tick() => Event::Log,
            }
        });
        match event {
            Event::End => return Ok(()),
            Event::Renewal => renew(scene)?,
            Event::Log => {
                if !take_log(scene)? {
                    return Ok(());
                }
            }
        }
    }
}

/// Everything that ends by itself, anew. Whoever was revoked meanwhile gets no session, and keeps the old one.
fn renew(scene: &Scene) -> Result<(), SceneFault> {
    for household in [NORTH, SOUTH] {
        match write_tokens(scene, &household) {
            Err(SceneFault::Step(StepFault::Refused(..))) | Ok(()) => {}
            Err(fault) => return Err(fault),
        }
    }
    write_nonce(scene)
}

/// Replaces the token files of a household.
fn write_tokens(scene: &Scene, household: &Household) -> Result<(), SceneFault> {
    let claims = scene.folder.member_of(household, &scene.folder.login, scene.now());
    replace(scene, &sign_in_of(household), &scene.folder.login.mint(&claims)?)?;
    Ok(replace(scene, &session_of(household), &scene.session(&claims)?.token)?)
}

/// Writes the nonce that the gateway wants in proofs now; none where it wants none.
fn write_nonce(scene: &Scene) -> Result<(), SceneFault> {
    let reading = scene.errand(&SOUTH, "readDoor")?;
    scene.nonce.replace(None);
    scene.give(&reading)?;
    let nonce = scene.nonce.borrow().as_deref().map(|nonce| format!(r#","nonce":"{nonce}""#));
    Ok(replace(scene, NONCE, &nonce.unwrap_or_default())?)
}

/// Replaces a file, so that a command that reads it at the same time sees one whole text.
fn replace(scene: &Scene, name: &str, text: &str) -> io::Result<()> {
    let fresh = scene.folder.path("new");
    fs::write(&fresh, text)?;
    fs::rename(fresh, scene.folder.path(name))
}

/// Writes the program that makes proofs, and the app's key for it.
fn write_prover(scene: &Scene) -> Result<(), SceneFault> {
    let key = scene.folder.path("pki/app.key");
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(key)?;
    file.write_all(scene.app_pem.expose())?;
    let header = scene.app.header("");
    fs::write(scene.folder.path(PROVE), PROVER.replace("HEADER", &header).replace("NONCE", NONCE))?;
    Ok(())
}

/// A proof by openssl: a JWS (RFC 7515 §7.1) with a signature by Ed25519.
const PROVER: &str = r#"# sh prove.sh METHOD URL TOKEN: a proof of possession (RFC 9449) by the app's key, for one request
set -eu
cd "$(dirname "$0")"
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
header=$(printf '%s' 'HEADER' | b64)
ath=$(printf '%s' "$3" | openssl dgst -sha256 -binary | b64)
claims=$(printf '{"jti":"%s","htm":"%s","htu":"%s","iat":%s,"ath":"%s"%s}'     "$(openssl rand -hex 16)" "$1" "$2" "$(date +%s)" "$ath" "$(cat NONCE)" | b64)
signed=$(mktemp ./proof-XXXXXX)
printf '%s.%s' "$header" "$claims" > "$signed"
signature=$(openssl pkeyutl -sign -rawin -inkey pki/app.key -in "$signed" | b64)
rm "$signed"
printf '%s.%s.%s' "$header" "$claims" "$signature"
"#;

fn sign_in_of(household: &Household) -> String {
    format!("{}.sign-in", household.tenant)
}

fn session_of(household: &Household) -> String {
    format!("{}.session", household.tenant)
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

/// The curl command of an errand: with the sign-in token for what only reads, with the session and a proof for all else. What a body holds that is long goes into a file beside the tokens.
fn curl(scene: &Scene, household: &Household, errand: &Errand) -> Result<String, SceneFault> {
    let (authority, method, port) = (errand.authority, errand.method, scene.gateway.backend().port());
    let path = |name: &str| scene.folder.path(name).display().to_string();
    let target = errand.target.replace(KEY, "$key");
    let proven = errand.method != "GET";
    let mut command = String::new();
    if proven {
        // Read once: token and proof belong together also while the file is replaced.
        command.push_str(&format!("session=$(cat {}) key=$(date +%s%N)\n", path(&session_of(household))));
    }
    command.push_str(&format!(
        "curl -sS -i -X {method} --resolve {authority}:{port}:127.0.0.1 --cacert {ca} --cert {certificate} --key {key} \\\n    ",
        ca = path("pki/gateway-authority.pem"),
        certificate = path("pki/backend.pem"),
        key = path("pki/backend.key"),
    ));
    if proven {
        let signed = target.split('?').next().unwrap_or_default();
        command.push_str(&format!(
            "-H \"Authorization: DPoP $session\" -H \"DPoP: $(sh {prove} {method} {PUBLIC_URL}{signed} $session)\" \\\n    ",
            prove = path(PROVE),
        ));
    } else {
        let token = path(&sign_in_of(household));
        command.push_str(&format!("-H \"Authorization: Bearer $(cat {token})\" \\\n    "));
    }
    if errand.moves {
        command.push_str("-H \"Idempotency-Key: $key\" \\\n    ");
    }
    if let Some(body) = &errand.body {
        command.push_str("-H 'Content-Type: application/json' ");
        if body.len() > LONGEST_SHOWN {
            let file = scene.folder.path(&format!("{}-{}.json", household.tenant, errand.operation));
            fs::write(&file, body)?;
            command.push_str(&format!("-d @{} \\\n    ", file.display()));
        } else {
            command.push_str(&format!("-d '{}' \\\n    ", body.replace(KEY, "'\"$key\"'")));
        }
    }
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
