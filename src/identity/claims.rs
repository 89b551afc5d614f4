//! A token's payload: the claims that we read, in one strict pass.
//!
//! Claims that we do not know are read as strictly and let go: issuers add their own, and a token is no contract. One that
//! we know must have its form, whether this operation needs it or not. Strings borrow from the payload; what is kept is
//! copied once the token is verified.
//!
//! An issuer may have some of them under paths of its own (`mapping.rs`), which are followed in the same pass.
//!
//! Times are whole seconds (RFC 7519 §2 would allow fractions; a fraction could not be at a limit).

use crate::clock::UnixSeconds;
use crate::crypto::decode_base64url;
use crate::identity::fault::IdentityFault;
use crate::identity::mapping::ClaimMapping;
use crate::identity::mapping::MappedClaim;
use crate::identity::mapping::Path;
use crate::identity::mapping::RequiredClaim;
use crate::identity::mapping::behind;
use crate::identity::rights::rights;
use crate::json::JsonError;
use crate::json::Kind;
use crate::json::Limits;
use crate::json::Reader;
use crate::model::Right;
use crate::model::Sha256;
use crate::model::Stranger;
use std::borrow::Cow;

/// The longest claim, in bytes, but for `scope`.
const MAX_CLAIM_BYTES: usize = 255;
/// The longest `scope`, in bytes.
const MAX_SCOPE_BYTES: usize = 2048;

/// The most houses that a token names.
const MAX_HOUSES: usize = 32;

/// How deep and wide a token's payload may be, and a list of rights.
pub(super) const LIMITS: Limits =
    Limits { max_depth: 8, max_members: 64, max_elements: 64, max_string_bytes: 8 * 1024 };

/// The claims that we read. Not verified.
#[derive(Default)]
pub(super) struct Claims<'t> {
    pub(super) issuer: Option<Cow<'t, str>>,
    pub(super) audience: Vec<Cow<'t, str>>,
    /// Whether `aud` is a list, be it of one.
    pub(super) is_audience_a_list: bool,
    pub(super) subject: Option<Cow<'t, str>>,
    pub(super) token_id: Option<Cow<'t, str>>,
    pub(super) client_id: Option<Cow<'t, str>>,
    /// `azp` (OpenID Connect Core 1.0 §2): the app that the token was issued to.
    pub(super) authorized_party: Option<Cow<'t, str>>,
    /// `act` (RFC 8693 §4.1): who acts for the user.
    pub(super) actor: Option<Actor<'t>>,
    /// `may_act` (RFC 8693 §4.4): who may come to act for the user.
    pub(super) may_act: Option<Actor<'t>>,
    pub(super) tenant: Option<Cow<'t, str>>,
    pub(super) device: Option<Cow<'t, str>>,
    pub(super) car: Option<Cow<'t, str>>,
    pub(super) session: Option<Cow<'t, str>>,
    pub(super) issued_at: Option<UnixSeconds>,
    pub(super) not_before: Option<UnixSeconds>,
    pub(super) expires_at: Option<UnixSeconds>,
    pub(super) binding: Option<Binding>,
    pub(super) roles: Vec<Cow<'t, str>>,
    pub(super) scope: Option<Cow<'t, str>>,
    pub(super) acr: Option<Cow<'t, str>>,
    pub(super) amr: Vec<Cow<'t, str>>,
    pub(super) auth_time: Option<UnixSeconds>,
    pub(super) rights: Vec<Right>,
    /// The houses that the issuer says are the user's. No right to anything.
    pub(super) houses: Vec<Cow<'t, str>>,
    /// Whether it says of itself that it is something else than an access token: an ID token (OpenID Connect Core 1.0 §2 and
    /// §3.3.2.11), a logout or security event token (RFC 8417 §2.2), or, in the words of Keycloak, whatever is no bearer token.
    pub(super) is_marked: bool,
}

/// Who acts, or may act.
pub(super) struct Actor<'t> {
    /// `sub`.
    pub(super) subject: Option<Cow<'t, str>>,
    /// Whether something else is said of them, which we do not know how to hold them to.
    other: bool,
}

