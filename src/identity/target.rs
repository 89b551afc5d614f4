//! Where a proof says that its request goes (`htu`, RFC 9449 §4.2), held against where it went.
//!
//! Both are compared after the normalisation of RFC 3986 §6.2.2 and §6.2.3, without query and fragment (RFC 9449 §4.3): case of
//! scheme and host, the port that goes without saying, `%2d` for `-`, `a/../b` for `b`, an empty path. Nothing beyond that: what
//! RFC 3986 calls two resources are two. The one side is the configured public URL and the path of the request as it came,
//! which is not normalised into another one: a path with `..` in it is nobody's.

use crate::model::PublicUrl;
use crate::model::normal_authority;

/// Whether `htu` is the URL of `path` at `public`.
pub(super) fn is_target(htu: &str, public: &PublicUrl, path: &str) -> bool {
    let htu = htu.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = htu.split_once("://") else { return false };
    let (authority, named) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let of_https = scheme.eq_ignore_ascii_case("https");
    let here = normal_authority(authority).is_some_and(|authority| authority == public.authority());
    let (Some(named), Some(path)) = (normal_escapes(named), normal_escapes(path)) else { return false };
    of_https && here && !has_dots(&path) && without_dots(&named) == path
}

/// Unreserved characters bare, all other escapes in capitals (RFC 3986 §6.2.2.1, §6.2.2.2); `None` where an escape is none, or
/// something stands bare that must not.
fn normal_escapes(path: &str) -> Option<String> {
    let mut normal = String::with_capacity(path.len().max(1));
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            normal.push(Some(char::from(byte)).filter(char::is_ascii_graphic)?);
            continue;
        }
        let [high, low] = [bytes.next()?, bytes.next()?].map(|digit| char::from(digit).to_ascii_uppercase());
        let value = u8::try_from(high.to_digit(16)? << 4 | low.to_digit(16)?).ok()?;
        if value.is_ascii_alphanumeric() || matches!(value, b'-' | b'.' | b'_' | b'~') {
            normal.push(char::from(value));
        } else {
            normal.extend(['%', high, low]);
        }
    }
    if normal.is_empty() {
        normal.push('/');
    }
    Some(normal)
}

fn has_dots(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// The path without its segments `.` and `..` (RFC 3986 §5.2.4); it begins with `/`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in path.split('/').skip(1) {
        open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    // A last `.` or `..` leaves a folder.
    if open {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_compared_by_what_it_means_and_by_nothing_else() {
        let public = PublicUrl::new("https://gateway.prop.example").unwrap();
        let path = "/v1/houses/h-1/doors/d%201/open";
        let same = |htu: &str| is_target(htu, &public, path);
        for good in [
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/open",
            "HTTPS://Gateway.Prop.Example:443/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example:/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example:0443/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example/v1/houses/%68%2D1/doors/d%201/open",
            "https://gateway.prop.example/v1/./houses/h-2/../h-1/doors/d%201/open",
            "https://gateway.prop.example/../v1/houses/h-1/%2E/doors/d%201/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/open?all=1",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/open#top",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/open?a#b?c",
        ] {
            assert!(same(good), "{good}");
        }
        for bad in [
            "",
            "/v1/houses/h-1/doors/d%201/open",
            "//gateway.prop.example/v1/houses/h-1/doors/d%201/open",
            "http://gateway.prop.example/v1/houses/h-1/doors/d%201/open",
            "https:/gateway.prop.example/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example:8443/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example./v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example@evil.example/v1/houses/h-1/doors/d%201/open",
            "https://user@gateway.prop.example/v1/houses/h-1/doors/d%201/open",
            "https://evil.example/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example.evil.example/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example\\/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example/V1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%202/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d 1/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d+1/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%2/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/open/",
            "https://gateway.prop.example//v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example/v1/houses/h-1/doors%2Fd%201/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/open/.",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/open/..",
            "https://gateway.prop.example",
            "https://gateway.prop.example?/v1/houses/h-1/doors/d%201/open",
            " https://gateway.prop.example/v1/houses/h-1/doors/d%201/open",
            "https://gateway.prop.example/v1/houses/h-1/doors/d%201/открыть",
        ] {
            assert!(!same(bad), "{bad}");
        }
    }

    #[test]
    fn a_request_that_climbs_is_nobodys_and_an_empty_path_is_the_root() {
        let public = PublicUrl::new("https://gateway.prop.example:8443").unwrap();
        for path in ["/a/../b", "/a/%2e%2E/b", "/b/."] {
            for htu in ["/a/../b", "/b", "/b/", "/b/."].map(|end| format!("https://gateway.prop.example:8443{end}")) {
                assert!(!is_target(&htu, &public, path), "{path} {htu}");
            }
        }
        assert!(is_target("https://gateway.prop.example:8443", &public, "/"));
        assert!(is_target("https://gateway.prop.example:8443/a/..", &public, "/"));
        assert!(!is_target("https://gateway.prop.example", &public, "/"));
        assert!(is_target("https://gateway.prop.example:8443/a/b/..", &public, "/a/"));
    }
}
