//! `application/x-www-form-urlencoded`, as token endpoints take it (RFC 6749 §4.4.2 and appendix B), read strictly.
//!
//! One spelling each: a parameter stands there once (RFC 6749 §3.2) and is one that the endpoint knows, so that nothing that is
//! sent goes unread. Values are UTF-8 without control characters, at most [`MAX_VALUE_BYTES`] long. A parameter without a value
//! counts as left out (RFC 6749 §3.2). Values may be tokens: they are wiped, and never printed.

use std::fmt;
use zeroize::Zeroizing;

/// The media type.
pub const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The longest value once it is decoded, in bytes: that of the longest token.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// The parameters of one form, by the names that its reader knows.
pub struct Form {
    values: Vec<(&'static str, Option<Zeroizing<String>>)>,
}

/// Why a form is refused. Holds nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormFault {
    /// A percent sign without two digits, a byte that must be encoded, or text that is no UTF-8 or holds control characters.
    #[error("the form is malformed")]
    Malformed,
    /// A parameter stands there twice.
    #[error("a parameter stands there twice")]
    Repeated,
    /// A parameter that is not known.
    #[error("a parameter is not known")]
    Unknown,
    /// A value is longer than 8 KiB.
    #[error("a value is too long")]
    TooLong,
}

impl Form {
    /// Reads `bytes`, which the caller has bounded; `names` are all parameters that there may be.
    ///
    /// # Errors
    /// The first [`FormFault`].
    pub fn parse(bytes: &[u8], names: &[&'static str]) -> Result<Self, FormFault> {
        let mut form = Self { values: Vec::with_capacity(names.len()) };
        if bytes.is_empty() {
            return Ok(form);
        }
        for pair in bytes.split(|byte| *byte == b'&') {
            let mut sides = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(sides.next().unwrap_or_default())?;
            let value = decode(sides.next().ok_or(FormFault::Malformed)?)?;
            let name = names.iter().find(|known| ***known == **name).ok_or(FormFault::Unknown)?;
            if form.values.iter().any(|(known, _)| known == name) {
                return Err(FormFault::Repeated);
            }
            form.values.push((name, Some(value).filter(|value| !value.is_empty())));
        }
        Ok(form)
    }

    /// The value of a parameter; `None` where it is left out or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.values.iter().find(|(known, _)| *known == name)?;
        value.as_ref().map(|value| value.as_str())
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

/// Adds a parameter to a form that is sent (RFC 6749 appendix B): every byte of its value that is not plain as `%` and two digits.
/// The name has plain characters alone.
pub fn append(name: &str, value: &str, form: &mut String) {
    if !form.is_empty() {
        form.push('&');
    }
    form.push_str(name);
    form.push('=');
    for byte in value.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) => form.push(char::from(byte)),
            byte => {
                let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase();
                form.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

/// A name or a value: `+` is a space, and what is not a plain character stands as `%` and two digits.
fn decode(text: &[u8]) -> Result<Zeroizing<String>, FormFault> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len().min(MAX_VALUE_BYTES)));
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => digit(rest.next())? << 4 | digit(rest.next())?,
            // What browsers leave as it is (WHATWG URL, "application/x-www-form-urlencoded percent-encode set"), and what
            // libraries of OAuth do (RFC 3986 §2.3).
            byte if byte.is_ascii_alphanumeric() || b"*-._~".contains(byte) => *byte,
            // JWTs, URIs and scopes as some clients spell them; none of these means anything else in a form.
            b':' | b'/' | b'@' | b',' | b'!' | b'(' | b')' | b'\'' | b'$' | b';' => *byte,
            _ => return Err(FormFault::Malformed),
        });
        if decoded.len() > MAX_VALUE_BYTES {
            return Err(FormFault::TooLong);
        }
    }
    let decoded = std::str::from_utf8(&decoded).map_err(|_| FormFault::Malformed)?;
    match decoded.chars().any(char::is_control) {
        true => Err(FormFault::Malformed),
        false => Ok(Zeroizing::new(decoded.to_owned())),
    }
}

