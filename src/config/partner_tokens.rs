//! `token` of a partner: whether the gateway mints a token for each command, or fetches one for each right from the partner's
//! authorisation server. First as written, then what it means.

use crate::config::deliver::Target;
use crate::config::deliver::target;
use crate::config::files::Files;
use crate::config::remote;
use crate::config::remote::Remote;
use crate::config::remote::RemotePlace;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::written::Paths;
use crate::config::written::paths;
use crate::crypto::PublishedKeys;
use crate::model::PartnerName;
use crate::partner::ClientKeys;
use crate::partner::FetchSettings;
use crate::partner::Minting;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long a minted token may be valid, in seconds: it lives for one command.
pub(super) const MINTED_LIFETIME_S: RangeInclusive<u64> = 1..=300;

/// How long a fetched one may be valid, in seconds: it lives for one right.
pub(super) const FETCHED_LIFETIME_S: RangeInclusive<u64> = 30..=86_400;

/// How long where the file says nothing.
const FETCHED_LIFETIME_UNSAID: Duration = Duration::from_secs(3_600);

/// How long a fetch may take, in seconds: a command waits for it.
pub(super) const FETCH_TIME_S: RangeInclusive<u64> = 1..=10;

/// How long where the file says nothing.
const FETCH_TIME_UNSAID: Duration = Duration::from_secs(3);

/// The keys of a token that is minted.
const MINTED: [&str; 5] = ["issuer", "audience", "client_id", "key", "lifetime"];

/// Where the tokens for a partner come from.
pub enum TokenSettings {
    /// The gateway mints them.
    Minted(Minting),
    /// The partner's authorisation server gives them.
    Fetched(Box<TokenServer>),
}

/// A partner's authorisation server.
pub struct TokenServer {
    /// Where it is, and who signs its certificate. Where no identity of ours is named and there are no keys either, we show what
    /// we show to the partner.
    pub at: RemotePlace,
    /// How it is asked.
    pub request: FetchSettings,
    /// By which keys we are its client; none where our certificate says who we are.
    pub keys: ClientKeys,
}

/// `token` as it is written.
pub(super) enum Token {
    Minted(Minted),
    Fetched(Box<Fetched>),
}

/// A token that is minted.
pub(super) struct Minted {
    issuer: Box<str>,
    audience: Box<str>,
    client_id: Box<str>,
    /// The first signs.
    keys: Paths,
    lifetime: Duration,
}

/// A token that is fetched.
pub(super) struct Fetched {
    remote: Remote,
    keys: Option<Paths>,
    request: FetchSettings,
}

/// Reads `token`: `fetch`, or all keys of a token that is minted.
pub(super) fn read(reader: &Reader, node: &Node) -> Option<Token> {
    let map = Map::open(reader, node)?;
    let fetch = map.may("fetch", fetched);
    let found = MINTED.map(|key| map.may(key, |_, node| Some(node)).flatten());
    if let Some(None) = fetch {
        if found.iter().all(Option::is_none) {
            map.close();
            let message = "nothing says where this partner's tokens come from";
            let help = "mint them: `issuer`, `audience`, `client_id`, `key` and `lifetime`; or `fetch: {url: .., ..}`";
            return values::fault(reader, node, "missing-key", message, Some(help));
        }
        let issuer = map.need("issuer", values::text);
        let audience = map.need("audience", values::text);
        let client_id = map.need("client_id", values::text);
        let keys = map.need("key", paths);
        let lifetime = map.need("lifetime", values::seconds(MINTED_LIFETIME_S));
        map.close();
        let minted =
            Minted { issuer: issuer?, audience: audience?, client_id: client_id?, keys: keys?, lifetime: lifetime? };
        return Some(Token::Minted(minted));
    }
    map.close();
    if let Some(beside) = found.into_iter().flatten().next() {
        let message = "this is of a token that the gateway mints, and it is fetched";
        return values::fault(reader, beside, "without-effect", message, Some("take it out, or `fetch`"));
    }
    fetch?.map(|fetched| Token::Fetched(Box::new(fetched)))
}

