//! Single values as they are written: names, addresses, host names, durations, each with its own fault and hint.

use crate::config::credentials;
use crate::config::settings::ListenAddress;
use crate::config::units;
use crate::diagnostic::Place;
use crate::model::Name;
use crate::model::PublicUrl;
use crate::yaml::Fields;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// What to write for a name.
pub(super) const NAME: &str = "for instance `production` or `smarthome`, with at most 64 characters";

/// A value and where it was written, for faults that only its meaning shows.
#[derive(Clone)]
pub(super) struct At<T> {
    pub(super) place: Place,
    pub(super) value: T,
}

/// Where a partner's platform is: the parts of `https://host:port`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Upstream {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// Whether the host is an address, which no server name can be taken from.
    pub(super) is_address: bool,
}

/// One mapping that is being read.
pub(super) struct Map<'a> {
    reader: &'a Reader,
    fields: Fields<'a>,
}

impl<'a> Map<'a> {
    pub(super) fn open(reader: &'a Reader, node: &'a Node) -> Option<Self> {
        Some(Self { reader, fields: reader.fields(node)? })
    }

    /// A value that must be there.
    pub(super) fn need<T>(&self, key: &'static str, read: impl FnOnce(&'a Reader, &'a Node) -> Option<T>) -> Option<T> {
        self.fields.required(key).and_then(|node| read(self.reader, node))
    }

    /// A value that may be absent: the outer `None` is a fault, the inner one absence.
    #[expect(clippy::option_option, reason = "a fault and absence are two things")]
    pub(super) fn may<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&'a Reader, &'a Node) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.fields.optional(key) {
            None => Some(None),
            Some(node) => read(self.reader, node).map(Some),
        }
    }

    /// All entries with keys of the operator's choice.
    pub(super) fn rest(&self) -> Vec<(&'a crate::yaml::Key, &'a Node)> {
        self.fields.rest()
    }

    /// Reports every key that nobody asked for.
    pub(super) fn close(self) {
        self.fields.finish();
    }
}

/// Text, not empty.
pub(super) fn text(reader: &Reader, node: &Node) -> Option<Box<str>> {
    let text = reader.text(node)?;
    if text.is_empty() || text.len() > 512 || text.chars().any(char::is_control) {
        return fault(
            reader,
            node,
            "text-out-of-bounds",
            "a text here has 1 to 512 bytes and no control characters",
            Some("write what the other side will compare it with, byte by byte"),
        );
    }
    Some(text.into())
}

pub(super) fn name(reader: &Reader, node: &Node) -> Option<At<Name>> {
    match Name::new(reader.text(node)?) {
        Ok(value) => Some(At { place: node.place, value }),
        Err(error) => fault(reader, node, "malformed-name", &error.to_string(), Some(NAME)),
    }
}

/// A path, relative to the folder of the file that is read; or `credential:NAME`, a file that the supervisor handed over.
pub(super) fn path(reader: &Reader, node: &Node) -> Option<At<PathBuf>> {
    let written = text(reader, node)?;
    let Some(name) = credentials::name_in(&written) else {
        let base = reader.source().path().parent().map(PathBuf::from).unwrap_or_default();
        return Some(At { place: node.place, value: base.join(&*written) });
    };
    match Name::new(name) {
        Ok(name) => Some(At { place: node.place, value: credentials::path_of(&name) }),
        Err(error) => {
            let help = "for instance `credential:store.key`, where the unit has `LoadCredential=store.key:FILE`";
            fault(reader, node, "malformed-credential", &error.to_string(), Some(help))
        }
    }
}

/// Where a listener listens: an address to bind, or `systemd:NAME`, a socket that the supervisor handed over.
pub(super) fn address(reader: &Reader, node: &Node) -> Option<At<ListenAddress>> {
    let written = reader.text(node)?;
    let value = match written.strip_prefix("systemd:") {
        Some(name) => Name::new(name).ok().map(ListenAddress::HandedOver),
        None => written.parse().ok().map(ListenAddress::Bind),
    };
    if let Some(value) = value {
        return Some(At { place: node.place, value });
    }
    let message = "an address is an IP address and a port, or `systemd:` and the name of a socket";
    let help = "for instance `127.0.0.1:8443`, `[::]:8443`, or `systemd:backend` (`FileDescriptorName=backend`)";
    fault(reader, node, "malformed-address", message, Some(help))
}

/// A host name, given back in lower case.
pub(super) fn host_name(reader: &Reader, node: &Node) -> Option<At<Box<str>>> {
    let written = reader.text(node)?.to_ascii_lowercase();
    if is_host_name(&written) {
        return Some(At { place: node.place, value: written.into() });
    }
    fault(
        reader,
        node,
        "malformed-host-name",
        "a host name is labels of letters, digits and `-`, separated by dots",
        Some("without scheme, port and path, for instance `smarthome.gateway.example`; an address is no host name"),
    )
}

