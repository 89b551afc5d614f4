//! `sessions`: the session tokens that the gateway issues itself, the only ones that move a door, and who may ask for them.
//!
//! The keys are files of ours. The first signs; all are published and accepted, so that a next key is known to everybody
//! before it signs, and an old one as long as its tokens live. What the files hold may change while the gateway runs; which
//! files they are may not.
//!
//! A session token bears the user's `sub` as the sign-in issuer wrote it, and one issuer, the gateway, for all. So where tokens of
//! several sign-in issuers may be exchanged, the file must state that one `sub` is one person whoever named it (`subjects:
//! shared`); else two persons would be one in policies, records, pseudonyms and rates.
//!
//! The issuer is the gateway's public URL, or a path below it: a client that knows the issuer alone looks for everything else
//! there (RFC 8414 §3).

use crate::config::files::Files;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::written::Issuer;
use crate::config::written::Paths;
use crate::config::written::Written;
use crate::config::written::paths;
use crate::crypto::KeySet;
use crate::crypto::jwks_json;
use crate::identity::ActorSettings;
use crate::identity::Bind;
use crate::identity::IssuerSettings;
use crate::identity::SessionSettings;
use crate::identity::TokenKind;
use crate::identity::TokenRules;
use crate::model::PublicUrl;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::sync::Arc;
use std::time::Duration;

/// How long a session token may be valid, in seconds: it opens doors.
pub(super) const LIFETIME_S: std::ops::RangeInclusive<u64> = 1..=900;
/// How long it is valid at most where the file says nothing.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(300);

/// `sessions` as it is written.
pub(super) struct Sessions {
    pub(super) issuer: At<Box<str>>,
    keys: Paths,
    audience: Box<str>,
    max_lifetime: Duration,
    actors: Vec<At<ActorSettings>>,
    subjects: Subjects,
}

/// Whom the `sub` of tokens that may be exchanged names.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Subjects {
    /// Somebody of the one issuer that there is for it.
    #[default]
    OneIssuer,
    /// The same person, whichever issuer names it.
    Shared,
}

