//! Who asks an issuer about tokens: takes the questions that requests put, asks each in a task of its own, and tells all who wait.
//!
//! So a caller who hangs up takes nobody else's answer away, and no request holds anything while it waits.

use crate::clock::Clock;
use crate::identity::ask_fault::AskFault;
use crate::identity::introspections::Introspections;
use crate::identity::introspections::Question;
use crate::identity::introspector::Introspector;
use crate::tasks::Tasks;
use crate::telemetry::Line;
use crate::telemetry::Metrics;
use crate::telemetry::Warned;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often answers that are good for nobody any more are let go.
const LOOK: Duration = Duration::from_secs(1);

/// Asks one issuer.
pub struct Asker {
    shared: Arc<Shared>,
}

struct Shared {
    introspector: Introspector,
    introspections: Arc<Introspections>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    warned: Mutex<Warned>,
}

impl Asker {
    /// One that asks what is put to `introspections`.
    #[must_use]
    pub fn new(
        introspector: Introspector,
        introspections: Arc<Introspections>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        metrics.introspection_begins(&introspector.issuer);
        let warned = Mutex::default();
        Self { shared: Arc::new(Shared { introspector, introspections, clock, metrics, warned }) }
    }

    /// Asks until the gateway is closed; questions that are under way then are cut off.
    pub async fn run(self, mut closed: watch::Receiver<bool>) {
        let Some(mut questions) = self.shared.introspections.questions() else { return };
        let asking = Tasks::new();
        let mut stop = closed.clone();
        let work = async {
            loop {
                let question = tokio::select! {
                    question = questions.recv() => question,
                    () = tokio::time::sleep(LOOK) => {
                        self.shared.look();
                        continue;
                    }
                };
                let Some(question) = question else { return };
                let (shared, mut closed) = (Arc::clone(&self.shared), closed.clone());
                drop(asking.spawn(async move {
                    tokio::select! {
                        _ = closed.wait_for(|closed| *closed) => {}
                        () = shared.ask(question) => {}
                    }
                }));
            }
        };
        tokio::select! {
            _ = stop.wait_for(|closed| *closed) => {}
            () = work => {}
        }
        // Questions that nobody asks any more are let go with their sender.
        drop(questions);
        let _ = closed.wait_for(|closed| *closed).await;
        asking.idle().await;
    }
}

impl Shared {
    /// Lets go of what is too old, and counts who was turned away.
    fn look(&self) {
        self.introspections.retire(self.clock.steady());
        let turned_away = self.introspections.turned_away();
        self.metrics.introspections_refused(&self.introspector.issuer, AskFault::Busy.word(), turned_away);
    }

    async fn ask(&self, question: Question) {
        let began = self.clock.steady();
        let asking_as = self.introspections.asking_as();
        let asked = self.introspector.ask(&asking_as, &question.token, self.clock.now().seconds());
        let told = tokio::time::timeout(self.introspections.timeout(), asked).await.unwrap_or(Err(AskFault::Late));
        let ended = self.clock.steady();
        let result = match &told {
            Ok(answer) if answer.is_active => "active",
            Ok(_) => "inactive",
            Err(fault) => fault.word(),
        };
        self.metrics.introspected(&self.introspector.issuer, result, ended.saturating_sub(began));
        self.introspections.ends.tell(self.clock.now(), told.as_ref().err().map(|fault| fault.word()));
        self.tell(told.as_ref().err().copied(), ended);
        question.answer(told);
    }

    fn tell(&self, fault: Option<AskFault>, steady: Duration) {
        let line = self.warned.lock().after(fault.map(AskFault::word), steady);
        let issuer = &*self.introspector.issuer;
        match (line, fault) {
            (Some(Line::Fails), Some(fault)) => {
                let told = "the issuer does not say what its tokens are; they are refused";
                tracing::warn!(issuer, fault = fault.word(), why = %fault, "{told}");
            }
            (Some(Line::Works), _) => tracing::info!(issuer, "the issuer says again what its tokens are"),
            _ => {}
        }
    }
}
