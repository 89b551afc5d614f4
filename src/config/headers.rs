//! Header fields that lie in a file, since one of them is a secret: `Name: value`, one on a line.

use crate::config::files::Files;
use crate::config::values::At;
use crate::secret::Secret;
use http::HeaderName;
use http::HeaderValue;
use std::path::PathBuf;

/// How many fields a file may hold.
const HEADERS_MAX: usize = 16;

/// What to write.
const HELP: &str =
    "one `Name: value` on each line, for instance `Authorization: Bearer ...`; none that frames the message";

/// A field. Its value is marked as sensitive, so that nothing shows it.
pub type Header = (HeaderName, HeaderValue);

/// Why a file holds no fields. None of its text is repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum HeadersFault {
    /// Not UTF-8.
    #[error("is not UTF-8")]
    NoText,
    /// A line is no field.
    #[error("has no `Name: value` on line {0}")]
    NoField(usize),
    /// A field that the gateway itself writes.
    #[error("names a field on line {0} that is ours to write")]
    Ours(usize),
    /// Nothing, or more than there may be.
    #[error("holds no field, or more than {HEADERS_MAX}")]
    Count,
}

/// Reads the fields of a file, which is watched.
pub(super) fn read(files: &mut Files<'_>, at: &At<PathBuf>, purpose: &str) -> Option<Vec<Header>> {
    files.told(at, purpose, "malformed-headers", HELP, of)
}

fn of(secret: &Secret) -> Result<Vec<Header>, HeadersFault> {
    let text = std::str::from_utf8(secret.expose()).map_err(|_| HeadersFault::NoText)?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let headers: Vec<_> = lines.map(|(line, number)| field(line, number)).collect::<Result<_, _>>()?;
    if headers.is_empty() || headers.len() > HEADERS_MAX { Err(HeadersFault::Count) } else { Ok(headers) }
}

fn field(line: &str, number: usize) -> Result<Header, HeadersFault> {
    let (name, value) = line.split_once(':').ok_or(HeadersFault::NoField(number))?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeadersFault::NoField(number))?;
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| HeadersFault::NoField(number))?;
    if value.is_empty() {
        return Err(HeadersFault::NoField(number));
    }
    let ours = [
        http::header::HOST,
        http::header::CONTENT_LENGTH,
        http::header::CONTENT_TYPE,
        http::header::CONTENT_ENCODING,
        http::header::TRANSFER_ENCODING,
        http::header::ACCEPT_ENCODING,
        http::header::CONNECTION,
        http::header::EXPECT,
        http::header::TE,
        http::header::TRAILER,
        http::header::UPGRADE,
    ];
    if ours.contains(&name) {
        return Err(HeadersFault::Ours(number));
    }
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<Header>, HeadersFault> {
        of(&Secret::new(text.to_vec()))
    }

    #[test]
    fn fields_stand_one_on_a_line_and_nothing_shows_their_values() {
        let headers = read(b"Authorization: Bearer abc\n\nx-tenant:7\r\n").unwrap();
        let plain: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(plain, [("authorization", "Bearer abc"), ("x-tenant", "7")]);
        assert!(!format!("{headers:?}").contains("abc"));
    }

    #[test]
    fn what_is_no_field_or_ours_to_write_is_refused_by_its_line() {
        for (text, fault) in [
            (&b"\xff: x"[..], HeadersFault::NoText),
            (b"a: b\nno field", HeadersFault::NoField(2)),
            (b"a b: c", HeadersFault::NoField(1)),
            (b"a:", HeadersFault::NoField(1)),
            (b"a: b\x01c", HeadersFault::NoField(1)),
            (b"a: b\nTransfer-Encoding: chunked", HeadersFault::Ours(2)),
            (b"HOST: x", HeadersFault::Ours(1)),
            (b"\n\n", HeadersFault::Count),
        ] {
            assert_eq!(read(text), Err(fault), "{text:?}");
        }
        let many = |count: usize| (0..count).map(|number| format!("x-{number}: y\n")).collect::<String>();
        assert!(read(many(HEADERS_MAX).as_bytes()).is_ok());
        assert_eq!(read(many(HEADERS_MAX + 1).as_bytes()), Err(HeadersFault::Count));
    }
}
