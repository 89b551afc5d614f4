//! How far a long reading has come, on the last line of a terminal.

use crate::evidence::Progress;
use std::io::IsTerminal;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How often it is drawn.
const PERIOD: Duration = Duration::from_millis(100);
/// The width of the bar, in characters.
const WIDTH: usize = 40;
/// From the start of this line nothing (ECMA-48, EL).
const CLEAR: &str = "\r\x1b[K";

/// Does `work`, and draws meanwhile how far it has come, if standard error is a terminal.
pub(super) fn drawn<T>(progress: &Progress, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        let (done, waiting) = channel::<()>();
        let draw = move || {
            while waiting.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let (done, total) = (progress.done.load(Ordering::Relaxed), progress.total.load(Ordering::Relaxed));
                tell(&format!("{CLEAR}{}", bar(done, total)));
            }
            tell(CLEAR);
        };
        // Where the system gives no thread the work is done all the same.
        let _ = thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, draw);
        let result = work();
        drop(done);
        result
    })
}

fn tell(text: &str) {
    let mut out = std::io::stderr();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A bar; what grew meanwhile makes it no longer than full.
fn bar(done: u64, total: u64) -> String {
    let hundredths =
        usize::try_from((u128::from(done) * 100).checked_div(u128::from(total)).unwrap_or(0).min(100)).unwrap_or(100);
    let full = WIDTH * hundredths / 100;
    let (full_part, rest) = ("#".repeat(full), ".".repeat(WIDTH - full));
    format!("[{full_part}{rest}] {hundredths:>3} %  {} of {} MiB", done >> 20, total >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done_and_never_more() {
        let told = |done, total| bar(done, total);
        assert_eq!(told(0, 0), format!("[{}]   0 %  0 of 0 MiB", ".".repeat(40)));
        assert_eq!(told(50 << 20, 200 << 20), format!("[{}{}]  25 %  50 of 200 MiB", "#".repeat(10), ".".repeat(30)));
        assert_eq!(told(3 << 20, 2 << 20), format!("[{}] 100 %  3 of 2 MiB", "#".repeat(40)));
    }

    #[test]
    fn the_work_is_done_where_no_terminal_is() {
        assert_eq!(drawn(&Progress::default(), || 7), 7);
    }
}
