//! Answers that are framed rightly and say what the contract does not declare.

use crate::devkit::partner::answer::Answer;
use crate::devkit::partner::answer::Done;
use crate::json::Object;
use crate::json::Value;

/// A pseudonym in the gateway's spelling that no key of the gateway's opens.
const FOREIGN: &str = "p1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// 200 with the declared members, and the person's whole file.
pub(super) fn full_profile(right: &Done) -> Vec<u8> {
    let address = Object::from_iter([("street", Value::from("Lesnaya ulitsa 5")), ("flat", Value::from("17"))]);
    let file = [
        ("name", "Ivan Ivanov".into()),
        ("phone", "+7 900 000-00-00".into()),
        ("email", "ivanov@mail.example".into()),
        ("plate", "A001AA77".into()),
        ("birthday", "1980-01-01".into()),
        ("address", address.into()),
    ];
    Answer::json(200, &right.body_with(file)).bytes()
}

/// The right body, said to be a page.
pub(super) fn wrong_media_type(right: &Done) -> Vec<u8> {
    right.answer().said_to_be("text/html").bytes()
}

/// The right body under a status that the contract does not declare.
pub(super) fn undeclared_status(right: &Done) -> Vec<u8> {
    Answer::json(202, &right.body()).bytes()
}

/// Another place to ask at; whoever goes there takes the token along.
pub(super) fn redirect() -> Vec<u8> {
    Answer::empty(307).with("Location", "https://elsewhere.example/v1/collect").bytes()
}

/// The right answer with fields that must not reach the caller.
pub(super) fn set_cookie(right: &Done) -> Vec<u8> {
    let answer = right.answer().with("Set-Cookie", "partner-session=canary-cookie; Path=/; Secure");
    answer.with("Location", "https://elsewhere.example/canary-location").with("Server", "canary-server/1.0").bytes()
}

/// The right answer, about somebody else.
pub(super) fn foreign_pseudonym(right: &Done) -> Vec<u8> {
    Answer::json(200, &right.body_with([("userId", FOREIGN.into())])).bytes()
}

/// The right JSON text and so much white space behind it, which JSON allows.
pub(super) fn oversized(right: &Done, bytes: usize) -> Vec<u8> {
    right.answer().followed_by(&vec![b' '; bytes]).bytes()
}
