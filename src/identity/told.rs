//! What an issuer says now of a token that says nothing by itself: the answer to a question about it (RFC 7662 §2.2).
//!
//! Here it is only held to being an answer: strict JSON that says by a boolean whether the token is active. The claims in it are
//! those of a token's payload, and go through the verifier's checks each time that the token comes, whether the answer came
//! just now or a moment ago: whoever remembers an answer remembers no verdict.

use crate::identity::ask_fault::AskFault;
use crate::identity::claims::LIMITS;
use crate::identity::claims::pass_over;
use crate::identity::presented::Scheme;
use crate::json::JsonError;
use crate::json::Reader;
use crate::model::Sha256;
use std::fmt;
use std::sync::Arc;

/// The longest `token_type`, in bytes.
const MAX_TYPE_BYTES: usize = 64;

/// An issuer's answer about one token; only [`Verifier::told`](crate::identity::Verifier::told) and its twin make one.
#[derive(Clone, Debug)]
pub struct Told {
    /// The digest of that token.
    pub(super) token: Sha256,
    pub(super) answer: Arc<Answer>,
}

/// An answer as it came.
pub(super) struct Answer {
    pub(super) is_active: bool,
    pub(super) token_type: TokenType,
    text: Box<[u8]>,
}

/// `token_type` (RFC 6749 §5.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TokenType {
    /// It is not there; nothing has to be (RFC 7662 §2.2).
    Unsaid,
    /// That of a scheme under which tokens come.
    Of(Scheme),
    /// Another one.
    Other,
}

impl Answer {
    /// Reads an answer.
    pub(super) fn read(text: &[u8]) -> Result<Self, AskFault> {
        let (is_active, token_type) = members(text).map_err(|_| AskFault::Malformed)?;
        Ok(Self { is_active: is_active.ok_or(AskFault::Malformed)?, token_type, text: text.into() })
    }

    /// The claims, in JSON.
    pub(super) const fn text(&self) -> &[u8] {
        &self.text
    }
}

/// What it is about is personal.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({} bytes)", self.text.len())
    }
}

impl TokenType {
    /// Whether nothing is said against a token's coming under that scheme.
    pub(super) fn is_under(self, scheme: Scheme) -> bool {
        match self {
            Self::Unsaid | Self::Other => true,
            Self::Of(its_own) => its_own == scheme,
        }
    }
}

/// `active` and `token_type`; everything else is read as strictly, by whoever takes the claims.
fn members(text: &[u8]) -> Result<(Option<bool>, TokenType), JsonError> {
    let mut reader = Reader::new(text, LIMITS)?;
    let (mut active, mut token_type) = (None, TokenType::Unsaid);
    reader.begin_object()?;
    while let Some(name) = reader.next_key()? {
        match &*name {
            "active" => active = Some(reader.boolean()?),
            // Compared without regard to case (RFC 6749 §5.1).
            "token_type" => {
                let said = reader.string(MAX_TYPE_BYTES)?;
                let scheme = [("Bearer", Scheme::Bearer), ("DPoP", Scheme::Dpop)];
                let scheme = scheme.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(&said));
                token_type = scheme.map_or(TokenType::Other, |(_, scheme)| TokenType::Of(scheme));
            }
            _ => pass_over(&mut reader)?,
        }
    }
    reader.finish()?;
    Ok((active, token_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(bool, TokenType), AskFault> {
        Answer::read(text.as_bytes()).map(|answer| (answer.is_active, answer.token_type))
    }

    #[test]
    fn an_answer_says_by_a_boolean_whether_the_token_is_active_and_is_none_without() {
        assert_eq!(read(r#"{"active":true,"sub":"ivanov","x":{"y":[1]}}"#), Ok((true, TokenType::Unsaid)));
        assert_eq!(read(r#"{"active":false}"#), Ok((false, TokenType::Unsaid)));
        for none in [
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"active":false,"active":true}"#,
            r#"{"Active":true}"#,
            r#"{"sub":"ivanov"}"#,
            r#"{"active":true} {}"#,
            r#"[{"active":true}]"#,
            r#"{"active":true,}"#,
            "true",
            "<html></html>",
            "",
        ] {
            assert_eq!(read(none), Err(AskFault::Malformed), "{none}");
        }
    }

    #[test]
    fn a_token_comes_under_the_scheme_of_its_type_or_under_any_where_the_issuer_does_not_say() {
        let under = |said: &str| {
            let (_, kind) = read(&format!(r#"{{"active":true,"token_type":"{said}"}}"#)).unwrap();
            [Scheme::Bearer, Scheme::Dpop].map(|scheme| kind.is_under(scheme))
        };
        assert_eq!([under("Bearer"), under("bearer")], [[true, false]; 2]);
        assert_eq!([under("DPoP"), under("dpop")], [[false, true]; 2]);
        assert_eq!([Scheme::Bearer, Scheme::Dpop].map(|scheme| TokenType::Unsaid.is_under(scheme)), [true, true]);
        for other in ["N_A", "", "refresh_token"] {
            let text = format!(r#"{{"active":true,"token_type":"{other}"}}"#);
            assert_eq!(read(&text), Ok((true, TokenType::Other)), "{other}");
        }
        assert_eq!(read(r#"{"active":true,"token_type":["Bearer"]}"#), Err(AskFault::Malformed));
    }

    #[test]
    fn an_answer_prints_as_its_length() {
        let answer = Answer::read(br#"{"active":true,"sub":"ivanov"}"#).unwrap();
        let told = Told { token: crate::crypto::sha256(b"t"), answer: Arc::new(answer) };
        let printed = format!("{told:?}");
        assert!(printed.contains("Answer(30 bytes)") && !printed.contains("ivanov"), "{printed}");
    }
}
