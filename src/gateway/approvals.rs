//! Whether the bundle may come into force here: the list of signers read anew, and everything held against what the store
//! knows. A start and a swap ask the same question by the same function.

use crate::approval;
use crate::approval::ActivationStore;
use crate::approval::Approved;
use crate::approval::History;
use crate::approval::Owners;
use crate::approval::SignersFile;
use crate::approval::Terms;
use crate::audit::Activated;
use crate::audit::Note;
use crate::bundle::Bundle;
use crate::clock::UnixMillis;
use crate::config::Config;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::DEVELOPMENT;
use crate::model::Name;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// What of the configuration says who must have signed. A swap keeps it: the rest of the configuration is gone by then.
#[derive(Clone)]
pub(super) struct Signing {
    environment: Name,
    signers: Option<PathBuf>,
    policies: PathBuf,
    /// Its owner is the service.
    audit: PathBuf,
    source: Source,
    place: Place,
}

/// Notes that what [`activated`] told is on record. If that cannot be kept it is told once more at the next start.
pub(super) async fn on_record(approved: &Approved, store: &dyn ActivationStore) {
    let to_be_recorded = approved.activation().filter(|_| approved.is_to_be_recorded());
    if let Some(activation) = to_be_recorded
        && store.recorded(activation.sequence).await.is_err()
    {
        tracing::warn!(sequence = activation.sequence, "the store does not keep that an activation is on record");
    }
}

/// What is recorded of a bundle that comes into force and was not before, or could not be recorded when it did; `None` of one
/// that comes back, or that nobody signed.
pub(super) fn activated(approved: &Approved) -> Option<Note> {
    let activation = approved.activation().filter(|_| approved.is_to_be_recorded())?;
    Some(Note::Activation(Activated {
        sequence: activation.sequence,
        data: activation.data,
        before: approved.replaced(),
        signed_by: activation.signed_by.clone(),
    }))
}

/// The user whom the service is, for whoever asks beside it and may be another: the one who owns its log.
pub fn service_of(audit: &Path) -> Option<u32> {
    let asks = || rustix::process::geteuid().as_raw();
    Some(std::fs::metadata(audit).map_or_else(|_| asks(), |found| found.uid()))
}

impl Signing {
    /// As a configuration has it.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            environment: config.environment.clone(),
            signers: config.signers.clone(),
            policies: config.policies.clone(),
            audit: config.audit.directory.clone(),
            source: config.source.clone(),
            place: config.places.policies,
        }
    }

    /// Lets the bundle come into force: judged, and its activation durable.
    ///
    /// # Errors
    /// Everything for which it may not.
    pub(super) async fn approve(
        &self,
        bundle: &Arc<Bundle>,
        now: UnixMillis,
        store: &dyn ActivationStore,
    ) -> Result<Approved, Diagnostics> {
        let file = self.file(Some(rustix::process::geteuid().as_raw()))?;
        let approved = approval::approve(bundle, &self.terms(file.as_ref(), now), store).await?;
        if approved.is_from_another() {
            tracing::warn!("the bundle was signed as a step from another one than was in force here");
        }
        Ok(approved)
    }

    /// Whether it could, by what was activated so far; nothing is written.
    ///
    /// # Errors
    /// As [`Signing::approve`].
    pub(super) fn examine(&self, bundle: &Arc<Bundle>, now: UnixMillis, history: &History) -> Result<(), Diagnostics> {
        let file = self.file(service_of(&self.audit))?;
        approval::judge(bundle, &self.terms(file.as_ref(), now), history).map(drop)
    }

    fn file(&self, service: Option<u32>) -> Result<Option<SignersFile>, Diagnostics> {
        let owners = Owners { service, lenient: self.environment.as_str() == DEVELOPMENT };
        let file = self.signers.as_ref().map(|path| SignersFile::read(path, &self.policies, owners)).transpose()?;
        if let Some(softer) = file.as_ref().and_then(|file| file.softer.as_ref()) {
            tracing::warn!(softer, "the service may write the list of signers, which only development takes");
        }
        Ok(file)
    }

    const fn terms<'a>(&'a self, signers: Option<&'a SignersFile>, now: UnixMillis) -> Terms<'a> {
        Terms { environment: &self.environment, signers, now, asked: Some((&self.source, self.place)) }
    }
}
