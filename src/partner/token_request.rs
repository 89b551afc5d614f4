//! One request to a partner's authorisation server (RFC 6749 §4.4): as the client that we are there, by a signed assertion
//! (`private_key_jwt`, RFC 7523) or by the certificate of the connection alone (RFC 8705 §2), for one right (RFC 9396).
//!
//! It goes over the one client of the house (`wire/`), to the configured place, within its limits, without redirects, once.

use crate::clock::UnixSeconds;
use crate::crypto::ASSERTION_TYPE;
use crate::crypto::SigningKey;
use crate::crypto::client_assertion;
use crate::form;
use crate::partner::fault::TokenFault;
use crate::partner::grant::Grant;
use crate::partner::right::details;
use crate::protect::Protected;
use crate::wire::Connect;
use crate::wire::Request;
use crate::wire::Response;
use crate::wire::document;
use crate::wire::user_agent;
use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::header;
use std::time::Duration;

/// The largest answer that is read, in bytes: a token of the longest length, written with escapes, and rights.
pub const TOKEN_ANSWER_MAX_BYTES: usize = 64 * 1024;

/// The media type of an answer (RFC 6749 §5.1).
const ANSWERS: &[&str] = &["application/json"];

/// What stands in a scope for the type of the right, and for its action.
const TYPE_PLACE: &str = "{type}";
const ACTION_PLACE: &str = "{action}";

/// How a partner's authorisation server is asked for tokens.
pub struct FetchSettings {
    /// The path of its token endpoint.
    pub path: Box<str>,
    /// Which of its clients we are.
    pub client_id: Box<str>,
    /// For whom our assertions are: itself, as it is called there.
    pub audience: Box<str>,
    /// The scope that is asked for; `{type}` and `{action}` in it stand for those of the right.
    pub scope: Option<Box<str>>,
    /// Whether the right is asked for by `authorization_details`.
    pub details: bool,
    /// For which resource (RFC 8707).
    pub resource: Option<Box<str>>,
    /// The longest that a token may be valid, in seconds.
    pub max_lifetime_s: u64,
    /// For all of it, from connecting to the last byte of the answer.
    pub timeout: Duration,
}

/// What is asked for: all in a request that differs from one right to another.
#[derive(Clone, Eq, Hash, PartialEq)]
pub(super) struct Asked {
    scope: Option<String>,
    details: Option<String>,
}

impl Asked {
    /// What is asked for so that this command may be sent.
    pub(super) fn of(settings: &FetchSettings, protected: &Protected) -> Result<Self, TokenFault> {
        let (kind, action) = protected.right().ok_or(TokenFault::NoRight)?;
        let scope = settings.scope.as_ref();
        let scope = scope.map(|scope| scope.replace(TYPE_PLACE, kind).replace(ACTION_PLACE, action));
        let details = details(protected).filter(|_| settings.details);
        Ok(Self { scope, details })
    }

    /// One that differs from others by its scope alone.
    #[cfg(test)]
    pub(super) fn for_test(scope: &str) -> Self {
        Self { scope: Some(scope.to_owned()), details: None }
    }
}

impl FetchSettings {
    /// Whether every token is asked for one action at least: by the right, or by a scope that names the action.
    #[must_use]
    pub fn narrows(scope: Option<&str>, details: bool) -> bool {
        details || scope.is_some_and(|scope| scope.contains(ACTION_PLACE))
    }

    /// Asks `server` for one token.
    pub(super) async fn fetch(
        &self,
        server: &dyn Connect,
        key: Option<&SigningKey>,
        asked: &Asked,
        now: UnixSeconds,
    ) -> Result<Grant, TokenFault> {
        let body = self.form(key, asked, now)?;
        let fixed = HeaderValue::from_static;
        let fields = vec![
            (header::CONTENT_TYPE, fixed(form::MEDIA_TYPE)),
            (header::ACCEPT, fixed("application/json")),
            (header::USER_AGENT, user_agent()),
        ];
        let request = Request { method: Method::POST, target: self.path.clone(), fields, body, leaving: None };
        let Response { body, spent, .. } = document(server, request, ANSWERS).await?;
        let grant = Grant::read(&body, asked.scope.as_deref(), asked.details.as_deref(), self.max_lifetime_s)?;
        if let Some(spent) = spent {
            spent.give_back();
        }
        Ok(grant)
    }

    fn form(&self, key: Option<&SigningKey>, asked: &Asked, now: UnixSeconds) -> Result<Bytes, TokenFault> {
        let mut body = String::with_capacity(1024);
        let mut add = |name: &str, value: &str| form::append(name, value, &mut body);
        add("grant_type", "client_credentials");
        add("client_id", &self.client_id);
        let optional = [
            ("scope", asked.scope.as_deref()),
            ("authorization_details", asked.details.as_deref()),
            ("resource", self.resource.as_deref()),
        ];
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .for_each(|(name, value)| add(name, value));
        if let Some(key) = key {
            let assertion = client_assertion(key, &self.client_id, &self.audience, now);
            add("client_assertion_type", ASSERTION_TYPE);
            add("client_assertion", &assertion.map_err(|_| TokenFault::Request)?);
        }
        Ok(body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Form;

    fn settings() -> FetchSettings {
        FetchSettings {
            path: "/token".into(),
            client_id: "prop & co".into(),
            audience: "https://as.example".into(),
            scope: Some("doors {type}.{action}".into()),
            details: true,
            resource: Some("https://api.example/v1".into()),
            max_lifetime_s: 300,
            timeout: Duration::from_secs(3),
        }
    }

    #[test]
    fn a_form_says_what_is_asked_for_and_reads_back_as_that() {
        let scope = Some("doors door_access.open".to_owned());
        let details = Some(r#"[{"type":"door_access","actions":["open"],"house":"h+1 %é"}]"#.to_owned());
        let asked = Asked { scope: scope.clone(), details: details.clone() };
        let form = settings().form(None, &asked, UnixSeconds::new(1)).unwrap();
        assert!(form.is_ascii() && !form.contains(&b' '));
        let names = ["grant_type", "client_id", "scope", "authorization_details", "resource"];
        let form = Form::parse(&form, &names).unwrap();
        assert_eq!(form.get("grant_type"), Some("client_credentials"));
        assert_eq!(form.get("client_id"), Some("prop & co"));
        assert_eq!(form.get("resource"), Some("https://api.example/v1"));
        assert_eq!((form.get("scope"), form.get("authorization_details")), (scope.as_deref(), details.as_deref()));
    }

    #[test]
    fn what_is_not_asked_for_does_not_stand_there() {
        let settings = FetchSettings { scope: None, resource: None, ..settings() };
        let asked = Asked { scope: None, details: None };
        let form = settings.form(None, &asked, UnixSeconds::new(1)).unwrap();
        assert_eq!(&form[..], b"grant_type=client_credentials&client_id=prop%20%26%20co");
    }

    #[test]
    fn a_token_is_narrowed_by_its_right_or_by_a_scope_that_names_the_action() {
        let narrows = FetchSettings::narrows;
        assert!(narrows(None, true) && narrows(Some("doors"), true) && narrows(Some("{type}:{action}"), false));
        assert!(!narrows(None, false) && !narrows(Some("doors {type}"), false));
    }
}
