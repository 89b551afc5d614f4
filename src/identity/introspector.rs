//! One question to an issuer about a token (RFC 7662 §2.1): by the one client of the house (`wire/`), to the configured place,
//! within its limits, without redirects, as a client that proves who it is: by a signed assertion (`private_key_jwt`,
//! RFC 7523 §2.2), by its certificate alone (RFC 8705 §2.1), or by both.

use crate::clock::UnixSeconds;
use crate::crypto::ASSERTION_TYPE;
use crate::crypto::client_assertion;
use crate::form;
use crate::identity::ask_fault::AskFault;
use crate::identity::settings::AskingAs;
use crate::identity::told::Answer;
use crate::secret::Secret;
use crate::wire::Client;
use crate::wire::Request;
use crate::wire::Response;
use crate::wire::document;
use crate::wire::user_agent;
use http::HeaderValue;
use http::Method;
use http::header;
use std::sync::Arc;

/// The largest answer that is read, in bytes.
pub const INTROSPECTION_ANSWER_MAX_BYTES: usize = 16 * 1024;

/// The media type of an answer (RFC 7662 §2.2). A signed one (RFC 9701) is not asked for.
const ANSWERS: &[&str] = &["application/json"];

/// Where an issuer says what its tokens are.
pub struct Introspector {
    /// The issuer, as configured.
    pub issuer: Arc<str>,
    /// The connections to the place, whose answers have at most [`INTROSPECTION_ANSWER_MAX_BYTES`].
    pub client: Client,
    /// The path there.
    pub path: Box<str>,
}

impl Introspector {
    /// Asks about one token.
    pub(super) async fn ask(&self, asking_as: &AskingAs, token: &Secret, now: UnixSeconds) -> Result<Answer, AskFault> {
        let fixed = HeaderValue::from_static;
        let fields = vec![
            (header::ACCEPT, fixed("application/json")),
            (header::CONTENT_TYPE, fixed(form::MEDIA_TYPE)),
            (header::USER_AGENT, user_agent()),
        ];
        let (method, target, body) = (Method::POST, self.path.clone(), body(asking_as, token, now)?.into());
        let request = Request { method, target, fields, body, leaving: None };
        let Response { body, spent, .. } = document(&self.client, request, ANSWERS).await?;
        let told = Answer::read(&body)?;
        if let Some(spent) = spent {
            spent.give_back();
        }
        Ok(told)
    }
}

/// The form: the token, and who asks.
fn body(asking_as: &AskingAs, token: &Secret, now: UnixSeconds) -> Result<String, AskFault> {
    let AskingAs { client_id, audience, key } = asking_as;
    let mut form = String::with_capacity(1024);
    // A token has the characters of `b64token`, which are ASCII: it is its own text.
    form::append("token", &String::from_utf8_lossy(token.expose()), &mut form);
    form::append("token_type_hint", "access_token", &mut form);
    match key {
        Some(key) => {
            let assertion = client_assertion(key, client_id, audience, now).map_err(|_| AskFault::Signing)?;
            form::append("client_assertion_type", ASSERTION_TYPE, &mut form);
            form::append("client_assertion", &assertion, &mut form);
        }
        None => form::append("client_id", client_id, &mut form),
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningAlgorithm;
    use crate::crypto::SigningKey;
    use crate::form::Form;

    const NOW: UnixSeconds = UnixSeconds::new(1_790_000_000);
    const NAMES: [&str; 5] = ["token", "token_type_hint", "client_id", "client_assertion_type", "client_assertion"];

    fn asked(key: Option<SigningKey>) -> Form {
        let (client_id, audience) = ("the gateway".into(), "https://id.example".into());
        let asking_as = AskingAs { client_id, audience, key: key.map(Arc::new) };
        let text = body(&asking_as, &Secret::new(b"a+b/c~d-e_f.g==".to_vec()), NOW).unwrap();
        Form::parse(text.as_bytes(), &NAMES).unwrap()
    }

    #[test]
    fn a_question_has_the_token_and_who_asks_by_one_way_of_saying_so() {
        let form = asked(None);
        assert_eq!((form.get("token"), form.get("token_type_hint")), (Some("a+b/c~d-e_f.g=="), Some("access_token")));
        assert_eq!((form.get("client_id"), form.get("client_assertion")), (Some("the gateway"), None));
        let key = SigningKey::from_pem(&SigningKey::generate_pem(SigningAlgorithm::Es256).unwrap()).unwrap();
        let form = asked(Some(key));
        assert_eq!(form.get("client_id"), None, "the assertion says who it is");
        assert_eq!(form.get("client_assertion_type"), Some(ASSERTION_TYPE));
        assert_eq!(form.get("client_assertion").unwrap().split('.').count(), 3);
    }
}
