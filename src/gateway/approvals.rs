//! Whether the bundle may come into force here: the list of signers read anew, and everything held against what the store
//! knows. A start and a swap ask the same question by the same function.

use crate::approval;
use crate::approval::ActivationStore;
use crate::approval::Approved;
use crate::approval::History;
use crate::approval::Owners;
use crate::approval::SignersFile;
use crate::approval::Terms;
use crate::bundle::Bundle;
use crate::clock::UnixMillis;
use crate::config::Config;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::DEVELOPMENT;
use crate::model::Name;
use std::path::PathBuf;
use std::sync::Arc;

/// What of the configuration says who must have signed. A swap keeps it: the rest of the configuration is gone by then.
#[derive(Clone)]
pub(super) struct Signing {
    environment: Name,
    signers: Option<PathBuf>,
    policies: PathBuf,
    source: Source,
    place: Place,
}

impl Signing {
    /// As a configuration has it.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            environment: config.environment.clone(),
            signers: config.signers.clone(),
            policies: config.policies.clone(),
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
        let file = self.file()?;
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
        let file = self.file()?;
        approval::judge(bundle, &self.terms(file.as_ref(), now), history).map(drop)
    }

    fn file(&self) -> Result<Option<SignersFile>, Diagnostics> {
        let owners = Owners::of_this_process(self.environment.as_str() == DEVELOPMENT);
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