impl Actor<'_> {
    /// Whether this is the peer of that name, and nobody in particular besides.
    pub(super) fn is(&self, name: &str) -> bool {
        !self.other && self.subject.as_ref().is_some_and(|subject| **subject == *name)
    }
}

/// What `cnf` (RFC 7800) binds the token to: to all of it.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(super) struct Binding {
    /// To a certificate: `x5t#S256` (RFC 8705 §3.1).
    pub(super) certificate: Option<Sha256>,
    /// To a key: `jkt` (RFC 9449 §6.1).
    pub(super) key: Option<Sha256>,
    /// To something that we do not know.
    pub(super) other: bool,
}

impl<'t> Claims<'t> {
    /// Reads the payload of an issuer whose claims have our names.
    pub(super) fn read(payload: &'t [u8]) -> Result<Self, IdentityFault> {
        Self::read_by(payload, &ClaimMapping::default())
    }

    /// Reads the payload of an issuer that has its claims there.
    pub(super) fn read_by(payload: &'t [u8], mapping: &ClaimMapping) -> Result<Self, IdentityFault> {
        let mut reader = Reader::new(payload, LIMITS).map_err(malformed)?;
        let mut claims = Self::default();
        reader.begin_object().map_err(malformed)?;
        while let Some(name) = reader.next_key().map_err(malformed)? {
            if mapping.is_empty() {
                claims.read_one(&name, &mut reader)?;
                continue;
            }
            match mapping.behind(&name) {
                paths if !paths.is_empty() => claims.follow(&paths, &mut reader)?,
                _ if mapping.replaces(&name) => pass_over(&mut reader).map_err(malformed)?,
                _ => claims.read_one(&name, &mut reader)?,
            }
        }
        reader.finish().map_err(malformed)?;
        Ok(claims)
    }

