//! Where a partner takes events: `endpoint` and `sign` of its `webhooks`, first as written, then what they mean.

use crate::config::files::Files;
use crate::config::settings::EndpointSettings;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::values::Upstream;
use crate::config::written::Paths;
use crate::config::written::paths;
use crate::model::PartnerName;
use crate::yaml::Node;
use crate::yaml::Reader;
use crate::yaml::Yaml;

/// An endpoint as it is written.
pub(super) struct Deliver {
    endpoint: At<Target>,
    server_name: Option<At<Box<str>>>,
    sign: Paths,
}

/// The parts of `https://host:port/path`.
pub(super) struct Target {
    pub(super) place: Upstream,
    pub(super) path: Box<str>,
}

/// Reads the keys of an endpoint out of a partner's `webhooks`, which is at `node`; the outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault and absence are two things")]
pub(super) fn read(reader: &Reader, map: &Map<'_>, node: &Node) -> Option<Option<Deliver>> {
    let endpoint = map.may("endpoint", target);
    let server_name = map.may("server_name", values::host_name);
    let sign = map.may("sign", paths);
    match (endpoint?, server_name?, sign?) {
        (Some(endpoint), server_name, Some(sign)) => Some(Some(Deliver { endpoint, server_name, sign })),
        (None, None, None) => Some(None),
        _ => {
            let message = "an endpoint needs `endpoint` and `sign`, and neither stands without the other";
            values::fault(
                reader,
                node,
                "missing-key",
                message,
                Some("the partner verifies every event by its signature"),
            )
        }
    }
}

/// What it means: the secrets are read.
pub(super) fn meant(
    reader: &Reader,
    files: &mut Files<'_>,
    written: Deliver,
    partner: &PartnerName,
) -> Option<EndpointSettings> {
    let Deliver { endpoint, server_name, sign } = written;
    let purpose = format!("a secret that signs events for `{partner}`");
    let secrets = files.webhook_secrets(&sign, &purpose);
    let Target { place: upstream, path } = endpoint.value;
    let server_name = match server_name {
        Some(at) => Some(at.value),
        None if upstream.is_address => {
            let message = "an endpoint that is an address needs the name in its certificate";
            let fault = reader.source().fault("missing-key", endpoint.place, message);
            reader.report(fault.help("add `server_name: <host name>` to these webhooks"));
            None
        }
        None => Some(upstream.host.clone()),
    };
    Some(EndpointSettings {
        host: upstream.host,
        port: upstream.port,
        server_name: server_name?,
        path,
        secrets: secrets?,
    })
}

/// The host of an endpoint that is written at `node`, where its certificate bears that name.
pub(super) fn host_of(node: &Node) -> Option<String> {
    let Yaml::Text(text) = &node.value else { return None };
    parse(text).filter(|target| !target.place.is_address).map(|target| target.place.host.into())
}

pub(super) fn target(reader: &Reader, node: &Node) -> Option<At<Target>> {
    if let Some(value) = parse(reader.text(node)?) {
        return Some(At { place: node.place, value });
    }
    let message = "an endpoint is `https://`, a host, perhaps a port, and a path";
    let help =
        "for instance `https://api.smarthome.example/webhooks/prop`; a path holds no `#` and nothing to be encoded";
    values::fault(reader, node, "malformed-endpoint", message, Some(help))
}

fn parse(text: &str) -> Option<Target> {
    let inside = text.strip_prefix("https://")?;
    let (authority, path) = inside.split_at(inside.find('/').unwrap_or(inside.len()));
    let path = if path.is_empty() { "/" } else { path };
    // RFC 3986 §3.3 and §3.4, without user information, fragments or anything that a proxy could read in two ways.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte);
    let place = values::parse_upstream(&format!("https://{authority}"))?;
    path.bytes().all(plain).then(|| Target { place, path: path.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_taken_apart_and_nothing_but_https_is_one() {
        let parts = |text| parse(text).map(|target| (target.place.host, target.place.port, target.path));
        let is = |host: &str, port, path: &str| Some((host.into(), port, path.into()));
        assert_eq!(parts("https://api.example/hooks/a?b=c"), is("api.example", 443, "/hooks/a?b=c"));
        assert_eq!(parts("https://127.0.0.1:8443"), is("127.0.0.1", 8443, "/"));
        for text in [
            "http://api.example/",
            "https:///hooks",
            "https://user@api.example/",
            "https://api.example/a b",
            "https://a.example/#x",
            "api.example/hooks",
            "https://api.example/\u{e9}",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
