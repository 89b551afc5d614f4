//! Why a batch did not go out. Holds nothing that came from outside but a status and a time.

use crate::audit::WalkFault;
use crate::wire::ConnectFault;
use crate::wire::ExchangeFaultKind;
use std::time::Duration;

/// Why a batch did not go out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ExportFault {
    /// There was no connection.
    Connect(ConnectFault),
    /// It broke off, or nobody knows whether it was received.
    Exchange(ExchangeFaultKind),
    /// The destination cannot take it now, and perhaps says when it can.
    Busy(Option<Duration>),
    /// The batch is too large for the destination.
    TooLarge,
    /// The destination does not want it: 4xx, 5xx or a redirect, by its status.
    Refused(u16),
    /// What it answered is no answer.
    Garbage,
    /// The file cannot be written.
    File,
    /// The log cannot be read there.
    Log(LogFault),
    /// Our own place cannot be kept.
    Place,
}

/// Why the log cannot be read at our place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LogFault {
    /// It cannot be read, or is damaged.
    Unreadable,
    /// The segment is gone.
    Gone,
    /// Our place is none of this log.
    Astray,
    /// It counts otherwise than we have.
    Miscounted,
}

impl ExportFault {
    /// The stable word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Connect(fault) => fault.word(),
            Self::Exchange(kind) => kind.word(),
            Self::Busy(_) => "busy",
            Self::TooLarge => "batch-too-large",
            Self::Refused(_) => "refused",
            Self::Garbage => "no-answer",
            Self::File => "file",
            Self::Log(LogFault::Unreadable) => "log-unreadable",
            Self::Log(LogFault::Gone) => "segment-gone",
            Self::Log(LogFault::Astray) => "place-astray",
            Self::Log(LogFault::Miscounted) => "log-miscounted",
            Self::Place => "place-not-kept",
        }
    }
}

impl From<&WalkFault> for LogFault {
    fn from(fault: &WalkFault) -> Self {
        match fault {
            WalkFault::Open(_) => Self::Unreadable,
            WalkFault::Gone { .. } => Self::Gone,
            WalkFault::Astray { .. } => Self::Astray,
            WalkFault::Miscounted { .. } => Self::Miscounted,
        }
    }
}
