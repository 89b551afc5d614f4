//! The part of `/-/status` that tells of keys and of whom the gateway asks: issuers and their keys, the partners' authorisation
//! servers, our own keys by which others verify, and what guards proofs against a second use.

use crate::clock::UnixMillis;
use crate::clock::UnixSeconds;
use crate::config::Expiry;
use crate::config::OwnKey;
use crate::gateway::status::count;
use crate::gateway::status::expiry;
use crate::gateway::status::number;
use crate::gateway::status::object;
use crate::gateway::token_servers::ServerSeen;
use crate::guard::Guard;
use crate::identity::AskedSeen;
use crate::identity::IssuerSeen;
use crate::identity::PublishedSeen;
use crate::identity::VerifiedBy;
use crate::json::Value;
use crate::wire::LastEnds;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Duration;

/// Our own keys, as they are in force; clones share it.
pub(super) type OwnKeys = Arc<ArcSwap<Vec<OwnKey>>>;

/// The keys in force once those of `read` were taken up that are while the gateway runs. The others stay until a restart.
pub(super) fn taken_up(in_force: &[OwnKey], read: Vec<OwnKey>) -> Vec<OwnKey> {
    let stays = in_force.iter().filter(|key| !key.purpose.is_taken_up()).cloned();
    let mut all: Vec<OwnKey> = read.into_iter().filter(|key| key.purpose.is_taken_up()).chain(stays).collect();
    // In the order of the start, which is that of purposes and of the file.
    let place = |key: &OwnKey| in_force.iter().position(|old| (old.purpose, &old.whom) == (key.purpose, &key.whom));
    all.sort_by_key(|key| place(key).unwrap_or(usize::MAX));
    all
}

/// When it is looked.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) wall: UnixMillis,
    pub(super) steady: Duration,
}

/// The issuers of sign-in tokens, in the order of the configuration.
pub(super) fn issuers(seen: &[IssuerSeen], expiries: &[Expiry], now: Now) -> Value {
    let told = |(number, one): (usize, &IssuerSeen)| {
        let issuer = ("issuer", Value::from(&*one.issuer));
        let below = |key: &str| certificate(expiries, &format!("issuers[{number}].{key}"), now);
        match &one.by {
            VerifiedBy::File { keys } => object([issuer, ("by", "file".into()), ("keys", count(*keys))]),
            VerifiedBy::Published(keys) => published(issuer, *keys, below("jwks"), now),
            VerifiedBy::Asked(asked) => asked_about(issuer, asked, below("introspection")),
        }
    };
    seen.iter().enumerate().map(told).collect::<Vec<_>>().into()
}

