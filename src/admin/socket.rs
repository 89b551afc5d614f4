//! The admin socket: a Unix socket that takes orders from those who run the gateway, and from nobody else.
//!
//! Invariants: from the moment the path exists, its mode is what it stays; a peer whose uid is nobody's who is heard is closed
//! before a byte of it is read (also root's: it can become any user); an order that was read whole is carried out, and
//! its answer tried, whether or not the peer stays. One order for each connection.
//!
//! A socket file that nobody listens on is what a killed gateway leaves; it is replaced. Anything else at the path is
//! left alone and refused. Looking and binding happen under a lock on the directory, so that of two gateways that
//! start at once one is told of the other.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::SocketAddrUnix;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use crate::admin::answer::SocketAnswer;
use crate::admin::line::LINE_MAX_BYTES;
use crate::admin::line::LineFault;
use crate::admin::line::parse_act;
use crate::admin::persons::Persons;
use crate::admin::reading::ReadFault;
use crate::admin::reading::read_message;
use crate::diagnostic::Diagnostic;
use crate::model::Actor;
use crate::pipeline::Act;
use crate::pipeline::ActReply;
use crate::tasks::Tasks;

/// Connections at a time; one past it is closed at once.
const CONNECTIONS_MAX: usize = 16;
/// For a whole order to come, and again for its answer to be taken; one past it, the connection is closed.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after an accept that failed, which is mostly for want of file descriptors: trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The directory beside the path in which the socket is made: closed to others, so that no one meets it half made.
const WORKSHOP: &str = ".portcullis-new";

/// What carries out an order.
pub trait Acts: Send + Sync + 'static {
    /// Does what `by` orders, and returns when that is effective and on record, or has failed. Ends within bounds of its
    /// own.
    fn act(&self, act: Act, by: Actor) -> impl Future<Output = ActReply> + Send;
}

/// The bound socket; its file goes when it is dropped.
pub struct AdminSocket {
    listener: UnixListener,
    /// Those who are listened to.
    persons: Arc<Persons>,
    file: SocketFile,
}

/// The socket's place in the file system.
struct SocketFile {
    path: PathBuf,
    /// Device and inode, by which we know our own.
    identity: (u64, u64),
}

