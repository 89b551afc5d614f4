//! A session token with one check of its issue left out: each time, one is issued that is more than its subject token.

use super::AUDIENCE;
use super::LIFETIME;
use super::NOW;
use super::World;
use super::mutation::each_turns_red;
use super::mutation::names;
use super::number;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::sha256;
use crate::devkit::APP;
use crate::identity::ActorSettings;
use crate::identity::IssueFault;
use crate::identity::Issued;
use crate::identity::Proof;
use crate::identity::SessionIssuer;
use crate::identity::SessionSettings;
use crate::identity::Subject;
use crate::identity::Wishes;
use crate::identity::checks::asked;
use crate::identity::issue::Within;
use crate::model::Extent;
use crate::model::PublicUrl;
use crate::model::Right;
use crate::model::RightKind;
use crate::model::Sha256;
use crate::model::Stranger;
use crate::model::Window;
use std::sync::Arc;

/// The most seconds of a session: less than what is left of the subject token.
const SESSION: u64 = 200;

/// What is asked for.
struct Row {
    key: Sha256,
    right: Right,
    scope: Stranger,
    lifetime_s: u64,
    /// How long ago the subject token was issued.
    after_s: u64,
}

fn key() -> Sha256 {
    sha256(b"the app's key")
}

/// What the subject token gives: `open` at one door, by a grant, until an hour from now.
fn held() -> Right {
    Right {
        kind: RightKind::Door,
        actions: vec![Stranger::new("open")],
        house: Stranger::new("house-1"),
        extent: Extent::Only(vec![Stranger::new("door-1")]),
        window: Window { not_after: Some(NOW.get() + 3_600), ..Window::default() },
        grant: Some(Stranger::new("grant-1")),
    }
}

fn good() -> Row {
    Row { key: key(), right: held(), scope: Stranger::new("doors"), lifetime_s: SESSION, after_s: 0 }
}

fn asking(right: Right) -> Row {
    Row { right, ..good() }
}

fn subject() -> Subject {
    let World { peer, sign_in, session, verifier, .. } = World::new();
    let right = r#"[{"type":"door_access","actions":["open"],"house":"house-1","door":"door-1","not_after":AT,"grant_id":"grant-1"}]"#;
    let claims = session.claims(AUDIENCE, "ivanov", &peer.certificate().thumbprint, NOW, LIFETIME);
    let claims = claims.with("iss", sign_in.name()).with("scope", "doors").with("exp", number(NOW.get() + LIFETIME));
    let right = right.replace("AT", &(NOW.get() + 3_600).to_string());
    let payload = claims.text().replacen('{', &format!(r#"{{"authorization_details":{right},"#), 1);
    let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#, sign_in.key().kid());
    let token = sign_in.mint_raw(&header, &payload).unwrap();
    let (audiences, clients) = (vec![AUDIENCE.into()], vec![APP.into()]);
    let actor = ActorSettings { peer: peer.name().into(), audiences, clients };
    verifier.subject(&peer, &actor, &token, None, Proof::for_test(key(), "once", NOW, None), NOW).unwrap()
}

fn sessions() -> SessionIssuer {
    let key = SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap()).unwrap();
    let settings = SessionSettings {
        issuer: AUDIENCE.into(),
        audience: AUDIENCE.into(),
        max_lifetime_s: SESSION,
        keys: vec![Arc::new(key)],
        actors: Vec::new(),
        public_url: PublicUrl::new(AUDIENCE).unwrap(),
    };
    SessionIssuer::new(settings).unwrap()
}

fn issue(sessions: &SessionIssuer, subject: &Subject, row: &Row) -> Result<Issued, IssueFault> {
    let scopes = [row.scope.clone()];
    let wishes = Wishes { scopes: Some(&scopes), lifetime_s: Some(row.lifetime_s) };
    let rights = [row.right.clone()];
    sessions.issue(subject, row.key, &rights, wishes, NOW.plus(row.after_s))
}

#[test]
fn without_any_one_check_a_session_is_issued_that_is_more_than_its_subject_token() {
    let (mut sessions, subject) = (sessions(), subject());
    asked();
    let issued = issue(&sessions, &subject, &good()).unwrap();
    assert_eq!((issued.lifetime_s, &*issued.scope), (SESSION, "doors"));
    let all = asked();
    let word = |word: &str| Stranger::new(word);
    let rows = [
        (Within::Key, Row { key: sha256(b"another key"), ..good() }),
        (Within::Something, asking(Right { actions: Vec::new(), ..held() })),
        (Within::Something, asking(Right { extent: Extent::Only(Vec::new()), ..held() })),
        (Within::Kind, asking(Right { kind: RightKind::Barrier, ..held() })),
        (Within::Action, asking(Right { actions: vec![word("open"), word("see")], ..held() })),
        (Within::House, asking(Right { house: word("house-2"), ..held() })),
        (Within::Thing, asking(Right { extent: Extent::Only(vec![word("door-1"), word("door-2")]), ..held() })),
        (Within::Thing, asking(Right { extent: Extent::Whole, ..held() })),
        (Within::Grant, asking(Right { grant: None, ..held() })),
        (Within::Grant, asking(Right { grant: Some(word("grant-2")), ..held() })),
        (Within::Window, asking(Right { window: Window::default(), ..held() })),
        (
            Within::Window,
            asking(Right { window: Window { not_after: Some(NOW.get() + 3_601), ..Window::default() }, ..held() }),
        ),
        (Within::Scope, Row { scope: word("barriers"), ..good() }),
        (Within::Lifetime, Row { lifetime_s: SESSION + 1, ..good() }),
        (Within::NotEnded, Row { after_s: LIFETIME, ..good() }),
        (Within::NotEnded, Row { lifetime_s: 0, ..good() }),
    ];
    let mut known = names(rows.iter().map(|(check, _)| *check));
    known.insert("End".to_owned());
    assert_eq!(known, all);
    let fault = |check| if check == Within::NotEnded { IssueFault::Ended } else { IssueFault::Wider };
    each_turns_red(&rows, fault, |without, row| {
        sessions.checks.without = without;
        issue(&sessions, &subject, row).err()
    });
    // Who asks for longer than the subject token lasts is not refused, but given what there is.
    let late = Row { after_s: LIFETIME - 10, ..good() };
    sessions.checks.without = None;
    assert_eq!(issue(&sessions, &subject, &late).unwrap().lifetime_s, 10);
    sessions.checks.without = Some(Within::End);
    assert_eq!(issue(&sessions, &subject, &late).unwrap().lifetime_s, SESSION);
}