fn digit(byte: Option<&u8>) -> Result<u8, FormFault> {
    let digit = byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
    digit.ok_or(FormFault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&str] = &["grant_type", "scope", "client_assertion"];

    fn read(text: &str) -> Result<Vec<Option<String>>, FormFault> {
        let form = Form::parse(text.as_bytes(), NAMES)?;
        Ok(NAMES.iter().map(|name| form.get(name).map(str::to_owned)).collect())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn parameters_are_read_as_clients_spell_them_and_an_empty_one_is_left_out() {
        let spelled = "grant_type=urn%3Aietf%3aparams%3Aoauth&scope=a+b%20c";
        assert_eq!(read(spelled), Ok(vec![some("urn:ietf:params:oauth"), some("a b c"), None]));
        assert_eq!(read("scope=&client_assertion=e30.e30.AA-_~*"), Ok(vec![None, None, some("e30.e30.AA-_~*")]));
        assert_eq!(read("gr%61nt_type=%D1%8F"), Ok(vec![some("я"), None, None]), "a name is decoded as well");
        assert_eq!(read(""), Ok(vec![None; 3]));
    }

    #[test]
    fn what_is_sent_is_read_as_what_was_meant() {
        let all: String = (32_u8..127).map(char::from).chain("äж€🚪".chars()).collect();
        let mut form = String::new();
        append("a", &all, &mut form);
        append("b", "", &mut form);
        append("c", "a+b/c==", &mut form);
        assert!(form.ends_with("&b=&c=a%2Bb%2Fc%3D%3D") && form.is_ascii(), "{form}");
        let read = Form::parse(form.as_bytes(), &["a", "b", "c"]).unwrap();
        assert_eq!((read.get("a"), read.get("b"), read.get("c")), (Some(&*all), None, Some("a+b/c==")));
    }

    #[test]
    fn what_stands_there_twice_or_is_not_known_or_has_another_spelling_is_refused() {
        for (text, fault) in [
            ("scope=a&scope=b", FormFault::Repeated),
            ("scope=a&scope=a", FormFault::Repeated),
            ("scope=&scope=a", FormFault::Repeated),
            ("scope=a&sc%6fpe=b", FormFault::Repeated),
            ("Scope=a", FormFault::Unknown),
            ("scope%20=a", FormFault::Unknown),
            ("=a", FormFault::Unknown),
            ("client_secret=a", FormFault::Unknown),
            ("scope", FormFault::Malformed),
            ("&scope=a", FormFault::Malformed),
            ("scope=a&", FormFault::Malformed),
            ("scope=a&&grant_type=b", FormFault::Malformed),
            ("scope=a=b", FormFault::Malformed),
            ("scope=%", FormFault::Malformed),
            ("scope=%4", FormFault::Malformed),
            ("scope=%4g", FormFault::Malformed),
            ("scope=%+4", FormFault::Malformed),
            ("scope=a b", FormFault::Malformed),
            ("scope=\u{e4}", FormFault::Malformed),
            ("scope=%ff", FormFault::Malformed),
            ("scope=%c0%af", FormFault::Malformed),
            ("scope=a%00b", FormFault::Malformed),
            ("scope=a%0d%0ab", FormFault::Malformed),
            ("scope=a\n", FormFault::Malformed),
            ("scope={}", FormFault::Malformed),
        ] {
            assert_eq!(read(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_value_has_its_longest_length_and_not_one_byte_more() {
        assert!(read(&format!("scope={}", "a".repeat(MAX_VALUE_BYTES))).is_ok());
        assert!(read(&format!("scope={}", "%61".repeat(MAX_VALUE_BYTES))).is_ok(), "decoded bytes count");
        assert_eq!(read(&format!("scope={}", "a".repeat(MAX_VALUE_BYTES + 1))), Err(FormFault::TooLong));
        assert_eq!(read(&format!("{}=a", "a".repeat(MAX_VALUE_BYTES + 1))), Err(FormFault::TooLong));
    }

    #[test]
    fn a_form_prints_as_names() {
        let form = Form::parse(b"scope=a&client_assertion=secret", NAMES).unwrap();
        assert_eq!(format!("{form:?}"), r#"["scope", "client_assertion"]"#);
    }
}