impl AdminSocket {
    /// Binds the socket at `path`, for its owner alone or for those who are named.
    ///
    /// # Errors
    /// `address-in-use` if something listens there; `admin-socket-path` if something else lies there, or it cannot be
    /// made; `unsafe-directory` if others may exchange what lies in its directory.
    pub fn bind(path: &Path, persons: Persons) -> Result<Self, Diagnostic> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let _lock = lock(directory)?;
        clear(path)?;
        let (listener, file) = make(directory, path, persons.mode()).map_err(|error| {
            fault(format!("cannot make the admin socket `{}`: {error}", path.display()))
                .help("its directory must be writable for the gateway's user, and its path shorter than 90 bytes")
        })?;
        Ok(Self { listener, persons: Arc::new(persons), file })
    }

    /// Where it is bound.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Serves until the future is dropped. Orders being carried out are counted in `acts`, so that going down waits for
    /// them and their answers; a connection that has not sent its order is not.
    ///
    /// # Errors
    /// Only at the start, when the runtime cannot take the listener.
    pub async fn serve(self, door: Arc<impl Acts>, acts: Tasks) -> io::Result<Infallible> {
        let Self { listener, persons, file: _file } = self;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        let connections = Tasks::new();
        loop {
            match listener.accept().await {
                Ok((stream, _)) if connections.running() < CONNECTIONS_MAX => {
                    let (persons, door) = (Arc::clone(&persons), Arc::clone(&door));
                    drop(connections.spawn(connection(stream, persons, door, acts.clone())));
                }
                Ok((surplus, _)) => drop(surplus),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another gateway may have taken the path since; its socket is not ours to remove.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// One order and its answer.
async fn connection(mut stream: UnixStream, persons: Arc<Persons>, door: Arc<impl Acts>, acts: Tasks) {
    let Ok(peer) = stream.peer_cred() else { return };
    let Some(by) = persons.who(peer.uid()).cloned() else {
        return tracing::warn!(uid = peer.uid(), "a peer of another uid was refused at the admin socket");
    };
    let Ok(line) = tokio::time::timeout(LINE_TIMEOUT, read_message(&mut stream, b"\n", LINE_MAX_BYTES)).await else {
        return;
    };
    let order = match line {
        Ok(line) => parse_act(&line),
        Err(ReadFault::BrokeOff) => return,
        Err(ReadFault::TooLong) => Err(LineFault::TooLong),
        Err(ReadFault::SomethingFollows) => Err(LineFault::Malformed),
    };
    match order {
        Ok(act) => drop(acts.spawn(async move {
            let reply = door.act(act, by).await;
            answer(stream, &SocketAnswer::to(reply)).await;
        })),
        Err(fault) => answer(stream, &SocketAnswer::to_fault(fault)).await,
    }
}

/// Writes an answer. Whether it was taken changes nothing: what it tells is on record.
async fn answer(mut stream: UnixStream, answer: &SocketAnswer) {
    let _ = tokio::time::timeout(LINE_TIMEOUT, stream.write_all(&answer.to_line())).await;
}

/// Opens `directory` and locks it until the file is dropped.
fn lock(directory: &Path) -> Result<fs::File, Diagnostic> {
    let opened = fs::File::open(directory).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    let (file, metadata) = opened.map_err(|error| {
        fault(format!("cannot open the directory `{}` of the admin socket: {error}", directory.display()))
            .help("make it, closed to others: `install -d -m 0700`, or `RuntimeDirectory=` in a systemd unit")
    })?;
    let mode = metadata.mode();
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        let message = format!(
            "others may exchange the admin socket: its directory `{}` has mode {:04o}",
            directory.display(),
            mode & 0o7777
        );
        return Err(Diagnostic::without_file("unsafe-directory", message).help("take the right to write from others"));
    }
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => {
            let message =
                format!("another gateway is starting at the admin socket's directory `{}`", directory.display());
            Err(Diagnostic::without_file("address-in-use", message).help("give each gateway a socket of its own"))
        }
        Err(error) => Err(fault(format!("cannot lock the directory `{}`: {error}", directory.display()))),
    }
}

/// Removes a socket at `path` that nobody listens on; refuses whatever else lies there.
fn clear(path: &Path) -> Result<(), Diagnostic> {
    let shown = path.display();
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fault(format!("cannot look at the admin socket's path `{shown}`: {error}"))),
    };
    if !found.file_type().is_socket() {
        return Err(fault(format!("at the admin socket's path `{shown}` lies something that is not a socket"))
            .help("name another path, or remove what lies there"));
    }
    match listens(path) {
        Ok(false) => fs::remove_file(path)
            .map_err(|error| fault(format!("cannot remove the stale admin socket `{shown}`: {error}"))),
        Ok(true) => Err(Diagnostic::without_file("address-in-use", format!("the admin socket `{shown}` is in use"))
            .help("another gateway runs with it: stop that one, or name another path")),
        Err(error) => Err(fault(format!("cannot tell whether the admin socket `{shown}` is in use: {error}"))),
    }
}

/// Whether somebody listens at `path`. Does not wait: a queue that is full has an owner.
fn listens(path: &Path) -> Result<bool, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the socket behind closed doors, and moves it to `path` when nothing about it will change any more.
fn make(directory: &Path, path: &Path, mode: u32) -> io::Result<(UnixListener, SocketFile)> {
    let workshop = directory.join(WORKSHOP);
    let unfinished = workshop.join("s");
    // What a gateway left that was killed in here; were it anything else, making it would fail.
    let _ = fs::remove_file(&unfinished);
    let _ = fs::remove_dir(&workshop);
    fs::DirBuilder::new().mode(0o700).create(&workshop)?;
    let made = (|| {
        let listener = UnixListener::bind(&unfinished)?;
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(mode))?;
        let metadata = fs::symlink_metadata(&unfinished)?;
        fs::rename(&unfinished, path)?;
        Ok((listener, SocketFile { path: path.to_owned(), identity: (metadata.dev(), metadata.ino()) }))
    })();
    let _ = fs::remove_file(&unfinished);
    let _ = fs::remove_dir(&workshop);
    made
}

fn fault(message: String) -> Diagnostic {
    Diagnostic::without_file("admin-socket-path", message)
}

#[cfg(test)]
mod tests;
