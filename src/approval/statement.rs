//! A statement: what one person says about one bundle, in one role, as the very bytes that are signed.
//!
//! The text is the canonical one of RFC 8785 and a line feed, nothing else: a statement has one spelling, so that what a
//! reader sees, what is digested and what was signed are the same bytes. It speaks of digests, so it is as good as they are;
//! what it is worth, `judge.rs` says.

use crate::clock::UnixMillis;
use crate::json;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Name;
use crate::model::PersonName;
use crate::model::Sha256;
use crate::model::SigningRole;

/// The namespace of a statement's signature (`ssh-keygen -Y sign -n …`).
pub const NAMESPACE: &str = "portcullis-bundle-v1";

/// The one version of the format.
const VERSION: u32 = 1;
/// The largest sequence: what JSON carries exactly (RFC 8259 §6).
const SEQUENCE_MAX: u64 = json::MAX_MAGNITUDE.unsigned_abs();
/// The most pieces of evidence that one statement names.
const EVIDENCE_MAX: usize = 16;
/// Every member that a statement has, sorted as it is written.
const MEMBERS: [&str; 11] = [
    "bundle",
    "created",
    "data",
    "environment",
    "evidence",
    "not_after",
    "person",
    "previous",
    "role",
    "sequence",
    "version",
];

/// What one person says about one bundle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// For which environment.
    pub environment: Name,
    /// The digest of the bundle.
    pub bundle: Sha256,
    /// The digest of the list of personal data.
    pub data: Sha256,
    /// The how manieth activation this is to be, from 1; each is higher than all before it.
    pub sequence: u64,
    /// The digest of the bundle that it is to follow; `None` for the first.
    pub previous: Option<Sha256>,
    /// In which role.
    pub role: SigningRole,
    /// Who says so.
    pub person: PersonName,
    /// When it was written.
    pub created: UnixMillis,
    /// Until when the bundle must have come into force.
    pub not_after: UnixMillis,
    /// What has been tried on it.
    pub evidence: Vec<Evidence>,
}

/// A trial that was made, and the digest of its report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// Of which kind.
    pub kind: EvidenceKind,
    /// SHA-256 over the report.
    pub digest: Sha256,
    /// The day on which it was made, in UTC.
    pub date: jiff::civil::Date,
}

/// The kinds of trial.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EvidenceKind {
    /// Attacks on a running gateway by our own tool.
    Probe,
    /// Attacks by people.
    Pentest,
}

