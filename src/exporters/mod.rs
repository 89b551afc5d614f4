//! Streams out: records go from the audit log to those who keep and search them elsewhere, while the gateway works.
//!
//! An exporter reads the log itself, from a place of its own that lasts ([`audit::ExportPlace`]), and moves that place only once
//! the destination has taken a batch. So it holds up nobody, and loses nothing: what a destination does not take stays in the log,
//! and is sent when it takes again. What may come twice is one batch. Nothing goes out that is not durable and signed: an
//! exporter goes as far as the newest checkpoint, and each batch carries it, so that every destination is a witness.
//!
//! [`course`] says what to do next, and reads no clock; [`gather`] reads and writes out a batch, on a thread that serves nobody;
//! [`syslog`], [`otlp`] and [`file`] bring it to its place; [`exporter`] does one after the other; [`standing`] tells how far
//! each has come.
//!
//! [`audit::ExportPlace`]: crate::audit::ExportPlace

mod course;
mod destination;
mod exporter;
mod fault;
mod file;
mod gather;
mod otlp;
mod standing;
mod syslog;

pub use destination::Destination;
pub use exporter::DRAIN_TIMEOUT;
pub use exporter::Exporter;
pub use file::FileSink;
pub use otlp::ANSWER_MAX_BYTES as OTLP_ANSWER_MAX_BYTES;
pub use otlp::OtlpSink;
pub use standing::Exports;
pub use standing::Stand;
pub use syslog::SyslogSink;