fn published(issuer: (&'static str, Value), keys: PublishedSeen, certificate: Value, now: Now) -> Value {
    let second = |at: UnixSeconds| Value::from(UnixMillis::new(at.get().saturating_mul(1_000)).to_string());
    let until_due = u64::try_from(keys.due.saturating_sub(now.steady).as_millis()).unwrap_or(u64::MAX);
    let next = UnixMillis::new(now.wall.get().saturating_add(until_due));
    object([
        issuer,
        ("by", "published".into()),
        ("keys", count(keys.keys)),
        ("came", keys.came.map_or(Value::Null, second)),
        ("age_s", keys.came.map_or(Value::Null, |came| number(now.wall.seconds().since(came)))),
        ("keep_s", number(keys.keep_s)),
        ("refused_at", keys.refused_at().map_or(Value::Null, second)),
        ("next_fetch", next.to_string().into()),
        ("last_failure", last_failure(keys.ends)),
        ("failures", number(keys.ends.failures)),
        ("certificate", certificate),
    ])
}

fn asked_about(issuer: (&'static str, Value), asked: &AskedSeen, certificate: Value) -> Value {
    object([
        issuer,
        ("by", "asked".into()),
        ("keep_s", number(asked.keep_s)),
        ("timeout_ms", number(u64::try_from(asked.timeout.as_millis()).unwrap_or(u64::MAX))),
        ("under_way", count(asked.under_way)),
        ("remembered", count(asked.remembered)),
        ("last_good", last_good(asked.ends)),
        ("last_failure", last_failure(asked.ends)),
        ("failures", number(asked.ends.failures)),
        ("certificate", certificate),
    ])
}

/// The partners' authorisation servers.
pub(super) fn token_servers(servers: &[ServerSeen], expiries: &[Expiry], now: Now) -> Value {
    let named = |server: &ServerSeen| certificate(expiries, &format!("partners.{}.token.fetch", server.partner), now);
    // Where nothing else says who we are, we show what we show to the partner.
    let shown = |server: &ServerSeen| match named(server) {
        Value::Null if server.tokens.keys().is_empty() => {
            certificate(expiries, &format!("partners.{}", server.partner), now)
        }
        named => named,
    };
    let told = |server: &ServerSeen| {
        let seen = server.tokens.seen();
        object([
            ("partner", server.partner.as_str().into()),
            ("kept", count(seen.kept)),
            ("under_way", count(seen.under_way)),
            ("last_good", last_good(seen.ends)),
            ("last_failure", last_failure(seen.ends)),
            ("failures", number(seen.ends.failures)),
            ("certificate", shown(server)),
        ])
    };
    servers.iter().map(told).collect::<Vec<_>>().into()
}

/// Our own keys.
pub(super) fn own_keys(keys: &[OwnKey]) -> Value {
    let told = |key: &OwnKey| {
        object([
            ("purpose", key.purpose.word().into()),
            ("for", (&*key.whom).into()),
            ("kid", (&*key.kid).into()),
            ("algorithm", key.algorithm.into()),
            ("state", if key.signs { "signs" } else { "next" }.into()),
            ("taken_up", key.purpose.is_taken_up().into()),
        ])
    };
    keys.iter().map(told).collect::<Vec<_>>().into()
}

/// What guards proofs of possession and assertions of clients against a second use.
pub(super) fn proofs(guard: &Guard, now: Now) -> Value {
    let (proofs, assertions) = (guard.proofs_seen(), guard.assertions_seen(now.wall));
    let second = |at: UnixSeconds| Value::from(UnixMillis::new(at.get().saturating_mul(1_000)).to_string());
    object([
        ("nonces", if now.wall.seconds() <= proofs.nonces_until { "required" } else { "offered" }.into()),
        ("nonces_until", second(proofs.nonces_until)),
        ("nonce_s", number(proofs.nonce_s)),
        ("held", number(proofs.held)),
        ("most", number(proofs.max)),
        (
            "assertions",
            object([
                ("taken_from", second(assertions.taken_from)),
                ("held", count(assertions.held)),
                ("most", count(assertions.max)),
            ]),
        ),
    ])
}

/// Our certificate at what bears this name in the configuration; `null` where we show none.
fn certificate(expiries: &[Expiry], name: &str, now: Now) -> Value {
    let ours = expiries.iter().find(|one| &*one.name == name && &*one.what == "certificate");
    ours.map_or(Value::Null, |one| expiry(one, now.wall.seconds()))
}

fn last_good(ends: LastEnds) -> Value {
    ends.good.map_or(Value::Null, |at| at.to_string().into())
}

fn last_failure(ends: LastEnds) -> Value {
    let told =
        |(at, fault): (UnixMillis, &'static str)| object([("at", at.to_string().into()), ("fault", fault.into())]);
    ends.failure.map_or(Value::Null, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OwnPurpose;

    fn key(purpose: OwnPurpose, kid: &str, signs: bool) -> OwnKey {
        OwnKey { purpose, whom: "a".into(), kid: kid.into(), algorithm: "ES256", signs }
    }

    #[test]
    fn keys_that_take_a_restart_are_told_as_they_were_at_the_start_and_the_others_as_they_are_now() {
        let before = [
            key(OwnPurpose::Session, "s1", true),
            key(OwnPurpose::Session, "s2", false),
            key(OwnPurpose::Token, "t1", true),
            key(OwnPurpose::Client, "c1", true),
        ];
        let read = vec![
            key(OwnPurpose::Session, "s2", true),
            key(OwnPurpose::Session, "s3", false),
            key(OwnPurpose::Token, "t2", true),
            key(OwnPurpose::Client, "c2", true),
        ];
        let kids: Vec<_> = taken_up(&before, read).into_iter().map(|key| (key.kid, key.signs)).collect();
        let wanted = [("s2", true), ("s3", false), ("t1", true), ("c2", true)];
        assert_eq!(kids, wanted.map(|(kid, signs)| (kid.into(), signs)));
    }
}
