//! The gateway's threads: each with a runtime of its own, and told of when it ends, however that came.

use crate::diagnostic::Diagnostics;
use crate::gateway::internal;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long a thread that ends waits for what blocks beside it: the machine's resolver, which nobody can interrupt.
const BLOCKED_TIMEOUT: Duration = Duration::from_millis(100);

/// A thread with a runtime of its own. When it ends, `dying` is told.
pub(super) fn spawn<T: Send + 'static>(
    name: &'static str,
    dying: &mpsc::Sender<&'static str>,
    work: impl FnOnce(&Runtime) -> T + Send + 'static,
) -> Result<thread::JoinHandle<T>, Diagnostics> {
    /// Tells of the thread's end, also by a panic.
    struct Knell(&'static str, mpsc::Sender<&'static str>);
    impl Drop for Knell {
        fn drop(&mut self) {
            // Nobody listens any more once the gateway goes down.
            let _ = self.1.send(self.0);
        }
    }
    let runtime = current_thread()?;
    let knell = Knell(name, dying.clone());
    let body = move || {
        let _knell = knell;
        let done = work(&runtime);
        runtime.shutdown_timeout(BLOCKED_TIMEOUT);
        done
    };
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|error| internal("a thread", &error))
}

/// A runtime for this thread alone.
pub(super) fn current_thread() -> Result<Runtime, Diagnostics> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| internal("a runtime", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "what blocks is what this is about; the resolver runs like this")]
    fn a_thread_ends_in_time_whatever_blocks_beside_it() {
        let (release, hung) = mpsc::channel::<()>();
        let (dying, died) = mpsc::channel();
        let thread = spawn("hung", &dying, move |runtime| {
            runtime.block_on(async { drop(tokio::task::spawn_blocking(move || hung.recv())) });
            7
        });
        assert_eq!(thread.map_err(|faults| faults.to_string()).unwrap().join().unwrap(), 7);
        assert_eq!(died.try_recv(), Ok("hung"));
        release.send(()).unwrap();
    }
}