    /// Reads the claims at the ends of these paths, of which none lies within another. Recurses at most as deep as the longest.
    fn follow(&mut self, paths: &[Path<'_>], reader: &mut Reader<'t>) -> Result<(), IdentityFault> {
        if let Some((_, claim)) = paths.iter().find(|(path, _)| path.is_empty()) {
            return self.take(*claim, reader);
        }
        reader.begin_object().map_err(of_a_claim)?;
        while let Some(name) = reader.next_key().map_err(malformed)? {
            match behind(paths, &name) {
                paths if !paths.is_empty() => self.follow(&paths, reader)?,
                _ => pass_over(reader).map_err(malformed)?,
            }
        }
        Ok(())
    }

    fn take(&mut self, claim: MappedClaim, reader: &mut Reader<'t>) -> Result<(), IdentityFault> {
        match claim {
            MappedClaim::Tenant => self.tenant = Some(text(reader)?),
            MappedClaim::Roles => self.roles = texts(reader)?,
            MappedClaim::Device => self.device = Some(text(reader)?),
            MappedClaim::Car => self.car = Some(text(reader)?),
            MappedClaim::Session => self.session = Some(text(reader)?),
            MappedClaim::Client => self.client_id = Some(text(reader)?),
            MappedClaim::Houses => self.houses = houses(reader)?,
        }
        Ok(())
    }

    /// Whether there is this claim.
    pub(super) const fn has(&self, claim: RequiredClaim) -> bool {
        match claim {
            RequiredClaim::Tenant => self.tenant.is_some(),
            RequiredClaim::Roles => !self.roles.is_empty(),
            RequiredClaim::Device => self.device.is_some(),
            RequiredClaim::Car => self.car.is_some(),
            RequiredClaim::Session => self.session.is_some(),
            RequiredClaim::Scope => self.scope.is_some(),
            RequiredClaim::Acr => self.acr.is_some(),
            RequiredClaim::AuthTime => self.auth_time.is_some(),
            RequiredClaim::Houses => !self.houses.is_empty(),
        }
    }

    fn read_one(&mut self, name: &str, reader: &mut Reader<'t>) -> Result<(), IdentityFault> {
        match name {
            "iss" => self.issuer = Some(text(reader)?),
            "aud" => {
                self.is_audience_a_list = reader.peek().map_err(malformed)? == Kind::Array;
                self.audience = one_or_more(reader)?;
            }
            "sub" => self.subject = Some(text(reader)?),
            "jti" => self.token_id = Some(text(reader)?),
            "client_id" => self.client_id = Some(text(reader)?),
            "azp" => self.authorized_party = Some(text(reader)?),
            "act" => self.actor = Some(actor(reader)?),
            "may_act" => self.may_act = Some(actor(reader)?),
            "tenant" => self.tenant = Some(text(reader)?),
            "device_id" => self.device = Some(text(reader)?),
            "car_id" => self.car = Some(text(reader)?),
            "sid" => self.session = Some(text(reader)?),
            "iat" => self.issued_at = Some(time(reader)?),
            "nbf" => self.not_before = Some(time(reader)?),
            "exp" => self.expires_at = Some(time(reader)?),
            "cnf" => self.binding = Some(binding(reader)?),
            "roles" => self.roles = texts(reader)?,
            "scope" => self.scope = Some(reader.string(MAX_SCOPE_BYTES).map_err(of_a_claim)?),
            "acr" => self.acr = Some(text(reader)?),
            "amr" => self.amr = texts(reader)?,
            "auth_time" => self.auth_time = Some(time(reader)?),
            "houses" => self.houses = houses(reader)?,
            "authorization_details" => self.rights = rights(reader)?,
            "nonce" | "at_hash" | "c_hash" | "s_hash" | "events" => {
                self.is_marked = true;
                pass_over(reader).map_err(malformed)?;
            }
            "typ" => {
                let is_access = reader.peek().map_err(malformed)? == Kind::String;
                self.is_marked |= !is_access;
                match is_access {
                    true => self.is_marked |= !matches!(&*text(reader)?, "Bearer" | "DPoP"),
                    false => pass_over(reader).map_err(malformed)?,
                }
            }
            _ => pass_over(reader).map_err(malformed)?,
        }
        Ok(())
    }

    /// `scope` taken apart (RFC 6749 §3.3): words with single spaces between them.
    pub(super) fn scopes(&self) -> Result<Vec<Stranger>, IdentityFault> {
        let Some(scope) = &self.scope else { return Ok(Vec::new()) };
        let word = |word: &str| match word.bytes().all(|byte| byte.is_ascii_graphic()) && !word.is_empty() {
            true => Ok(Stranger::new(word)),
            false => Err(IdentityFault::ClaimInvalid),
        };
        scope.split(' ').map(word).collect()
    }
}

/// The issuer that a payload names, and nothing else of it: by whom it is told where the other claims are.
pub(super) fn issuer_of(payload: &[u8]) -> Result<Option<Cow<'_, str>>, IdentityFault> {
    let mut reader = Reader::new(payload, LIMITS).map_err(malformed)?;
    let mut issuer = None;
    reader.begin_object().map_err(malformed)?;
    while let Some(name) = reader.next_key().map_err(malformed)? {
        match &*name {
            "iss" => issuer = Some(text(&mut reader)?),
            _ => pass_over(&mut reader).map_err(malformed)?,
        }
    }
    reader.finish().map_err(malformed)?;
    Ok(issuer)
}

/// A fault of the text; the reader tells no more, and the one who sent it needs no more.
pub(super) fn malformed(_: JsonError) -> IdentityFault {
    IdentityFault::ClaimsMalformed
}

/// A fault in a claim that we read: of the text, or of the claim's type.
pub(super) fn of_a_claim(error: JsonError) -> IdentityFault {
    match error.fault() {
        crate::json::Fault::WrongKind { .. } | crate::json::Fault::StringTooLong => IdentityFault::ClaimInvalid,
        _ => IdentityFault::ClaimsMalformed,
    }
}

