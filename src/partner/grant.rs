//! What an authorisation server answers (RFC 6749 §5.1, RFC 9396 §7), read strictly. A token that is good for more than was
//! asked for, or for longer than we keep any, is none: nothing of it is used.

use crate::json;
use crate::json::Limits;
use crate::json::Object;
use crate::json::Value;
use crate::model::is_b64token;
use crate::partner::fault::TokenFault;
use zeroize::Zeroizing;

/// The longest token that is taken, in bytes: with it, a request's head stays within what servers read.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

const LIMITS: Limits = Limits { max_depth: 8, max_members: 64, max_elements: 64, max_string_bytes: 16 * 1024 };

/// A token that was granted.
pub(super) struct Grant {
    pub(super) token: Zeroizing<String>,
    /// For so many seconds from when it was asked for.
    pub(super) expires_in_s: u64,
}

impl Grant {
    /// Reads the body of a good answer to a request for `scope` and `details`. It may be valid for `max_lifetime_s`.
    pub(super) fn read(
        body: &[u8],
        scope: Option<&str>,
        details: Option<&str>,
        max_lifetime_s: u64,
    ) -> Result<Self, TokenFault> {
        let Ok(Value::Object(said)) = json::parse(body, LIMITS) else { return Err(TokenFault::Malformed) };
        // RFC 6749 §7.1: the type is compared without regard to case. We prove no possession by a key (RFC 9449) to partners.
        let kind = text(&said, "token_type")?.ok_or(TokenFault::Malformed)?;
        if !kind.eq_ignore_ascii_case("Bearer") {
            return Err(TokenFault::TokenType);
        }
        let token = text(&said, "access_token")?
            .filter(|token| token.len() <= MAX_TOKEN_BYTES && is_b64token(token))
            .ok_or(TokenFault::Malformed)?;
        let expires_in = said.get("expires_in").ok_or(TokenFault::Endless)?;
        let expires_in_s = expires_in.as_integer().and_then(|seconds| u64::try_from(seconds).ok());
        let expires_in_s = expires_in_s.ok_or(TokenFault::Malformed)?;
        if expires_in_s == 0 || expires_in_s > max_lifetime_s {
            return Err(TokenFault::Lifetime);
        }
        // Left out where it is what was asked for (RFC 6749 §5.1); may be less.
        if let Some(granted) = text(&said, "scope")? {
            let asked: Vec<&str> = scope.unwrap_or_default().split(' ').collect();
            if granted.split(' ').any(|one| !one.is_empty() && !asked.contains(&one)) {
                return Err(TokenFault::Wider);
            }
        }
        if !is_exactly(details, said.get("authorization_details"))? {
            return Err(TokenFault::Wider);
        }
        Ok(Self { token: Zeroizing::new(token.to_owned()), expires_in_s })
    }
}

/// Whether the rights that were granted are those that were asked for, by value. A server that says nothing of them does not
/// know the parameter, and what its token is good for is anybody's guess (RFC 9396 §7: it must say). One that leaves out a
/// member grants more, not less.
fn is_exactly(asked: Option<&str>, granted: Option<&Value>) -> Result<bool, TokenFault> {
    let Some(asked) = asked else {
        return Ok(granted.is_none_or(|granted| granted.as_array().is_some_and(<[Value]>::is_empty)));
    };
    let asked = json::parse(asked.as_bytes(), LIMITS).map_err(|_| TokenFault::Malformed)?;
    Ok(granted.is_some_and(|granted| json::canonical(granted) == json::canonical(&asked)))
}