/// The one name in a client's certificate: a URI as it stands there, or a host name, given back in lower case.
pub(super) fn peer_name(reader: &Reader, node: &Node) -> Option<At<Box<str>>> {
    let written = reader.text(node)?;
    if is_uri(written) {
        return Some(At { place: node.place, value: written.into() });
    }
    let written = written.to_ascii_lowercase();
    if is_host_name(&written) {
        return Some(At { place: node.place, value: written.into() });
    }
    let message = "a peer is named by a URI or a host name of its certificate";
    fault(reader, node, "malformed-peer-name", message, Some("for instance `spiffe://smarthome.example/events`"))
}

pub(super) fn upstream(reader: &Reader, node: &Node) -> Option<At<Upstream>> {
    if let Some(value) = parse_upstream(reader.text(node)?) {
        return Some(At { place: node.place, value });
    }
    let message = "an upstream is `https://`, a host and perhaps a port, and nothing else";
    fault(reader, node, "malformed-upstream", message, Some("for instance `https://api.smarthome.example:443`"))
}

/// The origin by which apps know the gateway.
pub(super) fn public_url(reader: &Reader, node: &Node) -> Option<PublicUrl> {
    let message = "the public URL is `https://`, a host and perhaps a port, and nothing else";
    match PublicUrl::new(reader.text(node)?) {
        Some(url) => Some(url),
        None => {
            let help = "what apps call, without a path: for instance `https://gateway.prop.example`";
            fault(reader, node, "malformed-public-url", message, Some(help))
        }
    }
}

/// A place that takes syslog messages over TLS: a host and perhaps a port, which is 6514 else (RFC 5425 §4.1).
pub(super) fn remote(reader: &Reader, node: &Node) -> Option<At<Upstream>> {
    if let Some(value) = parse_remote(reader.text(node)?) {
        return Some(At { place: node.place, value });
    }
    let message = "a destination is a host name or an address, and perhaps a port";
    fault(reader, node, "malformed-address", message, Some("for instance `siem.prop.example:6514`, without a scheme"))
}

/// The host of a place that is written at `node`, where its certificate bears that name.
pub(super) fn host_of_remote(text: &str) -> Option<String> {
    parse_remote(text).filter(|place| !place.is_address).map(|place| place.host.into())
}

fn parse_remote(text: &str) -> Option<Upstream> {
    let place = parse_upstream(&format!("https://{text}"))?;
    Some(if text.contains(':') { place } else { Upstream { port: 6514, ..place } })
}

/// How long a token lives: a duration of whole seconds within bounds, in seconds.
pub(super) fn seconds(within: RangeInclusive<u64>) -> impl Fn(&Reader, &Node) -> Option<Duration> {
    whole_seconds(within, "the shorter, the less a stolen token is worth")
}

/// How old something may grow: a duration of whole seconds within bounds, in seconds.
pub(super) fn age(within: RangeInclusive<u64>) -> impl Fn(&Reader, &Node) -> Option<Duration> {
    whole_seconds(within, "longer than the time between two updates, and shorter than a mistake may last")
}

/// How long something stays: a duration of whole seconds within bounds, in seconds.
pub(super) fn stay(within: RangeInclusive<u64>) -> impl Fn(&Reader, &Node) -> Option<Duration> {
    whole_seconds(within, "a start reads the last 24 hours back")
}

/// For how long something goes on: a duration of whole seconds within bounds, in seconds.
pub(super) fn span(within: RangeInclusive<u64>) -> impl Fn(&Reader, &Node) -> Option<Duration> {
    whole_seconds(within, "whole seconds and their unit")
}

/// A size within bounds, in bytes.
pub(super) fn bytes(within: RangeInclusive<u64>) -> impl Fn(&Reader, &Node) -> Option<u64> {
    move |reader, node| {
        let written = reader.text(node)?;
        let Some(value) = units::size(written) else {
            let message = format!("`{written}` is no size");
            return fault(reader, node, "malformed-limit", &message, Some("for instance `64KiB` or `1MiB`"));
        };
        if within.contains(&value) {
            return Some(value);
        }
        let [low, high] = [within.start(), within.end()].map(|bound| units::size_text(*bound));
        let help = format!("take a size from {low} to {high}");
        fault(reader, node, "out-of-bounds", &format!("`{written}` is not within {low} to {high}"), Some(&help))
    }
}