/// A string that names something: 1 to 255 bytes without control characters.
pub(super) fn text<'t>(reader: &mut Reader<'t>) -> Result<Cow<'t, str>, IdentityFault> {
    let text = reader.string(MAX_CLAIM_BYTES).map_err(of_a_claim)?;
    match text.is_empty() || text.chars().any(char::is_control) {
        true => Err(IdentityFault::ClaimInvalid),
        false => Ok(text),
    }
}

/// An array of strings.
pub(super) fn texts<'t>(reader: &mut Reader<'t>) -> Result<Vec<Cow<'t, str>>, IdentityFault> {
    let mut texts = Vec::new();
    reader.begin_array().map_err(of_a_claim)?;
    while reader.next_element().map_err(malformed)? {
        texts.push(text(reader)?);
    }
    Ok(texts)
}

/// A list of houses, not longer than [`MAX_HOUSES`].
fn houses<'t>(reader: &mut Reader<'t>) -> Result<Vec<Cow<'t, str>>, IdentityFault> {
    let houses = texts(reader)?;
    if houses.len() <= MAX_HOUSES { Ok(houses) } else { Err(IdentityFault::ClaimInvalid) }
}

/// A string or an array of strings (RFC 7519 §4.1.3).
fn one_or_more<'t>(reader: &mut Reader<'t>) -> Result<Vec<Cow<'t, str>>, IdentityFault> {
    match reader.peek().map_err(malformed)? {
        Kind::String => Ok(vec![text(reader)?]),
        _ => texts(reader),
    }
}

/// Whole seconds, not before 1970.
pub(super) fn time(reader: &mut Reader<'_>) -> Result<UnixSeconds, IdentityFault> {
    let number = reader.number().map_err(of_a_claim)?;
    let seconds = number.as_integer().and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(UnixSeconds::new).ok_or(IdentityFault::ClaimInvalid)
}

fn binding(reader: &mut Reader<'_>) -> Result<Binding, IdentityFault> {
    let mut binding = Binding::default();
    reader.begin_object().map_err(of_a_claim)?;
    while let Some(name) = reader.next_key().map_err(malformed)? {
        match &*name {
            "x5t#S256" => binding.certificate = Some(thumbprint(reader)?),
            "jkt" => binding.key = Some(thumbprint(reader)?),
            _ => {
                binding.other = true;
                pass_over(reader).map_err(malformed)?;
            }
        }
    }
    Ok(binding)
}

/// `act` or `may_act`: an object, of which we know `sub`.
fn actor<'t>(reader: &mut Reader<'t>) -> Result<Actor<'t>, IdentityFault> {
    let mut actor = Actor { subject: None, other: false };
    reader.begin_object().map_err(of_a_claim)?;
    while let Some(name) = reader.next_key().map_err(malformed)? {
        if name == "sub" {
            actor.subject = Some(text(reader)?);
        } else {
            actor.other = true;
            pass_over(reader).map_err(malformed)?;
        }
    }
    Ok(actor)
}

/// A SHA-256 digest in base64url.
fn thumbprint(reader: &mut Reader<'_>) -> Result<Sha256, IdentityFault> {
    let bytes = decode_base64url(&text(reader)?).and_then(|bytes| bytes.try_into().ok());
    bytes.map(Sha256::new).ok_or(IdentityFault::ClaimInvalid)
}

/// Reads a value of any kind, as strictly as all others, and forgets it. Recurses at most [`LIMITS`]`.max_depth` times.
pub(super) fn pass_over(reader: &mut Reader<'_>) -> Result<(), JsonError> {
    match reader.peek()? {
        Kind::Null => reader.null(),
        Kind::Boolean => reader.boolean().map(drop),
        Kind::Number => reader.number().map(drop),
        Kind::String => reader.string(usize::MAX).map(drop),
        Kind::Array => {
            reader.begin_array()?;
            while reader.next_element()? {
                pass_over(reader)?;
            }
            Ok(())
        }
        Kind::Object => {
            reader.begin_object()?;
            while reader.next_key()?.is_some() {
                pass_over(reader)?;
            }
            Ok(())
        }
    }
}
