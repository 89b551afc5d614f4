//! Whatever is written can be read back: a log that the next start does not understand keeps the gateway from starting.

use crate::audit::Activated;
use crate::audit::Administered;
use crate::audit::By;
use crate::audit::Decided;
use crate::audit::Facts;
use crate::audit::KeyDigests;
use crate::audit::Note;
use crate::audit::Outcome;
use crate::audit::OutcomeState;
use crate::audit::Revoked;
use crate::audit::Sizes;
use crate::audit::TakenUp;
use crate::audit::flood::Sum;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::record;
use crate::audit::record::Recovery;
use crate::audit::record::Written;
use crate::audit::tests::harness::*;
use crate::clock::UnixMillis;
use crate::model::AdminDoor;
use crate::model::Epoch;
use crate::model::InputValue;
use crate::model::Located;
use crate::model::PersonName;
use crate::model::Reason;
use crate::model::ResourceId;
use crate::model::Role;
use crate::model::SigningRole;
use crate::problem::WrongPlace;
use proptest::prelude::*;
use std::sync::Arc;

/// Texts with all that JSON makes difficult: quotes, controls, line feeds, noncharacters, characters of four bytes.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        '"',
        '\\',
        '\n',
        '\r',
        '\0',
        '\u{1f}',
        '\u{7f}',
        '\u{FDD0}',
        '\u{FDEF}',
        '\u{FFFE}',
        '\u{FFFF}',
        '\u{1FFFE}',
        '\u{10FFFF}',
        '\u{FFFD}',
        'é',
        '😀',
    ]);
    let character = prop_oneof![2 => hard, 1 => any::<char>()];
    prop::collection::vec(character, 0..12).prop_map(|characters| characters.into_iter().collect())
}

pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(u64::MAX), (0_u64..=3).prop_map(|beside| (1 << 53) - 2 + beside)]
}

/// As the decision writes its inputs, but of any text.
fn as_json(text: &str) -> Box<str> {
    let mut bytes = Vec::new();
    crate::json::write_string(text, &mut bytes);
    String::from_utf8(bytes).unwrap().into_boxed_str()
}

/// Records of all kinds with these texts and numbers in them; `state` and `reason` are places in the lists of them.
pub(crate) fn written(texts: &[String; 8], numbers: [u64; 8], keyed: bool, state: usize, reason: usize) -> Vec<u8> {
    let [peer, token, kind, part, policy, input, error, more] = texts;
    let [epoch, version, request, sent, answer, time, lost, segment] = numbers;
    let (reason, state, now) = (Reason::ALL[reason], OutcomeState::ALL[state], UnixMillis::new(time));
    let sizes = Sizes { request: Some(request), sent: Some(sent), answer: Some(answer), reply: None };
    let located = Located {
        resource: ResourceId { kind: kind.as_str().into(), parts: vec![part.as_str().into(), more.as_str().into()] },
        directory_version: version,
        ..permit().located().clone()
    };
    let facts = Facts {
        epoch: Epoch::new(epoch),
        peer: Some(peer.as_str().into()),
        partner_token: Some(token.as_str().into()),
        located: Some(Arc::new(located)),
        decided: Some(Decided {
            permitted: false,
            policies: vec![policy.as_str().into()],
            inputs: vec![(input.as_str().into(), InputValue::Json(as_json(more)))],
            errors: vec![error.as_str().into()],
        }),
        sizes,
        ..facts(1, keyed.then_some("a-key"))
    };
    let mut outcome = Outcome::new(state, reason);
    outcome.sizes = sizes;
    outcome.at = Some(WrongPlace { part: "body", pointer: input.clone(), expected: "declared" });
    let revoked =
        Revoked { kind: "device", digest: digest("x"), tenant: None, epoch: Epoch::new(epoch), stored: keyed };

    let taken = TakenUp {
        revision: version,
        digest: digest("directory"),
        made_at: keyed.then_some(now),
        houses: lost,
        doors: segment,
    };
    let mut bytes = Written::default();
    record::intent(&mut bytes, &permit(), &protected(), &facts, now);
    record::outcome(&mut bytes, receipt(2), &outcome, Some(more.as_bytes()), now);
    record::refusal(&mut bytes, &facts, reason, None, now);
    record::refusal(&mut bytes, &facts, reason, Some(receipt(3)), now);
    let person = PersonName::new("ivanov").unwrap();
    let by = Some(By { person: person.clone(), role: Role::Lifter, door: AdminDoor::Socket });
    let facts = Facts { by, ..facts };
    let administered = Administered {
        proposed_by: keyed.then_some(person),
        epoch: Some(Epoch::new(epoch)),
        until: Some(now),
        ..Administered::of("lift", reason, keyed.then_some(("device", digest("x"))))
    };
    let signed_by = vec![(SigningRole::Infosec, PersonName::new("anna").unwrap())];
    let activated =
        Activated { sequence: version, data: digest("data"), before: keyed.then_some(digest("x")), signed_by };
    let asked = Note::Receipt { of: receipt(5) };
    for note in [
        Note::Start { config: digest("config") },
        Note::Bundle { directory_version: version, directory_digest: digest("directory"), replaces: None },
        Note::Activation(activated),
        Note::Directory(taken),
        Note::Revocation(revoked),
        Note::Stop,
        Note::Admin(administered),
        asked,
    ] {
        record::note(&mut bytes, &facts, &note, now);
    }
    record::recovery(&mut bytes, Recovery { unknown: lost, cut: Some((segment, lost)), reopened: false }, now);
    record::gap(&mut bytes, lost, now);
    let sum = Sum {
        receipt: receipt(4),
        peer: Some(peer.as_str().into()),
        certificate: Some(digest("certificate")),
        by: facts.by.clone(),
        reasons: [(reason, lost), (Reason::Internal, 1)].into(),
        from: now,
        until: UnixMillis::new(epoch),
    };
    record::refusals(&mut bytes, &sum, now);
    bytes.bytes().to_vec()
}

/// Reads back all lines, which are `expected`.
fn read(bytes: &[u8], expected: usize) -> Vec<Line> {
    let mut lines = Lines::new(bytes);
    let found: Vec<Line> =
        lines.by_ref().map(|(_, line)| Line::parse(line).expect("what was written can be read")).collect();
    assert_eq!((found.len(), lines.offset), (expected, bytes.len()), "one line for each record, and nothing behind");
    found
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        texts in prop::array::uniform8(text()),
        numbers in prop::array::uniform8(number()),
        keyed in any::<bool>(),
        state in 0..OutcomeState::ALL.len(),
        reason in 0..Reason::ALL.len(),
    ) {
        let bytes = written(&texts, numbers, keyed, state, reason);
        let [.., more] = &texts;
        let lines = read(&bytes, 15);
        prop_assert_eq!(lines[0].receipt, Some(receipt(1)));
        prop_assert_eq!(lines[0].key, keyed.then(|| KeyDigests { key: digest("a-key"), body: digest("body") }));
        prop_assert_eq!((lines[1].receipt, lines[1].state), (Some(receipt(2)), Some(OutcomeState::ALL[state])));
        let sealed = lines[1].sealed_answer();
        prop_assert_eq!(sealed.as_deref(), Some(more.as_bytes()));
    }
}
