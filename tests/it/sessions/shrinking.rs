//! Rights only shrink: whatever a user's token has and a backend asks for, the session has exactly what is in both and permitted.

use super::Scene;
use super::claims;
use crate::harness::Exchange;
use crate::harness::member;
use crate::harness::now;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

/// How many exchanges are tried.
const TRIED: u64 = 150;

/// One action at one thing of a house, or at all of it.
type Atom = (String, String, Option<String>, String);

/// Chances that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64, by its published constants.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn some(&mut self, of: &[&'static str]) -> Vec<&'static str> {
        let mut some: Vec<_> = of.iter().copied().filter(|_| self.below(2) == 0).collect();
        if some.is_empty() {
            some.push(of[usize::try_from(self.below(of.len() as u64)).unwrap()]);
        }
        some
    }

    fn right(&mut self) -> Value {
        let house = ["house-1", "house-1", "house-2"][usize::try_from(self.below(3)).unwrap()];
        let actions = self.some(&["open", "see"]);
        let (kind, member, things): (_, _, &[&'static str]) = match self.below(3) {
            0 => ("barrier_access", "barriers", &["gate-1"]),
            _ => ("door_access", "doors", &["door-1", "door-2", "no-such-door"]),
        };
        let mut right = json!({"type": kind, "house": house, "actions": actions});
        if self.below(4) > 0 {
            right[member] = json!(self.some(things));
        }
        right
    }

    fn rights(&mut self) -> Vec<Value> {
        (0..=self.below(3)).map(|_| self.right()).collect()
    }
}

/// The rights in pieces.
fn atoms(rights: &[Value]) -> BTreeSet<Atom> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let texts = |value: &Value| value.as_array().unwrap().iter().map(text).collect::<Vec<_>>();
    let mut atoms = BTreeSet::new();
    for right in rights {
        let one = ["door", "barrier"].iter().find_map(|name| right.get(*name)).map(|thing| vec![text(thing)]);
        let several = ["doors", "barriers"].iter().find_map(|name| right.get(*name)).map(texts);
        let things: Vec<Option<String>> =
            one.or(several).map_or_else(|| vec![None], |things| things.into_iter().map(Some).collect());
        for thing in things {
            for action in texts(&right["actions"]) {
                atoms.insert((text(&right["type"]), text(&right["house"]), thing.clone(), action));
            }
        }
    }
    atoms
}

/// What policy and the directory of the sample leave of the pieces that are asked for: those of the resident's own tenant, of
/// things that are there, that the user's token has.
fn expected(asked: &BTreeSet<Atom>, held: &BTreeSet<Atom>) -> BTreeSet<Atom> {
    let is_held = |(kind, house, thing, action): &Atom| {
        let whole = (kind.clone(), house.clone(), None, action.clone());
        held.contains(&(kind.clone(), house.clone(), thing.clone(), action.clone())) || held.contains(&whole)
    };
    let is_there = |(_, house, thing, _): &Atom| house == "house-1" && thing.as_deref() != Some("no-such-door");
    asked.iter().filter(|atom| is_held(atom) && is_there(atom)).cloned().collect()
}

#[test]
fn a_session_has_what_the_users_token_and_policy_have_in_common_with_what_is_asked_for_and_no_more() {
    let scene = Scene::new();
    let (stage, backend) = (&scene.stage, scene.backend());
    let mut dice = Dice(0x5e55_1045);
    let (mut given, mut refused, mut narrowed) = (0, 0, 0);
    for round in 0..TRIED {
        let (held, asked) = (dice.rights(), dice.rights());
        let text = serde_json::to_string(&held).unwrap();
        let of_login = portcullis::json::parse(text.as_bytes(), portcullis::json::Limits::default()).unwrap();
        let user = stage.resident(&stage.login, now()).with("authorization_details", of_login);
        let exchange = Exchange::of(stage, stage.login.mint(&user).unwrap());
        let exchange = exchange.with("authorization_details", &serde_json::to_string(&asked).unwrap());
        let answer = scene.exchange(&exchange, &backend);
        let (held, wanted) = (atoms(&held), atoms(&asked));
        let expected = expected(&wanted, &held);
        if expected.is_empty() {
            assert_eq!((answer.status, member(&answer, "error").as_deref()), (400, Some("access_denied")), "{round}");
            refused += 1;
            continue;
        }
        assert_eq!(answer.status, 200, "{round}: {}", answer.text());
        let told: Value = serde_json::from_slice(&answer.body).unwrap();
        let in_token = &claims(&member(&answer, "access_token").unwrap())["authorization_details"];
        assert_eq!(&told["authorization_details"], in_token, "{round}: what is told is what is given");
        assert_eq!(atoms(in_token.as_array().unwrap()), expected, "{round}");
        given += 1;
        narrowed += u64::from(expected != wanted);
    }
    assert!(given > 20 && refused > 20 && narrowed > 10, "{given} given, {refused} refused, {narrowed} narrowed");
}