/// Why bytes are no statement. Names the member, never what stood there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatementError {
    /// No JSON that we take.
    #[error("it is not JSON: {0}")]
    Json(#[from] json::JsonError),
    /// A member that a statement does not have.
    #[error("a statement has no member `{0}`")]
    Unknown(Box<str>),
    /// A member that is missing, or whose value it cannot have.
    #[error("`{0}` is missing, or not as it must be")]
    Member(&'static str),
    /// Another spelling of a good statement: white space, another order, a carriage return, no line feed.
    #[error("it is not in its one spelling (sorted members, no white space, one line feed at the end)")]
    Spelling,
}

impl Statement {
    /// Reads the very bytes that were signed.
    ///
    /// # Errors
    /// [`StatementError`], the first.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let limits = json::Limits { max_depth: 4, max_members: 16, ..json::Limits::default() };
        let value = json::parse(bytes, limits)?;
        let object = value.as_object().ok_or(StatementError::Member("version"))?;
        if let Some((unknown, _)) = object.iter().find(|(name, _)| !MEMBERS.contains(name)) {
            return Err(StatementError::Unknown(unknown.chars().take(64).collect()));
        }
        let statement = Self::of(object)?;
        if statement.bytes() == bytes { Ok(statement) } else { Err(StatementError::Spelling) }
    }

    fn of(object: &Object) -> Result<Self, StatementError> {
        let member = |name: &'static str| object.get(name).ok_or(StatementError::Member(name));
        let text = |name: &'static str| member(name)?.as_str().ok_or(StatementError::Member(name));
        let name = |of: &'static str| Name::new(text(of)?).map_err(|_| StatementError::Member(of));
        let digest = |name: &'static str| Sha256::from_hex(text(name)?).ok_or(StatementError::Member(name));
        let time = |name: &'static str| UnixMillis::parse(text(name)?).ok_or(StatementError::Member(name));
        let number = |name: &'static str| {
            let number = member(name)?.as_integer().and_then(|number| u64::try_from(number).ok());
            number.ok_or(StatementError::Member(name))
        };
        if number("version")? != u64::from(VERSION) {
            return Err(StatementError::Member("version"));
        }
        let previous = match member("previous")? {
            Value::Null => None,
            _ => Some(digest("previous")?),
        };
        let role = SigningRole::from_word(text("role")?).ok_or(StatementError::Member("role"))?;
        let sequence = Some(number("sequence")?).filter(|number| (1..=SEQUENCE_MAX).contains(number));
        let (created, not_after) = (time("created")?, time("not_after")?);
        if not_after < created {
            return Err(StatementError::Member("not_after"));
        }
        let evidence = member("evidence")?.as_array().filter(|all| all.len() <= EVIDENCE_MAX);
        let evidence = evidence.and_then(|all| all.iter().map(Evidence::of).collect());
        Ok(Self {
            environment: name("environment")?,
            bundle: digest("bundle")?,
            data: digest("data")?,
            sequence: sequence.ok_or(StatementError::Member("sequence"))?,
            previous,
            role,
            person: name("person")?,
            created,
            not_after,
            evidence: evidence.ok_or(StatementError::Member("evidence"))?,
        })
    }

    /// The very bytes that are signed.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let evidence: Vec<Value> = self.evidence.iter().map(Evidence::value).collect();
        let members: [(&str, Value); 11] = [
            ("version", VERSION.into()),
            ("environment", self.environment.as_str().into()),
            ("bundle", self.bundle.to_string().into()),
            ("data", self.data.to_string().into()),
            ("sequence", Number::try_from(self.sequence).map_or(Value::Null, Value::from)),
            ("previous", self.previous.map_or(Value::Null, |digest| digest.to_string().into())),
            ("role", self.role.word().into()),
            ("person", self.person.as_str().into()),
            ("created", self.created.to_string().into()),
            ("not_after", self.not_after.to_string().into()),
            ("evidence", evidence.into()),
        ];
        let mut bytes = json::canonical(&members.into_iter().collect::<Object>().into());
        bytes.push(b'\n');
        bytes
    }

    /// The name under which it lies in `approvals/`; its signature has `.sig` behind it, as `ssh-keygen` puts it there.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{:04}-{}-{}.json", self.sequence, self.role.word(), self.person)
    }
}

impl Evidence {
    fn of(value: &Value) -> Option<Self> {
        let object = value.as_object().filter(|object| object.len() == 3)?;
        let text = |name| object.get(name).and_then(Value::as_str);
        Some(Self {
            kind: EvidenceKind::from_word(text("kind")?)?,
            digest: Sha256::from_hex(text("digest")?)?,
            date: day(text("date")?)?,
        })
    }

    fn value(&self) -> Value {
        let members = [
            ("kind", self.kind.word().to_owned()),
            ("digest", self.digest.to_string()),
            ("date", self.date.to_string()),
        ];
        members.into_iter().collect::<Object>().into()
    }

    /// When its day began.
    #[must_use]
    pub fn day_began(&self) -> Option<UnixMillis> {
        let midnight = self.date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        u64::try_from(midnight.timestamp().as_millisecond()).ok().map(UnixMillis::new)
    }
}

/// `2026-11-27`, and no other spelling.
fn day(text: &str) -> Option<jiff::civil::Date> {
    text.parse::<jiff::civil::Date>().ok().filter(|date| date.to_string() == text)
}

impl EvidenceKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Probe, Self::Pentest];

    /// The word in a statement.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Pentest => "pentest",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl std::str::FromStr for Evidence {
    type Err = ();

    /// `<kind>:<date>:<digest>`, as the command line has it.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ':');
        let (Some(kind), Some(date), Some(digest)) = (parts.next(), parts.next(), parts.next()) else { return Err(()) };
        Ok(Self {
            kind: EvidenceKind::from_word(kind).ok_or(())?,
            date: day(date).ok_or(())?,
            digest: Sha256::from_hex(digest).ok_or(())?,
        })
    }
}
