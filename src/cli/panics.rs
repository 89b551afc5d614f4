//! What is told of a panic: its place, and never its message, which may hold a request's values.

use std::io::Write;
use std::panic::PanicHookInfo;

/// From now on, a panic tells its place alone.
pub(super) fn tell_the_place_alone() {
    std::panic::set_hook(Box::new(|panic| {
        let _ = std::io::stderr().write_all(told(panic, tracing::dispatcher::has_been_set()).as_bytes());
    }));
}

/// One line: for the log, if there is one, else for people.
///
/// It is not written by way of the log, which may be what has just panicked. Place and thread are words of programs,
/// without anything to escape.
fn told(panic: &PanicHookInfo<'_>, log: bool) -> String {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    if log {
        format!(
            "{{\"level\":\"ERROR\",\"message\":\"panic\",\"place\":\"{place}\",\"thread\":\"{thread}\",\"target\":\"portcullis\"}}\n"
        )
    } else {
        format!(
            "error[panic]: a fault of the program at {place} (thread `{thread}`)\n  help: report it with this place\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[test]
    fn a_panic_tells_its_place_and_not_its_message() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let before = std::panic::take_hook();
        // Hooks are the process's: panics of tests that run beside this one may pass through here too.
        std::panic::set_hook(Box::new(move |panic| {
            kept.lock().extend([told(panic, false), told(panic, true)]);
            before(panic);
        }));
        let canary = "canary-7";
        let fallen = std::panic::catch_unwind(|| panic!("{canary}")).is_err();
        drop(std::panic::take_hook());
        assert!(fallen);
        let lines = lines.lock();
        let ours: Vec<&String> = lines.iter().filter(|line| line.contains(file!())).collect();
        assert_eq!(ours.len(), 2);
        assert!(lines.iter().all(|line| !line.contains(canary)));
        let line: serde_json::Value = serde_json::from_str(ours[1]).unwrap();
        assert_eq!(line["message"], "panic");
    }
}
