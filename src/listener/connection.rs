//! What all requests of one connection share: the door it came in by, and who its certificate says is there.

use crate::limits::Limits;
use crate::pipeline::BodyMemory;
use crate::pipeline::Gate;
use crate::pipeline::Visitor;
use crate::tasks::Tasks;
use std::sync::Arc;
use tokio::sync::watch;

/// One connection after its handshake.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    visitor: Arc<Visitor>,
}

/// What all connections of a worker share.
pub struct Shared {
    /// Where requests go.
    pub gate: Arc<Gate>,
    /// The limits in force.
    pub limits: Arc<Limits>,
    /// What bodies may hold.
    pub body_memory: BodyMemory,
    /// What going down waits for.
    pub tasks: Tasks,
    /// Turns `true` when the gateway goes down.
    pub going_down: watch::Receiver<bool>,
}

impl Connection {
    /// A connection of `visitor`.
    #[must_use]
    pub fn new(shared: Arc<Shared>, visitor: Visitor) -> Self {
        Self { shared, visitor: Arc::new(visitor) }
    }

    /// Where its requests go.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// Who is there.
    #[must_use]
    pub fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What bodies may hold.
    #[must_use]
    pub fn body_memory(&self) -> &BodyMemory {
        &self.shared.body_memory
    }

    /// What going down waits for: streams outlive their connection.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.shared.tasks
    }

    /// Whether the gateway goes down.
    #[must_use]
    pub fn is_going_down(&self) -> bool {
        *self.shared.going_down.borrow()
    }

    /// Waits until the gateway goes down.
    pub async fn going_down(&self) {
        let mut signal = self.shared.going_down.clone();
        // The sender is dropped only when the gateway is gone: that is going down, too.
        let _ = signal.wait_for(|down| *down).await;
    }
}
