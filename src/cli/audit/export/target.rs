//! Where an export goes: standard output, a file, or a syslog server over TLS (RFC 5425). When one has taken a batch, it has it.
//!
//! A file has it after `fdatasync`; what a crash leaves behind its last line feed is cut off. A server has it once it has read the
//! last byte and closed the connection in order (`wire::OneWay`): what it does with it then nobody can say, for syslog has
//! no acknowledgement. Standard output has it when it was written, and promises nothing more.

use crate::audit::Framing;
use crate::cli::output::plain;
use crate::clock::SystemClock;
use crate::crypto;
use crate::crypto::Outward;
use crate::crypto::TlsIdentity;
use crate::diagnostic;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::wire::Client;
use crate::wire::Place;
use std::error::Error;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// For connecting to a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a server to read a batch to its end.
const BATCH_TIMEOUT: Duration = Duration::from_secs(60);
/// A piece that is looked through at once, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;

/// Where it goes, and by which keys.
#[derive(clap::Args)]
pub(super) struct Destined {
    /// A file to which is added, `-` for standard output, or a syslog server as `tls://HOST:PORT`
    #[arg(long, value_name = "PLACE")]
    to: String,
    /// The authorities of the server
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Our certificate towards the server
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

/// Where batches go.
pub(super) enum Target {
    Output,
    File(PathBuf, File),
    Server(Box<Client>),
}

impl Target {
    /// Opens it; with a server nothing is exchanged yet.
    pub(super) fn open(arguments: &Destined) -> Result<Self, Diagnostics> {
        if let Some(server) = arguments.to.strip_prefix("tls://") {
            return Ok(Self::Server(Box::new(client(server, arguments)?)));
        }
        if arguments.ca.is_some() || arguments.certificate.is_some() {
            let message = "`--ca`, `--certificate` and `--key` are for a server";
            return Err(Diagnostic::without_file("unusable", message).help("name one: `--to tls://HOST:PORT`").into());
        }
        if arguments.to == "-" {
            return Ok(Self::Output);
        }
        let path = PathBuf::from(&arguments.to);
        let file = begin(&path).map_err(|error| unusable(&path, &error))?;
        Ok(Self::File(path, file))
    }

    /// Whether another machine may be what fails.
    pub(super) const fn is_remote(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    pub(super) const fn framing(&self) -> Framing {
        match self {
            Self::Output | Self::File(..) => Framing::Lines,
            Self::Server(_) => Framing::Counted,
        }
    }

    /// Brings a batch there.
    pub(super) async fn take(&mut self, batch: &[u8]) -> Result<(), Diagnostic> {
        match self {
            Self::Output => {
                let mut out = io::stdout();
                let written = out.write_all(batch).and_then(|()| out.flush());
                written.map_err(|error| unusable(Path::new("-"), &error))
            }
            Self::File(path, file) => {
                // Half a line that stays here is cut off at the next start.
                let written = file.write_all(batch).and_then(|()| file.sync_data());
                written.map_err(|error| unusable(path, &error))
            }
            Self::Server(client) => {
                let connection = client.one_way().await.map_err(|fault| untaken(&fault))?;
                connection.deliver(batch).await.map_err(|fault| untaken(&fault))
            }
        }
    }
}

/// Opens a file, or makes it, and cuts off what a crash left of a line.
fn begin(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).append(true).create(true).mode(0o640).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut end = metadata.len();
    while end > 0 {
        let start = end.saturating_sub(PIECE_BYTES);
        let mut piece = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut piece, start)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < metadata.len() {
        file.set_len(end)?;
    }
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(file)
}

fn client(server: &str, arguments: &Destined) -> Result<Client, Diagnostics> {
    let wrong = |why: &dyn Error| {
        let message = format!("the server `tls://{}` cannot be used: {}", plain(server), diagnostic::with_causes(why));
        Diagnostic::without_file("unusable", message)
            .help("write `--to tls://HOST:PORT`, and name the file of its authorities with `--ca`")
    };
    let split = server.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let Some((host, port)) = split.filter(|(host, port)| !host.is_empty() && *port > 0) else {
        return Err(wrong(&io::Error::other("it has no port")).into());
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let Some(ca) = &arguments.ca else {
        return Err(wrong(&io::Error::other("nobody is named who vouches for it")).into());
    };
    let roots = crypto::read_certificates(ca).map_err(|fault| wrong(&fault))?;
    let identity = match (&arguments.certificate, &arguments.key) {
        (Some(certificate), Some(key)) => Some(TlsIdentity::read(certificate, key).map_err(|fault| wrong(&fault))?),
        (None, _) | (_, None) => None,
    };
    let clock = Arc::new(SystemClock::new());
    let outward = Outward::speaking(&[], identity.as_ref(), roots, Vec::new(), clock.clone());
    let place = Place {
        host: host.into(),
        port,
        server_name: host.into(),
        connect_timeout: CONNECT_TIMEOUT,
        exchange_timeout: BATCH_TIMEOUT,
        answer_max_bytes: 0,
        clock,
    };
    let outward = Arc::new(outward.map_err(|fault| wrong(&fault))?);
    Ok(Client::to(place, outward).map_err(|fault| wrong(&fault))?)
}

fn unusable(path: &Path, error: &io::Error) -> Diagnostic {
    let path = plain(&path.display().to_string());
    Diagnostic::without_file("unusable", format!("`{path}` does not take the export: {error}"))
        .help("what it has not taken is not lost: the next run with the same `--cursor` sends it again")
}

fn untaken(fault: &dyn Error) -> Diagnostic {
    Diagnostic::without_file(
        "not-taken",
        format!("the server did not take a batch: {}", diagnostic::with_causes(fault)),
    )
    .help("what it has not taken is not lost: it is sent again, with `--follow` at once, else by the next run")
}
