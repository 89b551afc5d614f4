//! Tasks that are named, counted and awaited. The only place that spawns.
//!
//! From the intent on, an exchange runs in a task of its own: a caller who hangs up cannot lose its outcome, and going
//! down waits for it.

use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// Counts the tasks that going down must wait for.
#[derive(Clone)]
pub struct Tasks {
    running: Arc<watch::Sender<usize>>,
}

/// One task's place in the count; given back when dropped, also by a panic.
pub struct Place(Arc<watch::Sender<usize>>);

impl Tasks {
    /// No tasks.
    #[must_use]
    pub fn new() -> Self {
        Self { running: Arc::new(watch::Sender::new(0)) }
    }

    /// Runs `work` in a task of its own that is counted until it ends.
    #[expect(clippy::disallowed_methods, reason = "this is the file that may spawn")]
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        let place = self.hold();
        tokio::spawn(async move {
            let result = work.await;
            drop(place);
            result
        })
    }

    /// Runs work that computes for long on a thread of its own, counted until it ends.
    #[expect(clippy::disallowed_methods, reason = "this is the file that may spawn")]
    pub fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> tokio::task::JoinHandle<T> {
        let place = self.hold();
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        })
    }

    /// Counts what a framework runs, for as long as the place is held.
    #[must_use = "a dropped place counts nothing"]
    pub fn hold(&self) -> Place {
        self.running.send_modify(|count| *count = count.saturating_add(1));
        Place(Arc::clone(&self.running))
    }

    /// How many tasks run now.
    #[must_use]
    pub fn running(&self) -> usize {
        *self.running.borrow()
    }

    /// Waits until no task runs.
    pub async fn idle(&self) {
        let mut watch = self.running.subscribe();
        // The sender lives as long as `self`: waiting cannot fail.
        let _ = watch.wait_for(|count| *count == 0).await;
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a runtime of one thread: were the work done there, it would wait for itself.
    #[tokio::test]
    async fn who_computes_for_long_holds_up_nobody_and_is_counted() {
        let tasks = Tasks::new();
        let (go, wait) = std::sync::mpsc::channel::<u8>();
        let handle = tasks.compute(move || wait.recv().unwrap());
        tokio::task::yield_now().await;
        assert_eq!(tasks.running(), 1);
        go.send(7).unwrap();
        assert_eq!(handle.await.unwrap(), 7);
        tasks.idle().await;
    }

    #[tokio::test]
    async fn idle_waits_for_every_task_also_for_one_that_panics() {
        let tasks = Tasks::new();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let handle = tasks.spawn(async move {
            let _ = wait.await;
            panic!("on purpose");
        });
        assert_eq!(tasks.running(), 1);
        let place = tasks.hold();
        assert_eq!(tasks.running(), 2);
        drop(place);
        go.send(()).unwrap();
        tasks.idle().await;
        assert_eq!(tasks.running(), 0);
        assert!(handle.await.is_err());
    }
}
