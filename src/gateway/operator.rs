//! What the operator's doors ask, and what goes on beside them for as long as they are open: what could not be stored is tried
//! again, refusals that came too fast are recorded in sums, and the wall clock is looked at.

use crate::admin;
use crate::admin::AdminSocket;
use crate::gateway::STORE_RETRY;
use crate::gateway::clock_keeper::ClockKeeper;
use crate::gateway::status::Status;
use crate::model::Actor;
use crate::pipeline::Act;
use crate::pipeline::ActReply;
use crate::pipeline::Gate;
use crate::tasks::Tasks;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the wall clock is looked at.
const CLOCK_LOOK: Duration = Duration::from_secs(1);

/// How often refusals that came too fast for a record each are recorded in sums.
const SUMS_TOLD: Duration = Duration::from_secs(1);

/// What the operator's doors ask.
pub(super) struct Operator {
    pub(super) gate: Gate,
    pub(super) status: Status,
}

impl admin::Report for Operator {
    fn not_ready(&self) -> Vec<&'static str> {
        self.gate.not_ready()
    }

    fn notices(&self) -> Vec<&'static str> {
        self.gate.notices()
    }

    fn softeners(&self) -> Vec<&str> {
        self.status.softeners()
    }

    fn status(&self) -> String {
        self.status.told(&self.gate)
    }

    fn checkpoint(&self) -> Option<String> {
        self.gate.log().checkpoint().map(|checkpoint| checkpoint.note().to_owned())
    }

    fn metrics(&self) -> String {
        let metrics = &self.gate.core().metrics;
        metrics.stands(&self.gate.not_ready(), &self.gate.notices(), &self.status.softeners());
        metrics.render()
    }
}

impl admin::Acts for Operator {
    async fn act(&self, act: Act, by: Actor) -> ActReply {
        self.gate.act(act, &by).await
    }
}

/// The operator's doors, open until everything else is closed; and what could not be stored, tried again.
pub(super) async fn operate(
    operator: Operator,
    acts: Tasks,
    ops: TcpListener,
    socket: Option<AdminSocket>,
    mut clocks: ClockKeeper,
    mut until_closed: watch::Receiver<bool>,
) {
    let core = Arc::clone(operator.gate.core());
    let log = operator.gate.log().clone();
    let operator = Arc::new(operator);
    let admin = async {
        match socket {
            Some(socket) => socket.serve(Arc::clone(&operator), acts).await,
            None => std::future::pending().await,
        }
    };
    let retry = async {
        loop {
            tokio::time::sleep(STORE_RETRY).await;
            // The guard counts itself not durable until this succeeds, and `/readyz` says so.
            let _ = core.guard.store_pending().await;
        }
    };
    let sums = async {
        loop {
            tokio::time::sleep(SUMS_TOLD).await;
            log.tell_sums(core.clock.now());
        }
    };
    let clocks = async {
        loop {
            tokio::time::sleep(CLOCK_LOOK).await;
            clocks.look().await;
        }
    };
    tokio::select! {
        _ = until_closed.wait_for(|closed| *closed) => {}
        _ = admin::serve_ops(ops, Arc::clone(&operator)) => tracing::error!("the ops listener ended"),
        _ = admin => tracing::error!("the admin socket ended"),
        () = retry => {}
        () = sums => {}
        () = clocks => {}
    }
}
