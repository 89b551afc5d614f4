//! The partner's look at a partner token (RFC 9068, RFC 9396): signature, type, issuer, audience, times, the certificate to
//! which it is bound if it is (RFC 8705 §3), and one right to do one thing to one door, barrier or house. No skew is granted, and no claim is optional but those that this file does not name.

use crate::clock::UnixSeconds;
use crate::crypto::Jws;
use crate::crypto::KeySet;
use crate::crypto::encode_base64url;
use crate::devkit::partner::command::Asked;
use crate::devkit::partner::refusal::Refusal;
use crate::json;
use crate::json::Limits;
use crate::json::Object;
use crate::json::Value;
use crate::model::Sha256;

/// Who makes the partner's tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenMaker {
    /// The gateway: one for each command, which it names, and about one person.
    Gateway,
    /// Its own authorisation server: one for each right.
    Server,
}

/// Whose tokens and signed requests the partner accepts.
pub struct TokenTrust {
    /// Who makes them.
    pub maker: TokenMaker,
    /// `iss`
    pub issuer: String,
    /// `aud`: the partner's own name.
    pub audience: String,
    /// The issuer's keys.
    pub keys: KeySet,
    /// The keys by which its requests are signed.
    pub signatures: KeySet,
}

/// A token that is good for what is asked. One of the gateway's names the command, and the person.
pub(super) struct Token {
    pub(super) id: Option<String>,
    pub(super) subject: Option<String>,
}

impl TokenTrust {
    /// Verifies `token` for what is asked.
    pub(super) fn verify(
        &self,
        token: &str,
        asked: &Asked,
        certificate: Option<&Sha256>,
        now: UnixSeconds,
    ) -> Result<Token, Refusal> {
        let jws = Jws::split(token).map_err(|_| Refusal::TokenMalformed)?;
        let header = object(jws.header())?;
        let kind = match self.maker {
            TokenMaker::Gateway => "partner-token+jwt",
            TokenMaker::Server => "at+jwt",
        };
        if text(&header, "typ")? != kind {
            return Err(Refusal::TokenType);
        }
        let key = self.keys.key(text(&header, "kid")?).ok_or(Refusal::TokenKey)?;
        if !key.algorithm().is_called(text(&header, "alg")?) {
            return Err(Refusal::TokenKey);
        }
        key.verify(&jws).map_err(|_| Refusal::TokenSignature)?;
        let claims = object(jws.payload())?;
        if text(&claims, "iss")? != self.issuer {
            return Err(Refusal::TokenIssuer);
        }
        if text(&claims, "aud")? != self.audience {
            return Err(Refusal::TokenAudience);
        }
        // RFC 9068 §2.2 does not ask for it; the gateway always says it.
        let is_told = self.maker == TokenMaker::Gateway || claims.get("nbf").is_some();
        if is_told && time(&claims, "nbf")? > now {
            return Err(Refusal::TokenNotYet);
        }
        if time(&claims, "exp")? <= now {
            return Err(Refusal::TokenExpired);
        }
        // The gateway's own are bound to nothing but the command that is signed.
        if self.maker == TokenMaker::Server
            && let Some(binding) = claims.get("cnf")
        {
            let bound_to = binding.get("x5t#S256").and_then(Value::as_str);
            let shown = certificate.map(|thumbprint| encode_base64url(thumbprint.as_bytes()));
            if bound_to.is_none() || bound_to != shown.as_deref() {
                return Err(Refusal::TokenBinding);
            }
        }
        check_right(&claims, asked)?;
        let (id, subject) = (text(&claims, "jti")?.to_owned(), text(&claims, "sub")?.to_owned());
        Ok(match self.maker {
            TokenMaker::Gateway => Token { id: Some(id), subject: Some(subject) },
            TokenMaker::Server => Token { id: None, subject: None },
        })
    }
}

/// Exactly one right, with these members and no other, to do this to this one thing.
fn check_right(claims: &Object, asked: &Asked) -> Result<(), Refusal> {
    let rights = claims.get("authorization_details").and_then(Value::as_array).ok_or(Refusal::Right)?;
    let [right] = rights else { return Err(Refusal::Right) };
    let (kind, wanted, thing) = asked.operation.right;
    let members = 3 + usize::from(thing.is_some());
    let right = right.as_object().filter(|right| right.len() == members).ok_or(Refusal::Right)?;
    let member = |name| right.get(name).and_then(Value::as_str).ok_or(Refusal::Right);
    let actions = right.get("actions").and_then(Value::as_array).ok_or(Refusal::Right)?;
    let [action] = actions else { return Err(Refusal::Right) };
    if member("type")? != kind || action.as_str() != Some(wanted) {
        return Err(Refusal::Right);
    }
    let named = thing.map(member).transpose()?;
    if member("house")? != asked.house || named != asked.thing.as_deref() {
        return Err(Refusal::OtherDoor);
    }
    Ok(())
}

fn object(text: &[u8]) -> Result<Object, Refusal> {
    match json::parse(text, Limits::default()) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Refusal::TokenMalformed),
    }
}

fn text<'c>(members: &'c Object, name: &str) -> Result<&'c str, Refusal> {
    members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(Refusal::TokenMalformed)
}

fn time(claims: &Object, name: &str) -> Result<UnixSeconds, Refusal> {
    let seconds = claims.get(name).and_then(Value::as_integer).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(UnixSeconds::new).ok_or(Refusal::TokenMalformed)
}
