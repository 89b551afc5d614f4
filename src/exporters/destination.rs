//! The three kinds of destinations behind one face: a batch is written out for it, brought there, and taken or not.

use crate::audit::Framing;
use crate::exporters::fault::ExportFault;
use crate::exporters::file::FileSink;
use crate::exporters::gather::Shape;
use crate::exporters::otlp::OtlpSink;
use crate::exporters::syslog::SyslogSink;
use crate::tasks::Tasks;

/// Where batches go.
pub enum Destination {
    /// Syslog over TLS (RFC 5425).
    Syslog(SyslogSink),
    /// OTLP/HTTP.
    Otlp(OtlpSink),
    /// A file.
    File(FileSink),
}

/// What a destination made of a batch that it took.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Taken {
    /// How many of its records it says that it will never take. They are not sent again.
    pub(super) rejected: u64,
}

impl Destination {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Syslog(_) => "syslog",
            Self::Otlp(_) => "otlp",
            Self::File(_) => "file",
        }
    }

    pub(super) const fn shape(&self) -> Shape {
        match self {
            Self::Syslog(sink) => Shape::Text(Framing::Counted, sink.format),
            Self::Otlp(_) => Shape::Otlp,
            Self::File(sink) => Shape::Text(Framing::Lines, sink.format()),
        }
    }

    /// Brings a batch there. When this is `Ok`, the destination has it.
    pub(super) async fn bring(&mut self, batch: Vec<u8>, tasks: &Tasks) -> Result<Taken, ExportFault> {
        match self {
            Self::Syslog(sink) => sink.bring(&batch).await.map(|()| Taken::default()),
            Self::Otlp(sink) => sink.bring(batch).await,
            Self::File(sink) => sink.bring(batch, tasks).await.map(|()| Taken::default()),
        }
    }
}