/// Reads `fetch`.
fn fetched(reader: &Reader, node: &Node) -> Option<Fetched> {
    let map = Map::open(reader, node)?;
    let url = map.need("url", target);
    let server_name = map.may("server_name", values::host_name);
    let tls = map.need("tls", remote::tls);
    let client_id = map.need("client_id", values::text);
    let keys = map.may("key", paths);
    let audience = map.may("audience", |reader, node| Some((node, values::text(reader, node)?)));
    let scope = map.may("scope", scope);
    let details = map.may("authorization_details", |reader, node| reader.boolean(node));
    let resource = map.may("resource", values::text);
    let max_lifetime = map.may("max_lifetime", values::seconds(FETCHED_LIFETIME_S));
    let timeout = map.may("timeout", values::span(FETCH_TIME_S));
    map.close();
    let (url, server_name, (ca, own), client_id, keys) = (url?, server_name?, tls?, client_id?, keys?);
    let (audience, scope, resource) = (audience?, scope?, resource?);
    let (details, max_lifetime, timeout) = (details?, max_lifetime?, timeout?);
    if let (Some((node, _)), None) = (&audience, &keys) {
        let message = "an assertion has an audience, and there is no `key` that signs one";
        return values::fault(reader, node, "without-effect", message, Some("take it out, or add `key: <file>`"));
    }
    let details = details.unwrap_or(true);
    if !FetchSettings::narrows(scope.as_deref(), details) {
        let message = "nothing narrows a token to one action";
        let help =
            "leave out `authorization_details: false`, or add a scope with `{action}`: `scope: \"{type}:{action}\"`";
        return values::fault(reader, node, "missing-key", message, Some(help));
    }
    let At { place, value: Target { place: value, path } } = url;
    // What a server is called by itself, where nothing else is said (RFC 7523 §3): its token endpoint.
    let port = if value.port == 443 { String::new() } else { format!(":{}", value.port) };
    let host = server_name.as_ref().map_or(&value.host, |at| &at.value);
    let endpoint = || format!("https://{host}{port}{path}").into();
    let audience = audience.map_or_else(endpoint, |(_, audience)| audience);
    let remote = Remote { at: At { place, value }, server_name, ca, own };
    let request = FetchSettings {
        path,
        client_id,
        audience,
        scope,
        details,
        resource,
        max_lifetime_s: max_lifetime.unwrap_or(FETCHED_LIFETIME_UNSAID).as_secs(),
        timeout: timeout.unwrap_or(FETCH_TIME_UNSAID),
    };
    Some(Fetched { remote, keys, request })
}

/// A scope (RFC 6749 §3.3); what stands in braces is the type or the action of the right.
fn scope(reader: &Reader, node: &Node) -> Option<Box<str>> {
    let scope = values::text(reader, node)?;
    let plain = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7a | b'|' | b'~');
    let bare = scope.replace("{type}", "t").replace("{action}", "a");
    if bare.split(' ').all(|one| !one.is_empty() && one.bytes().all(plain)) {
        return Some(scope);
    }
    let message = "a scope is words of printable ASCII with one space between them";
    let help = "in braces stand `{type}` and `{action}` of the right, and nothing else: `scope: \"{type}:{action}\"`";
    values::fault(reader, node, "text-out-of-bounds", message, Some(help))
}

/// What it means for this partner: the files are read.
pub(super) fn meant(
    reader: &Reader,
    files: &mut Files<'_>,
    written: Token,
    partner: &PartnerName,
) -> Option<TokenSettings> {
    match written {
        Token::Minted(Minted { issuer, audience, client_id, keys, lifetime }) => {
            let purpose = format!("the key that signs tokens for `{partner}`");
            let read: Vec<_> = keys.iter().map(|at| files.signing_key(at, &purpose)).collect();
            let keys = PublishedKeys::new(read.into_iter().collect::<Option<Vec<_>>>()?)?;
            let lifetime_s = lifetime.as_secs();
            Some(TokenSettings::Minted(Minting { issuer, audience, client_id, keys, lifetime_s }))
        }
        Token::Fetched(written) => {
            let Fetched { remote, keys, request } = *written;
            let whom = format!("the authorisation server of `{partner}`");
            let at = remote::meant(reader, files, remote, ("an authorisation server", &whom));
            let purpose = format!("the key by which we are a client of `{partner}`");
            let keys = keys.map_or(Some(Vec::new()), |keys| files.signing_keys(&keys, &purpose));
            Some(TokenSettings::Fetched(Box::new(TokenServer { at: at?, request, keys: keys? })))
        }
    }
}
