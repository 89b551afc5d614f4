//! `format`: a closed list of named shapes of text, each checked in one pass, exactly as `docs/contract.md` says.
//!
//! JSON Schema takes formats for annotations unless told otherwise; here they are enforced. Each takes a part of what its RFC
//! allows: the spellings that all readers take for the same thing.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// A named shape of text.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// A date and a time with its offset (RFC 3339 §5.6), `T` and `Z` in capitals.
    DateTime,
    /// A date of the Gregorian calendar, `2026-02-28`.
    Date,
    /// A time with its offset, `08:30:00Z`.
    Time,
    /// A UUID (RFC 9562 §4) in either case.
    Uuid,
    /// An absolute URI with an authority and without user information (RFC 3986).
    Uri,
    /// `local@domain`, unquoted (RFC 5321 §4.1.2).
    Email,
    /// Four decimal numbers.
    Ipv4,
    /// RFC 4291 §2.2, without a zone.
    Ipv6,
    /// Labels of letters, digits and hyphens (RFC 1123 §2.1).
    Hostname,
    /// Base64 with its padding (RFC 4648 §4).
    Byte,
    /// Base64 for URLs, without padding (RFC 4648 §5).
    Base64Url,
}

/// The longest host name, in bytes (RFC 1035 §2.3.4, without the length octets).
const HOSTNAME_MAX_BYTES: usize = 253;
/// The longest address of mail, in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
const EMAIL_MAX_BYTES: usize = 254;

impl Format {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::DateTime,
        Self::Date,
        Self::Time,
        Self::Uuid,
        Self::Uri,
        Self::Email,
        Self::Ipv4,
        Self::Ipv6,
        Self::Hostname,
        Self::Byte,
        Self::Base64Url,
    ];

    /// Its word in a contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Time => "time",
            Self::Uuid => "uuid",
            Self::Uri => "uri",
            Self::Email => "email",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Hostname => "hostname",
            Self::Byte => "byte",
            Self::Base64Url => "base64url",
        }
    }

    /// The most bytes that such a text has; `None` where only a `maxLength` ends it.
    #[must_use]
    pub const fn max_bytes(self) -> Option<usize> {
        match self {
            Self::DateTime => Some(35),
            Self::Date => Some(10),
            Self::Time => Some(24),
            Self::Uuid => Some(36),
            Self::Email => Some(EMAIL_MAX_BYTES),
            Self::Ipv4 => Some(15),
            Self::Ipv6 => Some(45),
            Self::Hostname => Some(HOSTNAME_MAX_BYTES),
            Self::Uri | Self::Byte | Self::Base64Url => None,
        }
    }

    /// Whether the whole of `text` has this shape.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        if self.max_bytes().is_some_and(|most| text.len() > most) {
            return false;
        }
        match self {
            Self::DateTime => text.split_once('T').is_some_and(|(day, time)| is_date(day) && is_time(time)),
            Self::Date => is_date(text),
            Self::Time => is_time(text),
            Self::Uuid => is_uuid(text),
            Self::Uri => is_uri(text),
            Self::Email => is_email(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Hostname => is_hostname(text),
            Self::Byte => is_base64(text, b"+/", true),
            Self::Base64Url => is_base64(text, b"-_", false),
        }
    }
}

/// The number that `text` spells in exactly `length` digits, and what follows.
fn digits(text: &str, length: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(length)?;
    let all_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { Some((number.parse().ok()?, rest)) } else { None }
}

fn is_date(text: &str) -> bool {
    let parts = || {
        let (year, rest) = digits(text, 4)?;
        let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
        let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
        rest.is_empty().then_some((year, month, day))
    };
    parts().is_some_and(|(year, month, day)| year >= 1 && day >= 1 && day <= days(year, month))
}

/// The days of a month of the Gregorian calendar; 0 of a month that is none.
const fn days(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// `hh:mm:ss`, at most nine digits of a second, and an offset that is known. There is no leap second: half of the world's
/// clocks have no name for it.
fn is_time(text: &str) -> bool {
    let offset = || {
        let rest = hour_and_minute(text)?;
        let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
        let rest = match rest.strip_prefix('.') {
            None => rest,
            Some(rest) => {
                let places = rest.bytes().take_while(u8::is_ascii_digit).count();
                rest.get(places..).filter(|_| (1..=9).contains(&places))?
            }
        };
        (second < 60).then_some(rest)
    };
    offset().is_some_and(|offset| match offset.as_bytes().first() {
        Some(b'Z') => offset.len() == 1,
        // RFC 3339 §4.3: `-00:00` says that nobody knows the offset.
        Some(b'+' | b'-') => offset != "-00:00" && offset.get(1..).and_then(hour_and_minute) == Some(""),
        _ => false,
    })
}

/// What follows `hh:mm`.
fn hour_and_minute(text: &str) -> Option<&str> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    (hour < 24 && minute < 60).then_some(rest)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_hostname(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    // A last label of digits would be an address to some (WHATWG URL §3.5).
    let named = text.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    text.len() <= HOSTNAME_MAX_BYTES && named && text.split('.').all(label)
}

fn is_email(text: &str) -> bool {
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    text.split_once('@')
        .is_some_and(|(local, domain)| local.len() <= 64 && local.split('.').all(atom) && is_hostname(domain))
}

/// `scheme://host[:port][/path][?query][#fragment]`.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.'));
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((authority, rest)) = rest.split_at_checked(authority_end) else { return false };
    let (rest, fragment) = rest.split_once('#').map_or((rest, ""), |(rest, fragment)| (rest, fragment));
    let (path, query) = rest.split_once('?').map_or((rest, ""), |(path, query)| (path, query));
    is_scheme
        && is_authority(authority)
        && is_encoded(path, b"/")
        && is_encoded(query, b"/?")
        && is_encoded(fragment, b"/?")
}

fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => (None, port),
            _ => return false,
        },
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (host, port) = text.split_at_checked(end).unwrap_or_default();
            (Some(host), port)
        }
    };
    let is_port =
        |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    host.is_none_or(|host| is_hostname(host) || host.parse::<Ipv4Addr>().is_ok())
        && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// RFC 3986 §3.3: `pchar` and `also`; what else there is must be percent-encoded.
fn is_encoded(text: &str, also: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut hex = || bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                hex() && hex()
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) || also.contains(&byte),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// RFC 4648, canonical: bits that carry nothing are zero, so that two texts are never one value.
fn is_base64(text: &str, extra: &[u8; 2], padded: bool) -> bool {
    let plain = text.trim_end_matches('=');
    let padding = text.len() - plain.len();
    let fits_length = match plain.len() % 4 {
        0 => padding == 0,
        2 => padding == if padded { 2 } else { 0 },
        3 => padding == if padded { 1 } else { 0 },
        _ => false,
    };
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        _ if byte == extra[0] => Some(62),
        _ if byte == extra[1] => Some(63),
        _ => None,
    };
    let unused = match plain.len() % 4 {
        2 => 0b1111,
        3 => 0b11,
        _ => 0,
    };
    let last = plain.bytes().next_back().and_then(value).unwrap_or(0);
    fits_length && last & unused == 0 && plain.bytes().all(|byte| value(byte).is_some())
}