impl Subjects {
    /// The words in the file.
    pub(super) const WORDS: [(&'static str, Self); 2] = [("one-issuer", Self::OneIssuer), ("shared", Self::Shared)];
}

pub(super) fn read(reader: &Reader, node: &Node) -> Option<Sessions> {
    let map = Map::open(reader, node)?;
    let issuer = map.need("issuer", |reader, node| Some(At { place: node.place, value: values::text(reader, node)? }));
    let keys = map.need("keys", paths);
    let audience = map.need("audience", values::text);
    let max_lifetime = map.may("max_lifetime", values::seconds(LIFETIME_S));
    let actors = map.need("actors", actors);
    let subjects = map.may("subjects", |reader, node| reader.word(node, &Subjects::WORDS));
    map.close();
    Some(Sessions {
        issuer: issuer?,
        keys: keys?,
        audience: audience?,
        max_lifetime: max_lifetime?.unwrap_or(LIFETIME_DEFAULT),
        actors: actors?,
        subjects: subjects?.unwrap_or_default(),
    })
}

/// Who may exchange whose tokens; without anybody, no session token would ever be.
fn actors(reader: &Reader, node: &Node) -> Option<Vec<At<ActorSettings>>> {
    let items = reader.list(node)?;
    if items.is_empty() {
        let help = "without an actor nobody is ever given a session, and no door opens";
        return values::fault(reader, node, "empty-list", "this list needs an entry", Some(help));
    }
    let read: Vec<_> = items.iter().map(|item| actor(reader, item)).collect();
    read.into_iter().collect()
}

fn actor(reader: &Reader, node: &Node) -> Option<At<ActorSettings>> {
    let map = Map::open(reader, node)?;
    let peer = map.need("peer", values::peer_name);
    let audiences = map.need("audiences", texts);
    let clients = map.need("clients", texts);
    map.close();
    let At { place, value: peer } = peer?;
    Some(At { place, value: ActorSettings { peer, audiences: audiences?, clients: clients? } })
}

/// Texts that tokens are compared with, one at least.
fn texts(reader: &Reader, node: &Node) -> Option<Vec<Box<str>>> {
    let items = reader.list(node)?;
    if items.is_empty() {
        let help = "an empty list would let nothing through";
        return values::fault(reader, node, "empty-list", "this list needs an entry", Some(help));
    }
    items.iter().map(|item| values::text(reader, item)).collect()
}

/// Reports each issuer beside the first whose tokens may be exchanged, unless one `sub` is said to be one person.
pub(super) fn tell_subjects_apart(reader: &Reader, written: &Written) {
    let Sessions { actors, subjects, .. } = &written.sessions;
    if *subjects == Subjects::Shared {
        return;
    }
    let is_exchanged = |issuer: &&Issuer| actors.iter().any(|actor| actor.value.audiences.contains(&issuer.audience));
    let mut exchanged = written.issuers.iter().filter(is_exchanged);
    let Some(first) = exchanged.next() else { return };
    for other in exchanged {
        let message = format!(
            "tokens of `{}` and of `{}` may be exchanged for sessions, in which one `sub` is one person",
            first.issuer.value, other.issuer.value
        );
        let fault = reader.source().fault("subjects-not-apart", other.issuer.place, message);
        reader.report(fault.help(
            "give one of them an audience that no actor may exchange, or state `sessions: {subjects: shared}` if both mean one \
             person by one `sub`",
        ));
    }
}

/// What issues them, and what accepts them.
pub(super) fn meant(
    reader: &Reader,
    files: &mut Files<'_>,
    written: Sessions,
    public_url: &PublicUrl,
) -> Option<(SessionSettings, IssuerSettings)> {
    let Sessions { issuer, keys: paths, audience, max_lifetime, actors, .. } = written;
    let is_ours = is_at(&issuer.value, public_url);
    if !is_ours {
        let message = format!("session tokens are issued at `{public_url}`, and `{}` is not there", issuer.value);
        let fault = reader.source().fault("issuer-elsewhere", issuer.place, message);
        reader
            .report(fault.help(format!("take `public_url` or a path below it, for instance `{public_url}/sessions`")));
    }
    for (index, actor) in actors.iter().enumerate() {
        if actors.iter().take(index).any(|earlier| earlier.value.peer == actor.value.peer) {
            let message = format!("the actor `{}` stands here twice", actor.value.peer);
            let fault = reader.source().fault("twice", actor.place, message);
            reader.report(fault.help("name each once, with all that it may exchange"));
        }
    }
    let keys = files.signing_keys(&paths, "a key that signs session tokens")?;
    let all: Vec<_> = keys.iter().map(AsRef::as_ref).collect();
    let Ok(accepted) = KeySet::parse(jwks_json(&all).as_bytes()) else {
        let at = paths.first()?;
        return files.fault(
            at,
            "malformed-key-set",
            "and the other keys make no key set",
            Some("name at most 64 keys"),
        );
    };
    let mut algorithms: Vec<_> = all.iter().map(|key| key.verified_by()).collect();
    algorithms.dedup();
    let accepts = IssuerSettings {
        issuer: issuer.value.clone().into(),
        keys: Arc::new(accepted).into(),
        audience: audience.clone().into(),
        algorithms,
        max_lifetime_s: max_lifetime.as_secs(),
        bind: vec![Bind::Dpop],
        kind: TokenKind::Session,
        rules: TokenRules::default(),
    };
    let issues = SessionSettings {
        issuer: issuer.value,
        audience,
        max_lifetime_s: max_lifetime.as_secs(),
        keys,
        actors: actors.into_iter().map(|actor| actor.value).collect(),
        public_url: public_url.clone(),
    };
    is_ours.then_some((issues, accepts))
}

/// Whether an issuer is the public URL, or one path below it, spelled in one way only: segments of plain characters, none of
/// them empty (RFC 8414 §2: no query, no fragment).
fn is_at(issuer: &str, public_url: &PublicUrl) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
    let segment = |text: &str| !text.is_empty() && text.bytes().all(plain);
    match issuer.strip_prefix(public_url.as_str()) {
        Some("") => true,
        Some(path) => path.strip_prefix('/').is_some_and(|path| path.split('/').all(segment)),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_the_public_url_or_a_plain_path_below_it() {
        let public_url = PublicUrl::new("https://gateway.example:8443").unwrap();
        for path in ["", "/sessions", "/a/b-c_d~e/1"] {
            assert!(is_at(&format!("https://gateway.example:8443{path}"), &public_url), "{path}");
        }
        for issuer in [
            "https://gateway.example:8443/",
            "https://gateway.example:8443/sessions/",
            "https://gateway.example:8443//sessions",
            "https://gateway.example:8443/a/../b",
            "https://gateway.example:8443/a?b",
            "https://gateway.example:8443/a#b",
            "https://gateway.example:8443sessions",
            "https://gateway.example:84430",
            "https://gateway.example",
            "https://Gateway.example:8443",
            "http://gateway.example:8443",
            "sessions",
        ] {
            assert!(!is_at(issuer, &public_url), "{issuer}");
        }
    }
}
