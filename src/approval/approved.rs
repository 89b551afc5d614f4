//! The proof that a bundle may be in force, and the one way to it.

use crate::approval::history::Activation;
use crate::approval::history::ActivationFault;
use crate::approval::history::ActivationStore;
use crate::approval::history::KnownList;
use crate::approval::judge::Terms;
use crate::approval::judge::judge;
use crate::bundle::Bundle;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::model::Sha256;
use std::sync::Arc;

/// Proof that a bundle was approved, and that its activation is durable; only [`approve`] makes one for a gateway. Without it
/// no bundle comes into force:
///
/// ```compile_fail
/// # use portcullis::{approval::Approved, bundle::Bundle, directory::Directory, pipeline::Snapshot};
/// # use std::sync::Arc;
/// fn in_force(bundle: Arc<Bundle>, directory: Arc<Directory>) -> Snapshot {
///     Snapshot::new(bundle, directory)
/// }
/// ```
///
/// ```
/// # use portcullis::{approval::Approved, bundle::Bundle, directory::Directory, pipeline::Snapshot};
/// # use std::sync::Arc;
/// fn in_force(bundle: Approved, directory: Arc<Directory>) -> Snapshot {
///     Snapshot::new(bundle, directory)
/// }
/// ```
#[derive(Clone)]
#[must_use = "without this proof the bundle does not come into force"]
pub struct Approved {
    bundle: Arc<Bundle>,
    step: Arc<Step>,
}

/// A bundle that fulfils the rules, and is not durably activated yet.
#[must_use = "nothing is activated yet"]
pub struct Cleared {
    pub(super) bundle: Arc<Bundle>,
    pub(super) step: Step,
    /// A list of signers that comes into effect with it.
    pub(super) list: Option<KnownList>,
}

/// What an activation is.
pub(super) enum Step {
    /// Nobody signed: in development, or on a stage.
    Unsigned,
    /// The bundle that was in force comes back.
    Again(Activation),
    /// It was activated, and could not be put on record then: it comes into force now.
    Unrecorded {
        activation: Activation,
        /// The bundle that was activated before it.
        replaced: Option<Sha256>,
    },
    /// A bundle comes into force that was not.
    New {
        activation: Activation,
        /// The bundle that was activated before it.
        replaced: Option<Sha256>,
        /// The bundle that its signers had before them.
        expected: Option<Sha256>,
    },
}

/// Holds a bundle against statements, signers and what was before, and makes durable that it comes into force: at start and at
/// a swap. After it nothing but its own record stands between the bundle and the first request.
///
/// # Errors
/// What [`judge`] refuses; and where the store does not keep it.
pub async fn approve(
    bundle: &Arc<Bundle>,
    terms: &Terms<'_>,
    store: &dyn ActivationStore,
) -> Result<Approved, Diagnostics> {
    let unkept = |fault: ActivationFault| {
        let help = "the log says why the store failed; without it nothing keeps an older bundle from coming back";
        Diagnostics::from(Diagnostic::without_file("activation-unkept", fault.to_string()).help(help))
    };
    let history = store.history().await.map_err(unkept)?;
    judge(bundle, terms, &history)?.activate(store).await.map_err(unkept)
}

/// A bundle that is played on a stage, where nothing leaves and nothing lasts; no gateway serves by it. `tests/it/house.rs`
/// sees to it that nothing but the workbench says this.
pub fn on_stage(bundle: Arc<Bundle>) -> Approved {
    Approved::of(bundle, Step::Unsigned)
}

impl Cleared {
    /// Makes the activation durable.
    ///
    /// # Errors
    /// [`ActivationFault`].
    pub async fn activate(self, store: &dyn ActivationStore) -> Result<Approved, ActivationFault> {
        let activation = match &self.step {
            Step::New { activation, .. } => Some(activation.clone()),
            Step::Unsigned | Step::Again(_) | Step::Unrecorded { .. } => None,
        };
        if activation.is_some() || self.list.is_some() {
            store.activated(activation, self.list).await?;
        }
        Ok(Approved::of(self.bundle, self.step))
    }

    /// What it would be, or is already; `None` where nobody signed.
    #[must_use]
    pub const fn activation(&self) -> Option<&Activation> {
        self.step.activation()
    }

    /// Whether it is in force already.
    #[must_use]
    pub const fn is_again(&self) -> bool {
        matches!(self.step, Step::Again(_) | Step::Unrecorded { .. })
    }

    /// Whether its signers had another bundle before them than the one in force here.
    #[must_use]
    pub fn is_from_another(&self) -> bool {
        self.step.is_from_another()
    }
}

impl Approved {
    fn of(bundle: Arc<Bundle>, step: Step) -> Self {
        Self { bundle, step: Arc::new(step) }
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// When and by whom it was activated; `None` where nobody signed.
    #[must_use]
    pub fn activation(&self) -> Option<&Activation> {
        self.step.activation()
    }

    /// Whether its activation is still to be put on record: it comes into force by this very step, or could not be recorded
    /// when it did.
    #[must_use]
    pub fn is_to_be_recorded(&self) -> bool {
        matches!(*self.step, Step::New { .. } | Step::Unrecorded { .. })
    }

    /// The bundle that was activated before it, if its activation is to be recorded.
    #[must_use]
    pub fn replaced(&self) -> Option<Sha256> {
        match &*self.step {
            Step::New { replaced, .. } | Step::Unrecorded { replaced, .. } => *replaced,
            Step::Unsigned | Step::Again(_) => None,
        }
    }

    /// Whether its signers had another bundle before them than the one that it replaced here.
    #[must_use]
    pub fn is_from_another(&self) -> bool {
        self.step.is_from_another()
    }
}

impl Step {
    const fn activation(&self) -> Option<&Activation> {
        match self {
            Self::Unsigned => None,
            Self::Again(activation) | Self::New { activation, .. } | Self::Unrecorded { activation, .. } => {
                Some(activation)
            }
        }
    }

    fn is_from_another(&self) -> bool {
        matches!(self, Self::New { replaced: Some(replaced), expected, .. } if *expected != Some(*replaced))
    }
}
