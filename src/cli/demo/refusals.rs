//! What must fail, and does: each is tried for real, and told with what stopped it and the receipt.

use crate::cli::demo::opening::PHONE;
use crate::cli::demo::scene::Command;
use crate::cli::demo::scene::Scene;
use crate::cli::demo::scene::StepFault;
use crate::cli::demo::session::Proof;
use crate::cli::demo::session::fresh_key;
use crate::cli::demo::session::rights_in;
use crate::cli::demo::story::Shown;
use crate::cli::demo::story::Story;
use crate::clock::UnixSeconds;
use crate::devkit::AUTHORITY;
use crate::devkit::BackendAnswer;
use crate::devkit::BackendFault;
use crate::devkit::Misbehaviour;
use crate::devkit::NORTH;
use crate::devkit::TokenClaims;

/// What is to come of a command.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    pub(super) status: u16,
    /// As the record names it.
    pub(super) reason: &'static str,
    /// How often a door moves for it.
    pub(super) moves: u64,
}

/// Plays all of it.
pub(super) fn play(scene: &mut Scene, story: &mut Story) {
    story.chapter("What must fail, and does");
    for (name, expected, change) in TRIALS {
        story.tell(name, tried(scene, *expected, *change));
    }
    let elsewhere = |scene: &Scene| {
        let claims = scene.folder.resident(&scene.folder.login, scene.now()).without("authorization_details");
        claims.door_access("house-2", Some("door-1"), &["open"])
    };
    story.tell("a session for another company", unexchanged(scene, "policy-denied", elsewhere));
    let expired = |scene: &Scene| {
        let long_ago = UnixSeconds::new(scene.now().get().saturating_sub(600));
        scene.folder.resident(&scene.folder.login, long_ago)
    };
    story.tell("a session for an expired token", unexchanged(scene, "token-expired", expired));
    story.tell("a proof used twice", proof_used_twice(scene));
    story.tell("no client certificate", without_certificate(scene));
    story.tell("the same command twice", repeated(scene));
    scene.partner.behave(Misbehaviour::FullProfile);
    let whole = Expected { status: 502, reason: "answer-undeclared", moves: 1 };
    story.tell("the partner tells a full profile", tried(scene, whole, |_, _| Ok(())));
    let other_house = Misbehaviour::Altered { from: r#""houseId":"house-1""#, to: r#""houseId":"house-2""# };
    scene.partner.behave(other_house);
    let whole = Expected { status: 502, reason: "answer-undeclared", moves: 0 };
    let events = |scene: &Scene, command: &mut Command| {
        *command = scene.errand(&NORTH, "readEvents")?;
        Ok(())
    };
    story.tell("an event of another house", tried(scene, whole, events));
    scene.partner.behave_well();
    story.tell("a lost phone, revoked", revoked(scene));
}

/// What is changed in a good command.
type Change = fn(&Scene, &mut Command) -> Result<(), StepFault>;

/// Commands that are refused before anything leaves.
const TRIALS: &[(&str, Expected, Change)] = &[
    ("another company's house", refused(404, "policy-denied"), |_, command| {
        command.target = "/v1/houses/house-2/doors/door-1/open".to_owned();
        Ok(())
    }),
    ("a door that is not in the session", refused(404, "policy-denied"), |_, command| {
        command.target = "/v1/houses/house-1/doors/door-2/open".to_owned();
        Ok(())
    }),
    ("a barrier, asked of the other partner", refused(404, "unknown-operation"), |scene, command| {
        *command = scene.errand(&NORTH, "openBarrier")?;
        command.authority = AUTHORITY;
        Ok(())
    }),
    ("a plate in the clear", refused(400, "protection-failed"), |scene, command| {
        *command = scene.errand(&NORTH, "syncPlate")?;
        command.body = r#"{"plate":"A001AA77"}"#.to_owned();
        Ok(())
    }),
    ("an undeclared field", refused(400, "body-invalid"), |_, command| {
        command.body =
            r#"{"userId":"resident-ivanov","deviceId":"phone-of-ivanov","passport":"4509 123456"}"#.to_owned();
        Ok(())
    }),
    ("somebody else's id", refused(403, "identifier-mismatch"), |_, command| {
        command.body = r#"{"userId":"resident-petrov","deviceId":"phone-of-ivanov"}"#.to_owned();
        Ok(())
    }),
    ("a stolen session, another's key", refused(401, "cnf-mismatch"), |_, command| {
        command.proof = Proof::Stranger;
        Ok(())
    }),
    ("a proof for another door", refused(401, "dpop-proof-invalid"), |_, command| {
        command.proof = Proof::For("/v1/houses/house-1/doors/door-2/open");
        Ok(())
    }),
    ("a command of half a minute ago", refused(403, "command-too-old"), |scene, command| {
        command.at = Some(UnixSeconds::new(scene.now().get().saturating_sub(30)));
        Ok(())
    }),
    ("a header that rewrites the path", refused(400, "refused-field"), |_, command| {
        command.more.push(("X-Original-URL", "/v1/houses/house-2/doors/door-1/open"));
        Ok(())
    }),
];

/// A refusal before anything has left.
pub(super) const fn refused(status: u16, reason: &'static str) -> Expected {
    Expected { status, reason, moves: 0 }
}

fn tried(scene: &Scene, expected: Expected, change: Change) -> Shown {
    let attempt = || {
        let mut command = scene.command(PHONE)?;
        change(scene, &mut command)?;
        Ok::<_, StepFault>((scene.moved(), scene.give(&command)?))
    };
    let (before, answer) = attempt().map_err(|fault| fault.to_string())?;
    judged(scene, expected, before, &answer)
}

/// A sign-in token that becomes no session.
fn unexchanged(scene: &Scene, reason: &'static str, claims: impl Fn(&Scene) -> TokenClaims) -> Shown {
    let attempt = || {
        let claims = claims(scene);
        let sign_in = scene.folder.login.mint(&claims)?;
        scene.exchange(&sign_in, &rights_in(&claims))
    };
    let answer = attempt().map_err(|fault| fault.to_string())?;
    judged(scene, refused(400, reason), scene.moved(), &answer)
}

/// Who has seen a command pass can send it again, and that is all.
fn proof_used_twice(scene: &Scene) -> Shown {
    let attempt = || {
        let mut command = scene.command(PHONE)?;
        let proof = scene.proof_of(&command, scene.nonce.borrow().as_deref())?;
        command.proof = proof.map_or(Proof::Own, Proof::This);
        let (first, before) = (scene.give(&command)?, scene.moved());
        Ok::<_, StepFault>((first, before, scene.give(&Command { key: fresh_key(), ..command })?))
    };
    let (first, before, again) = attempt().map_err(|fault| fault.to_string())?;
    if first.status != 200 {
        return Err(format!("{} at first", first.status));
    }
    judged(scene, refused(401, "dpop-replay"), before, &again)
}

/// Holds status, record and doors against what is expected.
pub(super) fn judged(scene: &Scene, expected: Expected, before: u64, answer: &BackendAnswer) -> Shown {
    let receipt = answer.header("receipt-id").ok_or("the answer has no receipt")?;
    let records = scene.records(receipt).map_err(|error| error.to_string())?;
    let last = records.last().ok_or_else(|| format!("{receipt} is not on record"))?;
    let moves = scene.moved().saturating_sub(before);
    let told = format!("{}, {}", answer.status, last.why());
    if (answer.status, last.text("reason"), moves) != (expected.status, Some(expected.reason), expected.moves) {
        return Err(format!("{told}, doors moved: {moves}; receipt {receipt}"));
    }
    let by = Some(last.policies()).filter(|policies| !policies.is_empty());
    let by = by.map(|policies| format!(" by {policies}")).unwrap_or_default();
    Ok(format!("{told}{by}; receipt {receipt}"))
}

fn without_certificate(scene: &Scene) -> Shown {
    let given = scene.command(PHONE).and_then(|command| scene.give_as(&command, None));
    match given {
        Err(StepFault::Answer(BackendFault::Handshake(_))) => {
            Ok("the TLS handshake ends; there is no answer, and so no receipt".to_owned())
        }
        Err(fault) => Err(fault.to_string()),
        Ok(answer) => Err(format!("an answer: {}", answer.status)),
    }
}

/// The same command again is answered from the record, and its door stays where it is; with another body it is refused.
fn repeated(scene: &Scene) -> Shown {
    let attempt = || {
        let command = scene.command(PHONE)?;
        let first = scene.give(&command)?;
        let before = scene.moved();
        let again = scene.give(&command)?;
        let other = Command { body: r#"{"userId":"resident-ivanov"}"#.to_owned(), ..command };
        Ok::<_, StepFault>((first, before, again, scene.give(&other)?))
    };
    let (first, before, again, other) = attempt().map_err(|fault| fault.to_string())?;
    if (first.status, &first.body, other.status) != (200, &again.body, 422) {
        return Err(format!("{} at first, {} again, {} with another body", first.status, again.status, other.status));
    }
    judged(scene, Expected { status: 200, reason: "idempotency-replayed", moves: 0 }, before, &again)
}

/// A phone that is revoked opens nothing from the answer on; the resident's other phone does.
fn revoked(scene: &Scene) -> Shown {
    const LOST: &str = "lost-phone-of-ivanov";
    let commands = || Ok::<_, StepFault>((scene.command(LOST)?, scene.command(PHONE)?));
    let (lost, own) = commands().map_err(|fault| fault.to_string())?;
    // The sessions stay the same, and only the keys of the commands are new.
    let give = |command: &Command| scene.give(&Command { key: fresh_key(), at: Some(scene.now()), ..command.clone() });
    let attempt = || Ok::<_, StepFault>((give(&lost)?.status, give(&own)?.status));
    let before = attempt().map_err(|fault| fault.to_string())?;
    scene.revoke_phone(LOST).map_err(|error| error.to_string())?;
    let moved = scene.moved();
    let refused_answer = give(&lost).map_err(|fault| fault.to_string())?;
    let shown = judged(scene, refused(403, "revoked"), moved, &refused_answer)?;
    let other = give(&own).map_err(|fault| fault.to_string())?.status;
    if (before, other) == ((200, 200), 200) {
        Ok(shown)
    } else {
        Err(format!("before: {before:?}; the other phone: {other}"))
    }
}
