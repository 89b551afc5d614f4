//! What an issuer says of itself: the document of OpenID Connect Discovery 1.0 §4.2 or RFC 8414 §3.2, as far as we ask for it.
//!
//! It must be of the issuer that was asked for, byte for byte (RFC 8414 §3.3), or one issuer could speak with the keys of
//! another. And it names no other place than the one that it came from: where the gateway connects to is configured, and by
//! nobody else decided.

use crate::identity::fetch_fault::FetchFault;
use crate::json;
use crate::json::Value;

/// What such a document keeps to. Providers list dozens of members, and hundreds of scopes or claims.
const LIMITS: json::Limits =
    json::Limits { max_depth: 8, max_members: 256, max_elements: 1_024, max_string_bytes: 8 * 1024 };

/// The longest address in it, in bytes.
const MAX_URL_BYTES: usize = 512;

/// The path of `jwks_uri` at the place that the document came from, which may be called by any of `authorities`.
pub(super) fn jwks_path(document: &[u8], issuer: &str, authorities: &[Box<str>]) -> Result<Box<str>, FetchFault> {
    let document = json::parse(document, LIMITS).map_err(|_| FetchFault::Metadata)?;
    let text = |name: &str| document.get(name).and_then(Value::as_str).ok_or(FetchFault::Metadata);
    if text("issuer")? != issuer {
        return Err(FetchFault::Issuer);
    }
    path_at(text("jwks_uri")?, authorities)
}

/// The path of an address at one of `authorities`; port 443 may be written or not.
fn path_at(url: &str, authorities: &[Box<str>]) -> Result<Box<str>, FetchFault> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\';
    let inside = url.strip_prefix("https://").filter(|_| url.len() <= MAX_URL_BYTES && url.bytes().all(plain));
    let inside = inside.ok_or(FetchFault::Metadata)?;
    let (authority, path) =
        inside.split_at_checked(inside.find('/').ok_or(FetchFault::Metadata)?).ok_or(FetchFault::Metadata)?;
    let is = |known: &str| {
        known.eq_ignore_ascii_case(authority)
            || known.strip_suffix(":443").is_some_and(|host| host.eq_ignore_ascii_case(authority))
    };
    if authorities.iter().any(|known| is(known)) { Ok(path.into()) } else { Err(FetchFault::Host) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example/realms/north";

    fn path(document: &str) -> Result<String, FetchFault> {
        let authorities = ["id.example:443".into(), "10.0.0.7:443".into(), "id.example:8443".into()];
        jwks_path(document.as_bytes(), ISSUER, &authorities).map(String::from)
    }

    fn naming(url: &str) -> Result<String, FetchFault> {
        path(&format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{url}","scopes_supported":["openid"],"x":{{"y":[1]}}}}"#))
    }

    #[test]
    fn a_document_tells_where_the_keys_are_at_the_place_that_it_came_from() {
        for (url, at) in [
            ("https://id.example/keys", "/keys"),
            ("https://ID.example:443/keys?x=1", "/keys?x=1"),
            ("https://id.example:8443/", "/"),
            ("https://10.0.0.7/a/b", "/a/b"),
        ] {
            assert_eq!(naming(url), Ok(at.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_place_that_is_not_configured_is_refused_however_it_is_spelled() {
        for url in [
            "https://elsewhere.example/keys",
            "https://id.example.elsewhere.example/keys",
            "https://id.example:8444/keys",
            "https://id.example@elsewhere.example/keys",
            "https://elsewhere.example:443/id.example",
            "https://id.example:0443/keys",
            "https://id.example./keys",
            "https://169.254.169.254/latest",
            "https:///keys",
        ] {
            assert_eq!(naming(url), Err(FetchFault::Host), "{url}");
        }
        for url in [
            "http://id.example/keys",
            "https://id.example",
            "//id.example/keys",
            "/keys",
            "",
            "https://id.example/a b",
            "https://id.example/#x",
            "file:///etc/passwd",
        ] {
            assert_eq!(naming(url), Err(FetchFault::Metadata), "{url}");
        }
        assert_eq!(naming(&format!("https://id.example/{}", "a".repeat(MAX_URL_BYTES - 19))).map(drop), Ok(()));
        assert_eq!(
            naming(&format!("https://id.example/{}", "a".repeat(MAX_URL_BYTES - 18))),
            Err(FetchFault::Metadata)
        );
    }

    #[test]
    fn a_document_of_another_issuer_is_refused_byte_for_byte() {
        for other in [
            "https://id.example/realms/north/",
            "https://id.example/realms/nort",
            "https://id.example/realms/North",
            "https://other.example",
            "",
        ] {
            let document = format!(r#"{{"issuer":"{other}","jwks_uri":"https://id.example/keys"}}"#);
            assert_eq!(path(&document), Err(FetchFault::Issuer), "{other}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let good = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"https://id.example/keys"}}"#);
        assert!(path(&good).is_ok());
        for bad in [
            String::new(),
            "[]".to_owned(),
            "<html>".to_owned(),
            good.replace("jwks_uri", "jwks"),
            good.replace("\"issuer\"", "\"iss\""),
            good.replace("\"https://id.example/keys\"", "1"),
            good.replace('}', r#","issuer":"https://id.example/realms/north"}"#),
            format!("{good}{good}"),
        ] {
            assert_eq!(path(&bad), Err(FetchFault::Metadata), "{bad}");
        }
    }
}
