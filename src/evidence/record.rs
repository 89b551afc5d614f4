//! One line of a log: a record, held against the format.
//!
//! A line is a JSON object of version 2 with `kind`, `time` and `salt`, and ends `,"sum":"<16 digits>"}`, where the digits are
//! the first 8 bytes of SHA-256 over a zero byte and everything before. What else it holds is not this room's affair, as long as it is JSON
//! in which nothing can be read in two ways. The first line of a segment is its header.

use crate::clock::UnixMillis;
use crate::crypto::decode_base64url;
use crate::crypto::sha256_joined;
use crate::evidence::note::hash_of_base64;
use crate::evidence::tree::Frontier;
use crate::json;
use crate::json::JsonError;
use crate::json::Kind;
use crate::json::Reader;
use crate::json::Value;
use crate::model::Sha256;

/// The longest line of a log, in bytes, its line feed not counted.
pub(super) const LINE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What the format allows of a record's JSON.
const LIMITS: json::Limits =
    json::Limits { max_depth: 16, max_members: 4096, max_elements: 65_536, max_string_bytes: LINE_MAX_BYTES };

/// What comes before the digits of a sum, and what after.
const SUM_OPENS: &[u8] = b",\"sum\":\"";
const SUM_CLOSES: &[u8] = b"\"}";

/// Why a line is no record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RecordFault {
    /// Not JSON of the strict kind.
    #[error("it is no strict JSON: {0}")]
    Json(json::Fault),
    /// No `v`, or one that nobody knows here.
    #[error("it is not of version 2, the only one that is known here")]
    Version,
    /// A member that each record has is missing, or is not what it must be.
    #[error("its `{0}` is missing or malformed")]
    Member(&'static str),
    /// The sum at its end is not that of the line.
    #[error("its sum does not fit: the line is not what was written")]
    Sum,
    /// It is longer than a record can be.
    #[error("it is longer than any record")]
    TooLong,
    /// No line feed ends it.
    #[error("the line is not ended")]
    Unended,
}

/// A fault and the byte of the line at which it was noticed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct LineFault {
    pub(super) at: usize,
    pub(super) why: RecordFault,
}

/// What a segment's first record says.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) origin: Box<str>,
    /// The tree before this record.
    pub(super) before: Frontier,
    /// The root that it says that tree has.
    pub(super) root: Sha256,
}

impl From<JsonError> for LineFault {
    fn from(error: JsonError) -> Self {
        Self { at: error.offset(), why: RecordFault::Json(error.fault()) }
    }
}

/// Holds a line, without its line feed, against the format. Tells whether it is a segment's header.
pub(super) fn check(line: &[u8]) -> Result<bool, LineFault> {
    let wrong = |why| LineFault { at: 0, why };
    let mut reader = Reader::new(line, LIMITS)?;
    reader.begin_object()?;
    let (mut version, mut time, mut salt, mut is_header) = (false, false, false, None);
    while let Some(name) = reader.next_key()? {
        let at = reader.offset();
        let fault = |why| LineFault { at, why };
        match &*name {
            "v" => match reader.number()?.as_integer() {
                Some(2) => version = true,
                _ => return Err(fault(RecordFault::Version)),
            },
            "kind" => is_header = Some(&*reader.string(64)? == "segment"),
            "time" => match UnixMillis::parse(&reader.string(64)?) {
                Some(_) => time = true,
                None => return Err(fault(RecordFault::Member("time"))),
            },
            "salt" => match decode_base64url(&reader.string(64)?) {
                Some(bytes) if bytes.len() == 32 => salt = true,
                _ => return Err(fault(RecordFault::Member("salt"))),
            },
            _ => pass(&mut reader)?,
        }
    }
    reader.finish()?;
    if !version {
        return Err(wrong(RecordFault::Version));
    }
    let missing = [(time, "time"), (salt, "salt"), (is_header.is_some(), "kind")].into_iter().find(|(there, _)| !there);
    if let Some((_, name)) = missing {
        return Err(wrong(RecordFault::Member(name)));
    }
    // Strings cannot hold these bytes, a quotation mark in one being escaped: what precedes the digits is a member's name.
    let summed = line.strip_suffix(SUM_CLOSES).and_then(|line| line.split_last_chunk::<16>());
    let summed = summed.and_then(|(line, digits)| line.strip_suffix(SUM_OPENS).map(|line| (line, digits)));
    let (summed, digits) = summed.ok_or(wrong(RecordFault::Member("sum")))?;
    if sum(summed) == *digits { Ok(is_header.unwrap_or_default()) } else { Err(wrong(RecordFault::Sum)) }
}

