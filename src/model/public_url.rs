//! Under which URL the gateway is known to apps: an origin, to which a request's path is appended.
//!
//! An app signs for where its command goes (RFC 9449 §4.2, `htu`), and it knows the gateway by this name alone, whatever
//! stands between them. So the name is configured, and never taken from a request.

use std::fmt;
use std::net::Ipv6Addr;

/// The port that https URLs need not name (RFC 9110 §4.2.2).
const HTTPS_PORT: u16 = 443;

/// The origin of an https URL: scheme and host in lower case, and the port where it is not 443.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl(Box<str>);

impl PublicUrl {
    /// Reads `https://host` or `https://host:port`; `None` for anything else: another scheme, a user, a path (a `/` at the
    /// end is one), a query.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let authority = text.strip_prefix("https://")?;
        let normal = normal_authority(authority)?;
        (text.len() <= 512).then(|| Self(format!("https://{normal}").into()))
    }

    /// The URL, without a `/` at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host alone.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// Host and port, as they stand in the URL.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.strip_prefix("https://").unwrap_or_default()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The authority of an https URL in its one normal spelling (RFC 3986 §6.2.2.1, §6.2.3): lower case, without the port that
/// goes without saying. `None` where it is not just a host and perhaps a port.
#[must_use]
pub fn normal_authority(authority: &str) -> Option<String> {
    let after_host = match authority.strip_prefix('[') {
        Some(rest) => authority.len() - rest.split_once(']')?.1.len(),
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(after_host)?;
    let host = host.to_ascii_lowercase();
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => HTTPS_PORT,
        None => return None,
        // RFC 3986 §6.2.3: an empty port is the default one.
        Some("") => HTTPS_PORT,
        Some(digits) if digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        Some(_) => return None,
    };
    if !is_host(&host) || port == 0 {
        return None;
    }
    Some(if port == HTTPS_PORT { host } else { format!("{host}:{port}") })
}

/// A host name of letters, digits, `-`, `_` and single dots, an IPv4 address, or an IPv6 address in brackets; in lower case.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_an_https_origin_in_one_spelling() {
        let url = |text: &str| PublicUrl::new(text).map(|url| url.as_str().to_owned());
        for (text, normal) in [
            ("https://gateway.prop.example", "https://gateway.prop.example"),
            ("https://GateWay.Prop.example:443", "https://gateway.prop.example"),
            ("https://gateway.prop.example:8443", "https://gateway.prop.example:8443"),
            ("https://127.0.0.1:08443", "https://127.0.0.1:8443"),
            ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
        ] {
            assert_eq!(url(text).as_deref(), Some(normal), "{text}");
        }
        assert_eq!(PublicUrl::new("https://a.example:8443").unwrap().authority(), "a.example:8443");
        for wrong in [
            "",
            "gateway.prop.example",
            "http://gateway.prop.example",
            "HTTPS://gateway.prop.example",
            "https://",
            "https://gateway.prop.example/",
            "https://gateway.prop.example/v1",
            "https://gateway.prop.example?a",
            "https://gateway.prop.example#a",
            "https://user@gateway.prop.example",
            "https://gateway.prop.example:0",
            "https://gateway.prop.example:65536",
            "https://gateway.prop.example:+1",
            "https://gateway.prop.example:000443",
            "https://gateway..example",
            "https://gateway.prop.example.",
            "https://gateway prop.example",
            "https://g%61teway.example",
            "https://[::1",
            "https://[::1]x",
            "https://[no]",
            "https://::1",
        ] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }
}
