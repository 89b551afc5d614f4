//! Those who sign bundles, with throw-away keys: what the ceremony of `docs/approvals.md` does by hand. Their private halves
//! live in this process alone.

use crate::approval::Evidence;
use crate::approval::NAMESPACE;
use crate::approval::Statement;
use crate::approval::data_digest;
use crate::bundle::Bundle;
use crate::clock::UnixMillis;
use crate::crypto::SignError;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::SshKey;
use crate::diagnostic::Diagnostics;
use crate::limits::Limits;
use crate::model::DEVELOPMENT;
use crate::model::Name;
use crate::model::NameError;
use crate::model::PersonName;
use crate::model::SigningRole;
use std::fs;
use std::io;
use std::path::Path;

/// How long a statement bounds the first activation, in milliseconds: a day.
const VALID_MS: u64 = 24 * 60 * 60 * 1_000;

/// One person with a key.
pub struct Signatory {
    /// In which role they sign.
    pub role: SigningRole,
    /// By which name.
    pub person: PersonName,
    key: SigningKey,
}

/// One person for each role.
pub struct Signatories {
    /// Them, in the order of the roles.
    pub all: Vec<Signatory>,
    environment: Name,
}

/// Why nothing is signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningFault {
    /// A key cannot be made, or does not sign.
    #[error(transparent)]
    Key(#[from] SignError),
    /// A name of ours is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The bundle does not compile.
    #[error("the bundle does not compile:\n{0}")]
    Bundle(Diagnostics),
    /// A statement cannot be written.
    #[error("a statement cannot be written")]
    Write(#[from] io::Error),
}

impl Signatory {
    /// Somebody with a new key.
    ///
    /// # Errors
    /// [`SigningFault`].
    pub fn new(role: SigningRole, person: &str) -> Result<Self, SigningFault> {
        let pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa)?;
        let key = SigningKey::from_pem(&pem).map_err(|_| SignError)?;
        Ok(Self { role, person: Name::new(person)?, key })
    }

    /// The public half of their key.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn public(&self) -> Result<SshKey, SignError> {
        self.key.ssh_key()
    }

    /// Signs a file as `ssh-keygen -Y sign -n NAMESPACE` does.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, namespace: &str, bytes: &[u8]) -> Result<String, SignError> {
        self.key.sign_ssh(namespace, bytes)
    }

    /// Their line in a list of signers.
    #[must_use]
    pub fn line(&self) -> String {
        let key = self.public().map(|key| key.to_string()).unwrap_or_default();
        format!("  - {{role: {}, person: {}, key: \"{key}\"}}\n", self.role.word(), self.person)
    }

    /// What they say about a bundle for development: the first that comes into force, until a day from `now`.
    ///
    /// # Errors
    /// [`SigningFault::Name`].
    pub fn statement(&self, bundle: &Bundle, now: UnixMillis) -> Result<Statement, SigningFault> {
        Ok(Statement {
            environment: Name::new(DEVELOPMENT)?,
            bundle: bundle.digest(),
            data: data_digest(bundle),
            sequence: 1,
            previous: None,
            role: self.role,
            person: self.person.clone(),
            created: now,
            not_after: now.plus(VALID_MS),
            evidence: Vec::<Evidence>::new(),
        })
    }

    /// Writes a statement into a bundle, and its signature beside it.
    ///
    /// # Errors
    /// [`SigningFault`].
    pub fn put(&self, policies: &Path, statement: &Statement) -> Result<(), SigningFault> {
        let (folder, bytes) = (policies.join("approvals"), statement.bytes());
        fs::create_dir_all(&folder)?;
        let path = folder.join(statement.file_name());
        fs::write(path.with_extension("json.sig"), self.sign(NAMESPACE, &bytes)?)?;
        Ok(fs::write(path, bytes)?)
    }
}

impl Signatories {
    /// Three persons with new keys.
    ///
    /// # Errors
    /// [`SigningFault`].
    pub fn new() -> Result<Self, SigningFault> {
        let names = ["anna", "boris", "clara"];
        let all = SigningRole::ALL.iter().zip(names).map(|(role, person)| Signatory::new(*role, person));
        Ok(Self { all: all.collect::<Result<_, _>>()?, environment: Name::new(DEVELOPMENT)? })
    }

    /// Their list.
    #[must_use]
    pub fn list(&self, sequence: u64) -> String {
        let lines: String = self.all.iter().map(Signatory::line).collect();
        format!("version: 1\nenvironment: {}\nsequence: {sequence}\nsigners:\n{lines}", self.environment)
    }

    /// Has everybody sign the bundle in a folder as it lies there, as the first.
    ///
    /// # Errors
    /// [`SigningFault`].
    pub fn approve(&self, policies: &Path, now: UnixMillis) -> Result<(), SigningFault> {
        let bundle = Bundle::load(policies, &Limits::default()).map_err(SigningFault::Bundle)?;
        self.all.iter().try_for_each(|signatory| signatory.put(policies, &signatory.statement(&bundle, now)?))
    }
}