fn text<'s>(said: &'s Object, name: &str) -> Result<Option<&'s str>, TokenFault> {
    said.get(name).map(|value| value.as_str().ok_or(TokenFault::Malformed)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DETAILS: &str = r#"[{"type":"door_access","actions":["open"],"house":"house-1","door":"door-1"}]"#;

    fn read_for(scope: Option<&str>, details: Option<&str>, body: &str) -> Result<(String, u64), TokenFault> {
        let grant = Grant::read(body.as_bytes(), scope, details, 300)?;
        Ok((grant.token.to_string(), grant.expires_in_s))
    }

    /// An answer to somebody who asked for the right alone, with this in place of `members`.
    fn read(members: &str) -> Result<(String, u64), TokenFault> {
        read_for(None, Some(DETAILS), &format!(r#"{{{members},"authorization_details":{DETAILS}}}"#))
    }

    const GOOD: &str = r#""access_token":"abc-._~+/09==","token_type":"Bearer","expires_in":300"#;

    #[test]
    fn a_token_is_taken_as_it_stands_whatever_else_the_server_says() {
        let taken = Ok(("abc-._~+/09==".to_owned(), 300));
        assert_eq!(read(GOOD), taken);
        assert_eq!(read(&GOOD.replace("Bearer", "bEARER")), taken);
        assert_eq!(read(&format!(r#"{GOOD},"refresh_token":"x","example":[{{}}]"#)), taken);
        assert_eq!(read(&GOOD.replace("300", "1")).map(|(_, seconds)| seconds), Ok(1));
    }

    #[test]
    fn what_is_no_answer_of_a_server_is_no_token() {
        for (from, to, fault) in [
            ("\"access_token\":\"abc-._~+/09==\",", "", TokenFault::Malformed),
            ("\"abc-._~+/09==\"", "\"\"", TokenFault::Malformed),
            ("\"abc-._~+/09==\"", "\"==\"", TokenFault::Malformed),
            ("\"abc-._~+/09==\"", "7", TokenFault::Malformed),
            ("abc", "a b", TokenFault::Malformed),
            ("abc", "a=b", TokenFault::Malformed),
            ("abc", "a\\r\\nX: y", TokenFault::Malformed),
            ("abc", "a\u{e9}", TokenFault::Malformed),
            ("\"token_type\":\"Bearer\",", "", TokenFault::Malformed),
            ("Bearer", "DPoP", TokenFault::TokenType),
            ("Bearer", "mac", TokenFault::TokenType),
            ("Bearer", "N_A", TokenFault::TokenType),
            (",\"expires_in\":300", "", TokenFault::Endless),
            ("300", "0", TokenFault::Lifetime),
            ("300", "301", TokenFault::Lifetime),
            ("300", "-1", TokenFault::Malformed),
            ("300", "\"300\"", TokenFault::Malformed),
            ("300", "1.5", TokenFault::Malformed),
            ("300", "null", TokenFault::Malformed),
            ("\"expires_in\":300", "\"expires_in\":300,\"expires_in\":300", TokenFault::Malformed),
        ] {
            assert!(GOOD.contains(from), "{from}");
            assert_eq!(read(&GOOD.replacen(from, to, 1)), Err(fault), "{from} -> {to}");
        }
        for body in ["", "null", "[]", "<html>", "{", "\u{feff}{}"] {
            assert_eq!(read_for(None, Some(DETAILS), body), Err(TokenFault::Malformed), "{body}");
        }
    }

    #[test]
    fn a_token_has_its_longest_length_and_not_one_byte_more() {
        let long =
            |length: usize| read(&GOOD.replace("abc-._~+/09==", &"a".repeat(length))).map(|(token, _)| token.len());
        assert_eq!(long(MAX_TOKEN_BYTES), Ok(MAX_TOKEN_BYTES));
        assert_eq!(long(MAX_TOKEN_BYTES + 1), Err(TokenFault::Malformed));
    }

    #[test]
    fn a_token_that_is_good_for_more_than_was_asked_for_is_none() {
        let granted = |details: &str| read_for(None, Some(DETAILS), &format!("{{{GOOD}{details}}}")).map(drop);
        let with = |details: &str| granted(&format!(r#","authorization_details":{details}"#));
        // Members stand in any order.
        let turned = r#"[{"door":"door-1","house":"house-1","actions":["open"],"type":"door_access"}]"#;
        assert_eq!((with(DETAILS), with(turned)), (Ok(()), Ok(())));
        let item = DETAILS.trim_matches(['[', ']']);
        for wider in [
            "[]".to_owned(),
            "{}".to_owned(),
            "null".to_owned(),
            "\"door_access\"".to_owned(),
            DETAILS.replace(r#","door":"door-1""#, ""),
            DETAILS.replace(r#","house":"house-1""#, ""),
            DETAILS.replace("door-1", "door-2"),
            DETAILS.replace(r#"["open"]"#, r#"["open","see"]"#),
            DETAILS.replace(r#"["open"]"#, r#""open""#),
            DETAILS.replace("}]", r#","locations":["https://api.example"]}]"#),
            format!("[{item},{item}]"),
        ] {
            assert_eq!(with(&wider), Err(TokenFault::Wider), "{wider}");
        }
        assert_eq!(granted(""), Err(TokenFault::Wider), "of a server that does not know the parameter");
    }

    #[test]
    fn scopes_may_be_fewer_than_were_asked_for_and_not_one_more() {
        let read = |asked: Option<&str>, granted: &str| {
            read_for(asked, None, &format!(r#"{{{GOOD},"scope":{granted}}}"#)).map(drop)
        };
        for granted in ["\"doors.open doors\"", "\"doors doors.open\"", "\"doors\"", "\"\""] {
            assert_eq!(read(Some("doors doors.open"), granted), Ok(()), "{granted}");
        }
        assert_eq!(read_for(Some("doors"), None, &format!("{{{GOOD}}}")).map(drop), Ok(()));
        for granted in ["\"doors doors.open admin\"", "\"Doors\"", "\"doors.ope\"", "\"doors\\tadmin\""] {
            assert_eq!(read(Some("doors doors.open"), granted), Err(TokenFault::Wider), "{granted}");
        }
        assert_eq!((read(None, "\"\""), read(None, "\"a\"")), (Ok(()), Err(TokenFault::Wider)));
        assert_eq!(read(Some("doors"), "[\"doors\"]"), Err(TokenFault::Malformed));
        // Rights that nobody asked for.
        let with = |details: &str| {
            read_for(Some("a"), None, &format!(r#"{{{GOOD},"authorization_details":{details}}}"#)).map(drop)
        };
        assert_eq!((with("[]"), with(DETAILS)), (Ok(()), Err(TokenFault::Wider)));
    }
}
