//! What was activated here: the sequence that nothing goes below, and what each new bundle is new against.
//!
//! It lasts in the store, so that an older bundle does not come back with its old statements, which are as good as on the
//! day they were signed. `store/` knows how its rows look, and seals them; what they mean is said here. A store that is new,
//! or was lost, knows nothing: then everything is new, and everything must be signed as for the first time.

use crate::clock::UnixMillis;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Name;
use crate::model::PersonName;
use crate::model::Sha256;
use crate::model::SigningRole;
use async_trait::async_trait;

/// One bundle that came into force here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Activation {
    /// The how manieth it was to be.
    pub sequence: u64,
    /// For which environment.
    pub environment: Name,
    /// The digest of the bundle.
    pub bundle: Sha256,
    /// The digest of the list of personal data.
    pub data: Sha256,
    /// When.
    pub at: UnixMillis,
    /// Its partners, sorted.
    pub partners: Vec<Box<str>>,
    /// Its operations that move something, as `partner/operation`, sorted.
    pub actuating: Vec<Box<str>>,
    /// Who signed it, in which role.
    pub signed_by: Vec<(SigningRole, PersonName)>,
}

/// The list of signers that is in effect: its very text, under which the next one must be signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownList {
    /// Its `sequence`.
    pub sequence: u64,
    /// Its bytes.
    pub text: Vec<u8>,
}

/// Everything that was activated here.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The last one, whose sequence is the highest.
    pub last: Option<Activation>,
    /// The digests of all lists of personal data that were ever signed and activated.
    pub data: Vec<Sha256>,
    /// The list of signers in effect.
    pub signers: Option<KnownList>,
    /// Whether the log has the last one's activation.
    pub is_recorded: bool,
    /// The bundle that was activated before the last one.
    pub before: Option<Sha256>,
}

/// The store does not tell what was activated, or could not make it durable. It has said why in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the store does not keep what was activated")]
pub struct ActivationFault;

/// Where it lasts.
#[async_trait]
pub trait ActivationStore: Send + Sync {
    /// Everything that was activated.
    ///
    /// # Errors
    /// [`ActivationFault`], also where a row was not written by us.
    async fn history(&self) -> Result<History, ActivationFault>;

    /// Keeps an activation, and a list of signers that comes into effect, both or neither; durable when this returns.
    ///
    /// # Errors
    /// [`ActivationFault`]; also where its sequence is not higher than all before it.
    async fn activated(&self, activation: Option<Activation>, list: Option<KnownList>) -> Result<(), ActivationFault>;

    /// Notes that the activation of this sequence is on record.
    ///
    /// # Errors
    /// [`ActivationFault`]; it is then put on record once more, which tells nothing wrong.
    async fn recorded(&self, sequence: u64) -> Result<(), ActivationFault>;
}

impl History {
    /// What these activations, in the order of their sequences, and this list make; `is_recorded` is about the last.
    #[must_use]
    pub fn of(activations: Vec<Activation>, signers: Option<KnownList>, is_recorded: bool) -> Self {
        let data = activations.iter().map(|activation| activation.data).collect();
        let before = activations.iter().rev().nth(1).map(|activation| activation.bundle);
        Self { last: activations.into_iter().next_back(), data, signers, is_recorded, before }
    }
}

impl Activation {
    /// What lasts of it, as one text.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let texts = |all: &[Box<str>]| Value::from(all.iter().map(|one| Value::from(&**one)).collect::<Vec<_>>());
        let signer = |(role, person): &(SigningRole, PersonName)| {
            Value::from(vec![Value::from(role.word()), Value::from(person.as_str())])
        };
        let members: [(&str, Value); 8] = [
            ("sequence", Number::try_from(self.sequence).map_or(Value::Null, Value::from)),
            ("environment", self.environment.as_str().into()),
            ("bundle", self.bundle.to_string().into()),
            ("data", self.data.to_string().into()),
            ("at", self.at.to_string().into()),
            ("partners", texts(&self.partners)),
            ("actuating", texts(&self.actuating)),
            ("signed_by", self.signed_by.iter().map(signer).collect::<Vec<_>>().into()),
        ];
        json::canonical(&members.into_iter().collect::<Object>().into())
    }

    /// Reads what [`Activation::text`] wrote.
    #[must_use]
    pub fn restored(text: &[u8]) -> Option<Self> {
        let limits = json::Limits { max_elements: 1 << 20, ..json::Limits::default() };
        let value = json::parse(text, limits).ok()?;
        let text = |name| value.get(name).and_then(Value::as_str);
        let texts = |name| -> Option<Vec<Box<str>>> {
            value.get(name)?.as_array()?.iter().map(|one| one.as_str().map(Into::into)).collect()
        };
        let signer = |pair: &Value| match pair.as_array()? {
            [role, person] => Some((SigningRole::from_word(role.as_str()?)?, Name::new(person.as_str()?).ok()?)),
            _ => None,
        };
        Some(Self {
            sequence: u64::try_from(value.get("sequence")?.as_integer()?).ok()?,
            environment: Name::new(text("environment")?).ok()?,
            bundle: Sha256::from_hex(text("bundle")?)?,
            data: Sha256::from_hex(text("data")?)?,
            at: UnixMillis::parse(text("at")?)?,
            partners: texts("partners")?,
            actuating: texts("actuating")?,
            signed_by: value.get("signed_by")?.as_array()?.iter().map(signer).collect::<Option<_>>()?,
        })
    }
}
