//! The log: one JSON object per line on standard error, from our own code only.
//!
//! Libraries below us log what they read, raw heads with their tokens among it; so nothing but the target `portcullis`
//! is written, at any level. A line about an exchange carries its `receipt` as a field.

use std::io;
use tracing::Level;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// The only target that is written: this crate and its modules.
const TARGET: &str = "portcullis";

/// The log cannot be started: this process has another one already.
#[derive(Debug, thiserror::Error)]
#[error("a log is set up already in this process")]
pub struct LogError(#[from] tracing::subscriber::SetGlobalDefaultError);

/// Starts the log of this process on standard error.
///
/// # Errors
/// [`LogError`] if there is one already.
pub fn start_log() -> Result<(), LogError> {
    Ok(tracing::subscriber::set_global_default(lines(io::stderr))?)
}

/// What writes lines to `writer`.
fn lines<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let format = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer);
    let ours = filter_fn(|about| {
        let rest = about.target().strip_prefix(TARGET);
        *about.level() <= Level::INFO && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    });
    tracing_subscriber::registry().with(format.with_filter(ours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Receipt;
    use parking_lot::Mutex;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(work: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        tracing::subscriber::with_default(lines(move || writer.clone()), work);
        String::from_utf8(kept.0.lock().clone()).unwrap()
    }

    #[test]
    fn a_line_of_an_exchange_is_one_json_object_with_its_receipt() {
        let receipt = Receipt::new([7; 16]);
        let text = written(|| tracing::warn!(%receipt, reason = "body-invalid", "refused"));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["receipt"], receipt.to_string());
        assert_eq!(
            (&line["message"], &line["reason"], &line["level"]),
            (&"refused".into(), &"body-invalid".into(), &"WARN".into())
        );
        assert_eq!(text.matches('\n').count(), 1);
    }

    #[test]
    fn lines_of_other_crates_are_not_written_at_any_level() {
        let text = written(|| {
            tracing::error!(target: "pingora_core", "malformed head: GET /?token=canary");
            tracing::error!(target: "portcullis_like", "canary");
            tracing::info!(target: "portcullis::listener", "ours");
            tracing::debug!(target: "portcullis::listener", "too fine");
        });
        assert!(!text.contains("canary") && !text.contains("too fine"), "{text}");
        assert_eq!(text.matches('\n').count(), 1, "{text}");
    }
}