/// Reads the header that [`check`] found.
pub(super) fn header(line: &[u8]) -> Result<Header, LineFault> {
    let value = json::parse(line, LIMITS)?;
    let wrong = |name| LineFault { at: 0, why: RecordFault::Member(name) };
    let number = |name| {
        let number = value.get(name).and_then(Value::as_integer);
        number.and_then(|number| u64::try_from(number).ok()).ok_or(wrong(name))
    };
    let origin = value.get("origin").and_then(Value::as_str).ok_or(wrong("origin"))?;
    let root = value.get("root").and_then(Value::as_str).and_then(hash_of_base64).ok_or(wrong("root"))?;
    let hashes = value.get("frontier").and_then(Value::as_array).and_then(|hashes| {
        let hashes = hashes.iter().map(|hash| hash.as_str().and_then(hash_of_base64));
        hashes.collect::<Option<Vec<Sha256>>>()
    });
    let size = number("size")?;
    let before = hashes.and_then(|hashes| Frontier::new(size, hashes)).ok_or(wrong("frontier"))?;
    Ok(Header { number: number("segment")?, origin: origin.into(), before, root })
}

/// The whole of a line that [`check`] has passed.
pub(super) fn value(line: &[u8]) -> Option<Value> {
    json::parse(line, LIMITS).ok()
}

/// Takes a value of any kind, of which nothing is kept. As deep as [`LIMITS`] lets it come.
fn pass(reader: &mut Reader<'_>) -> Result<(), JsonError> {
    match reader.peek()? {
        Kind::Null => reader.null(),
        Kind::Boolean => reader.boolean().map(drop),
        Kind::Number => reader.number().map(drop),
        Kind::String => reader.string(LINE_MAX_BYTES).map(drop),
        Kind::Array => {
            reader.begin_array()?;
            while reader.next_element()? {
                pass(reader)?;
            }
            Ok(())
        }
        Kind::Object => {
            reader.begin_object()?;
            while reader.next_key()?.is_some() {
                pass(reader)?;
            }
            Ok(())
        }
    }
}

/// The digits of a sum.
fn sum(bytes: &[u8]) -> [u8; 16] {
    let mut digits = [0; 16];
    let hex = sha256_joined(&[&[0], bytes]).to_string();
    digits.iter_mut().zip(hex.bytes()).for_each(|(digit, of)| *digit = of);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SALT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn line(members: &str) -> Vec<u8> {
        let body =
            format!("{{\"v\":2,\"kind\":\"intent\",\"time\":\"2026-11-27T10:00:00.000Z\",\"salt\":\"{SALT}\"{members}");
        ended(&body)
    }

    fn ended(body: &str) -> Vec<u8> {
        let digits = sum(body.as_bytes());
        [body.as_bytes(), SUM_OPENS, &digits, SUM_CLOSES].concat()
    }

    fn fault(line: &[u8]) -> RecordFault {
        check(line).unwrap_err().why
    }

    #[test]
    fn the_sum_is_the_start_of_what_openssl_and_coreutils_call_sha_256() {
        // printf '\0{"v":2' | sha256sum
        assert_eq!(&sum(b"{\"v\":2"), b"fb381726cae31ce9");
    }

    #[test]
    fn what_each_record_has_is_demanded_and_the_rest_is_let_be() {
        assert_eq!(check(&line("")), Ok(false));
        assert_eq!(check(&line(",\"a\":[1,{\"b\":null},true],\"c\":\"\\u0000\"")), Ok(false));
        let body = |from: &str, to: &str| {
            let good = String::from_utf8(line("")).unwrap();
            let (body, _) = good.split_once(",\"sum\"").unwrap();
            assert!(body.contains(from), "{from}");
            ended(&body.replace(from, to))
        };
        assert_eq!(check(&body("\"intent\"", "\"segment\"")), Ok(true));
        for (from, to, wanted) in [
            ("\"v\":2,", "\"v\":1,", RecordFault::Version),
            ("\"v\":2,", "\"v\":3,", RecordFault::Version),
            ("\"v\":2,", "", RecordFault::Version),
            ("\"kind\":\"intent\",", "", RecordFault::Member("kind")),
            ("2026-11-27", "2026-13-27", RecordFault::Member("time")),
            (SALT, "AAAA", RecordFault::Member("salt")),
            ("\"salt\"", "\"other\"", RecordFault::Member("salt")),
        ] {
            assert_eq!(fault(&body(from, to)), wanted, "{from} as {to}");
        }
        let twice = fault(&line(",\"v\":2"));
        assert!(matches!(twice, RecordFault::Json(json::Fault::DuplicateName)), "{twice:?}");
        let mut other = line("");
        let at = other.len() - 3;
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        assert_eq!(fault(&other), RecordFault::Sum);
        assert_eq!(fault(br#"{"v":2,"kind":"a","time":"2026-11-27T10:00:00.000Z","salt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#), RecordFault::Member("sum"));
    }

    proptest! {
        #[test]
        fn no_other_byte_at_any_place_leaves_a_line_a_record(at in 0..10_000_usize, other in any::<u8>()) {
            let good = line(",\"receipt\":\"r-aaaa\",\"sizes\":{\"request\":1},\"decision\":{\"policies\":[\"a\",\"b\"]}");
            let at = at % good.len();
            let mut changed = good.clone();
            changed[at] = other;
            prop_assert_eq!(check(&changed).is_ok(), changed == good);
        }
    }
}