fn whole_seconds(within: RangeInclusive<u64>, why: &'static str) -> impl Fn(&Reader, &Node) -> Option<Duration> {
    move |reader, node| {
        let written = reader.text(node)?;
        let value = units::duration(written).filter(|value| value.subsec_millis() == 0);
        let Some(value) = value else {
            let message = format!("`{written}` is no duration of whole seconds");
            return fault(reader, node, "malformed-duration", &message, Some("for instance `30s`, `15m` or `1h`"));
        };
        if within.contains(&value.as_secs()) {
            return Some(value);
        }
        let [low, high] = [within.start(), within.end()].map(|bound| units::duration_text(bound * 1_000));
        let help = format!("take a duration from {low} to {high}; {why}");
        fault(reader, node, "out-of-bounds", &format!("`{written}` is not within {low} to {high}"), Some(&help))
    }
}

/// Reports a fault at `node`; always `None`.
pub(super) fn fault<T>(
    reader: &Reader,
    node: &Node,
    code: &'static str,
    message: &str,
    help: Option<&str>,
) -> Option<T> {
    let fault = reader.source().fault(code, node.place, message);
    reader.report(match help {
        Some(help) => fault.help(help),
        None => fault,
    });
    None
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    // A last label of digits alone would be an address (RFC 1123 §2.1).
    let named = text.rsplit('.').next().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= 253 && named && text.split('.').all(label)
}

/// A scheme (RFC 3986 §3.1), `://` and something, without what a certificate's name cannot have.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let of_scheme = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(of_scheme)
        && !rest.is_empty()
        && text.len() <= 512
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The parts of an upstream; `None` for anything else.
pub(super) fn parse_upstream(text: &str) -> Option<Upstream> {
    let authority = text.strip_prefix("https://")?.to_ascii_lowercase();
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return Some(Upstream { host: address.ip().to_string().into(), port: address.port(), is_address: true });
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.starts_with('+') => (host, port.parse().ok().filter(|port| *port > 0)?),
        Some(_) => return None,
        None => (authority.as_str(), 443),
    };
    let is_address = host.parse::<IpAddr>().is_ok();
    (is_address || is_host_name(host)).then(|| Upstream { host: host.into(), port, is_address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_scheme_a_host_and_perhaps_a_port() {
        let upstream = |host: &str, port, is_address| Some(Upstream { host: host.into(), port, is_address });
        assert_eq!(parse_upstream("https://API.example:8443"), upstream("api.example", 8443, false));
        assert_eq!(parse_upstream("https://api.example"), upstream("api.example", 443, false));
        assert_eq!(parse_upstream("https://127.0.0.1:8443"), upstream("127.0.0.1", 8443, true));
        assert_eq!(parse_upstream("https://127.0.0.1"), upstream("127.0.0.1", 443, true));
        assert_eq!(parse_upstream("https://[::1]:8443"), upstream("::1", 8443, true));
        for wrong in [
            "http://api.example",
            "api.example:443",
            "https://",
            "https://api.example/",
            "https://api.example/v1",
            "https://user@api.example",
            "https://api.example:0",
            "https://api.example:+1",
            "https://api.example:99999",
            "https://api.example?x",
            "https://a b",
            "https://1.2.3",
        ] {
            assert_eq!(parse_upstream(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_destination_is_a_host_and_perhaps_a_port() {
        let place = |host: &str, port, is_address| Some(Upstream { host: host.into(), port, is_address });
        assert_eq!(parse_remote("SIEM.example"), place("siem.example", 6514, false));
        assert_eq!(parse_remote("siem.example:514"), place("siem.example", 514, false));
        assert_eq!(parse_remote("127.0.0.1"), place("127.0.0.1", 6514, true));
        assert_eq!(parse_remote("[::1]:6514"), place("::1", 6514, true));
        for wrong in ["", "tcp://a", "a/b", "a:0", "a b", "a@b"] {
            assert_eq!(parse_remote(wrong), None, "{wrong}");
        }
        assert_eq!((host_of_remote("a.example:1"), host_of_remote("127.0.0.1:1")), (Some("a.example".into()), None));
    }

    #[test]
    fn a_uri_has_a_scheme_and_something_behind_it() {
        assert!(is_uri("spiffe://prop.example/partner") && is_uri("https://a") && is_uri("x+y://a"));
        for wrong in ["", "spiffe", "spiffe:/a", "://a", "spiffe://", "Spiffe://a", "1a://b", "a://b c", "a://é"] {
            assert!(!is_uri(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_host_name_keeps_to_rfc_1123() {
        assert!(is_host_name("localhost") && is_host_name("a-1.b.example") && is_host_name("3com.example"));
        for wrong in ["", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a_b", "a:1", "10.0.0.1", &"a".repeat(64)] {
            assert!(!is_host_name(wrong), "{wrong}");
        }
    }
}
