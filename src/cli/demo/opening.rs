//! One opening of a door, step by step: sign-in token, session, the proof of the app's key, the command, what the partner did, what came back,
//! and what is on record.

use crate::cli::demo::refusals::judged;
use crate::cli::demo::refusals::refused;
use crate::cli::demo::scene::Command;
use crate::cli::demo::scene::Scene;
use crate::cli::demo::session::Proof;
use crate::cli::demo::session::Session;
use crate::cli::demo::session::rights_in;
use crate::cli::demo::story::Shown;
use crate::cli::demo::story::Story;
use crate::devkit::BackendAnswer;
use crate::devkit::LOGIN_ISSUER;
use crate::model::SigningRole;

/// The resident's phone.
pub(super) const PHONE: &str = "phone-of-ivanov";

/// Plays it.
pub(super) fn play(scene: &mut Scene, story: &mut Story) {
    story.chapter("What happens when a door opens");
    story.tell("0 the bundle is signed", signed(scene));
    story.tell("1 sign-in token", sign_in(scene));
    let given = exchange(scene);
    story.tell("2 exchanged for a session", given.as_ref().map_err(Clone::clone).and_then(session));
    let command = given.map(|session| scene.opening(PHONE, session.token));
    story.tell("3 the app's proof", command.as_ref().map_err(Clone::clone).and_then(|command| nonce(scene, command)));
    let answer = command.and_then(|command| scene.give(&command).map_err(|fault| fault.to_string()));
    let seen = |show: &dyn Fn(&BackendAnswer) -> Shown| answer.as_ref().map_err(Clone::clone).and_then(show);
    story.tell("4 the backend asks", seen(&asked));
    story.tell("5 the partner acts", seen(&|_| acted(scene)));
    story.tell("6 the backend is told", seen(&told));
    story.tell("7 it is on record", seen(&|answer| recorded(scene, answer)));
}

/// Nothing is served by a bundle that was not signed by all three.
fn signed(scene: &Scene) -> Shown {
    let told = scene.verified().map_err(|error| error.to_string())?;
    let counts = told.lines().filter(|line| line.ends_with(": counts")).count();
    if counts == SigningRole::ALL.len() && told.contains("\nin force since ") {
        Ok(format!("{}: by throw-away keys, each once", SigningRole::ALL.map(SigningRole::says).join(", ")))
    } else {
        Err(told)
    }
}

/// A person is signed in; that alone opens nothing.
fn sign_in(scene: &Scene) -> Shown {
    let sign_in = scene.folder.login.mint(&scene.folder.resident(&scene.folder.login, scene.now()));
    let command = sign_in.map(|token| Command { proof: Proof::Certificate, ..scene.opening(PHONE, token) });
    let answer = command.map_err(Into::into).and_then(|command| scene.give(&command));
    let answer = answer.map_err(|fault| fault.to_string())?;
    judged(scene, refused(403, "session-required"), scene.moved(), &answer)
        .map(|shown| format!("{LOGIN_ISSUER} says who it is; that moves no door: {shown}"))
}

/// The backend exchanges it, with a proof by the app's key; what is asked for and is not the resident's is left out.
fn exchange(scene: &Scene) -> Result<Session, String> {
    let claims = scene.folder.resident(&scene.folder.login, scene.now());
    let wanted = rights_in(&claims.clone().door_access("house-1", Some("door-2"), &["open"]));
    scene.session_of(&claims, &wanted).map_err(|fault| fault.to_string())
}

fn session(session: &Session) -> Shown {
    let Session { kind, lifetime_s, rights, .. } = session;
    if (kind.as_str(), rights.as_slice()) != ("DPoP", &["open door-1 of house-1".to_owned()]) {
        return Err(format!("a session of type {kind} to {}", rights.join(", ")));
    }
    Ok(format!("asked to open door-1 and door-2, given {}: {lifetime_s} s, for the app's key alone", rights.join(", ")))
}

/// A gateway that has just started takes no proof that an earlier run may have seen: it asks for one with its nonce.
fn nonce(scene: &Scene, command: &Command) -> Shown {
    scene.nonce.replace(None);
    let proof = scene.proof_of(command, None).map_err(|fault| fault.to_string())?.ok_or("no proof")?;
    let command = Command { proof: Proof::This(proof), ..command.clone() };
    let answer = scene.give(&command).map_err(|fault| fault.to_string())?;
    let shown = judged(scene, refused(401, "dpop-nonce-needed"), scene.moved(), &answer)?;
    Ok(format!("just started, it wants its nonce in the proof: {shown}"))
}

fn asked(answer: &BackendAnswer) -> Shown {
    let receipt = answer.header("receipt-id").unwrap_or("none");
    match answer.status {
        200 => Ok(format!("POST /v1/houses/house-1/doors/door-1/open: 200, receipt {receipt}")),
        status => Err(format!("{status}: {}", answer.text())),
    }
}

fn acted(scene: &Scene) -> Shown {
    let moved = scene.partner.actuations("house-1", "door-1");
    let seen: Vec<u8> = scene.partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
    let seen = String::from_utf8_lossy(&seen);
    let person = scene.first_known();
    if moved != 1 || seen.contains("ivanov") || !person.starts_with("p1.") {
        return Err(format!("door-1 moved {moved} times, for `{person}`"));
    }
    let short: String = person.chars().take(16).collect();
    Ok(format!("certificate and one-time token are good: door-1 moves, for somebody called {short}…"))
}

fn told(answer: &BackendAnswer) -> Shown {
    let text = answer.text();
    if text.contains(r#""status":"opened""#) && text.contains(r#""userId":"resident-ivanov""#) {
        Ok(format!("{text}: the pseudonym is turned back"))
    } else {
        Err(text)
    }
}

fn recorded(scene: &Scene, answer: &BackendAnswer) -> Shown {
    let receipt = answer.header("receipt-id").ok_or("the answer has no receipt")?;
    let records = scene.records(receipt).map_err(|error| error.to_string())?;
    match records.as_slice() {
        [intent, outcome] if intent.text("kind") == Some("intent") && outcome.text("state") == Some("done") => {
            let policies = intent.policies();
            Ok(format!("intent, durable before a byte left (permitted by {policies}); outcome {}", outcome.why()))
        }
        others => Err(format!("{} records bear the receipt", others.len())),
    }
}
