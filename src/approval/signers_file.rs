//! The list of signers as a file: read once, and only from where the service cannot put another one in its place.
//!
//! Whoever can write the list can sign anything. So the file and every folder on the way to it belong to root or to somebody
//! else than the service, nobody but the owner may write them, the file is no link, and it lies outside the bundle. In
//! development, where the same person plays everything, what the service may write is taken, and said to be softer.
//!
//! Signatures under a new list lie beside it, one for each role: `<list>.infosec.sig` and so on.

use crate::crypto::SshSignature;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::SigningRole;
use rustix::fs::AtFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

/// The largest list, in bytes.
const MAX_LIST_BYTES: u64 = 256 * 1024;
/// The largest signature under a list, in bytes.
const MAX_SIGNATURE_BYTES: u64 = 4 * 1024;
/// Anybody may make files in such a folder, and only their owners may take them away.
const STICKY: u32 = 0o1000;

/// A list that was read, of which nothing is believed yet.
#[derive(Clone, Debug)]
pub struct SignersFile {
    /// Its path and text.
    pub source: Source,
    /// The signatures under it, by the role that they are to be of; nothing of them is verified.
    pub(super) signatures: Vec<(SigningRole, Source, SshSignature)>,
    /// Why the service could put another list in its place; only where that is taken.
    pub softer: Option<String>,
}

/// Who asks, and how strictly.
#[derive(Clone, Copy, Debug)]
pub struct Owners {
    /// The user whom the service is, who must not be able to write the list; `None`: not known here.
    pub service: Option<u32>,
    /// Takes a list that the service may write.
    pub lenient: bool,
}

impl SignersFile {
    /// Reads the list at `path` and the signatures beside it; `bundle` is the folder that it must lie outside of.
    ///
    /// # Errors
    /// All that is wrong with where it lies and whose it is.
    pub fn read(path: &Path, bundle: &Path, owners: Owners) -> Result<Self, Diagnostics> {
        let (file, found) = open(path)?;
        let mut faults = Diagnostics::new();
        if lies_within(path, bundle) {
            let help = "whoever writes the bundle could name himself: keep the list elsewhere, for instance in `/etc`";
            faults.push(fault("signers-in-bundle", path, "it lies in the bundle").help(help));
        }
        let mut softer = None;
        if let Err(fault) = nobody_elses(path, &found, owners.service) {
            if owners.lenient {
                softer = Some(fault.message);
            } else {
                faults.push(fault);
            }
        }
        let text = whole(file, MAX_LIST_BYTES).map_err(|error| unreadable(path, &error))?;
        let text = String::from_utf8(text).map_err(|_| fault("signers-unreadable", path, "it is not UTF-8"))?;
        let mut signatures = Vec::new();
        for role in SigningRole::ALL {
            match signature(&beside(path, role)) {
                Ok(Some((source, signature))) => signatures.push((role, source, signature)),
                Ok(None) => {}
                Err(fault) => faults.push(fault),
            }
        }
        faults.or_fail(Self { source: Source::new(path, text), signatures, softer })
    }
}

/// Where the signature of a role under a list lies.
fn beside(path: &Path, role: SigningRole) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.sig", role.word()));
    PathBuf::from(name)
}

fn signature(path: &Path) -> Result<Option<(Source, SshSignature)>, Diagnostic> {
    if matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let (file, _) = open(path)?;
    let bytes = whole(file, MAX_SIGNATURE_BYTES).map_err(|error| unreadable(path, &error))?;
    let signature = SshSignature::parse(&bytes).map_err(|error| {
        let help = "take the file as `ssh-keygen -Y sign` wrote it, to the byte";
        fault("signature-form", path, &format!("this is no good signature: {error}")).help(help)
    })?;
    Ok(Some((Source::new(path, ""), signature)))
}

/// Opens a regular file, and no link to one; what was looked at is what is read.
fn open(path: &Path) -> Result<(File, fs::Metadata), Diagnostic> {
    let help = "name the file itself, which is no link and no pipe";
    // A pipe in its place would hold up whoever opens it.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::LOOP) => return Err(fault("signers-link", path, "it is a link").help(help)),
        Err(errno) => return Err(unreadable(path, &errno.into())),
    };
    let found = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !found.is_file() {
        return Err(fault("signers-link", path, "it is not a regular file").help(help));
    }
    Ok((file, found))
}

fn whole(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= most);
    if fits { Ok(bytes) } else { Err(io::Error::other(format!("it is larger than {most} bytes"))) }
}

fn lies_within(path: &Path, bundle: &Path) -> bool {
    match (fs::canonicalize(path), fs::canonicalize(bundle)) {
        (Ok(path), Ok(bundle)) => path.starts_with(bundle),
        // What cannot be resolved is told by whoever reads it.
        _ => false,
    }
}

/// Whether nobody but an owner who is not the service can write the file, or exchange it.
fn nobody_elses(path: &Path, found: &fs::Metadata, service: Option<u32>) -> Result<(), Diagnostic> {
    let help = "`chown root:root` and `chmod 0644` the file, `chmod 0755` its folders, and run the service as a user of \
                its own";
    let says = |what: String| fault("signers-writable", path, &what).help(help);
    if service == Some(0) {
        return Err(says("the service runs as root, who may write it".to_owned()));
    }
    let of_file = Owned { owner: found.uid(), mode: found.mode() };
    if let Some(why) = of_file.writable_by(service, false) {
        return Err(says(format!("it {why}")));
    }
    let real = fs::canonicalize(path).map_err(|error| unreadable(path, &error))?;
    for folder in real.ancestors().skip(1) {
        let found = fs::metadata(folder).map_err(|error| unreadable(folder, &error))?;
        let of_folder = Owned { owner: found.uid(), mode: found.mode() };
        if let Some(why) = of_folder.writable_by(service, true) {
            return Err(says(format!("its folder `{}` {why}", folder.display())));
        }
    }
    // What modes do not tell: access control lists, and groups.
    let asks_for_itself = service == Some(rustix::process::geteuid().as_raw());
    let may = || rustix::fs::accessat(rustix::fs::CWD, &real, rustix::fs::Access::WRITE_OK, AtFlags::EACCESS);
    if asks_for_itself && may().is_ok() {
        return Err(says("the service may write it".to_owned()));
    }
    Ok(())
}

/// Whose something is, and who may write it.
#[derive(Clone, Copy)]
struct Owned {
    owner: u32,
    mode: u32,
}

impl Owned {
    /// Why the service, or anybody else than the owner, can write it or exchange what lies in it; `None` if nobody can.
    fn writable_by(self, service: Option<u32>, is_folder: bool) -> Option<String> {
        let mode = self.mode & 0o7777;
        // Nobody exchanges in a sticky folder what is not theirs, and the file is not theirs: that was looked at.
        let kept = is_folder && mode & STICKY != 0;
        if mode & 0o022 != 0 && !kept {
            return Some(format!("may be written by others than its owner (mode {mode:04o})"));
        }
        (service == Some(self.owner)).then(|| "belongs to the user whom the service is".to_owned())
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let help = "`policies.signers` names the list of those who sign bundles (docs/approvals.md)";
    fault("signers-unreadable", path, &format!("it cannot be read: {error}")).help(help)
}

fn fault(code: &'static str, path: &Path, message: &str) -> Diagnostic {
    Source::new(path, "").fault(code, Place::WHOLE, format!("the list of signers `{}`: {message}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_its_owners_alone_who_is_not_the_service() {
        let why = |owner, mode, service, is_folder| Owned { owner, mode }.writable_by(service, is_folder).is_some();
        let service = Some(997);
        assert!(!why(0, 0o100_644, service, false));
        assert!(!why(1000, 0o100_600, service, false), "another user's");
        assert!(why(997, 0o100_444, service, false), "its owner may change the mode");
        for mode in [0o100_664, 0o100_646, 0o100_666, 0o101_646] {
            assert!(why(0, mode, service, false), "{mode:o}");
        }
        assert!(!why(0, 0o40_755, service, true));
        assert!(why(0, 0o40_775, service, true) && why(997, 0o40_755, service, true));
        assert!(!why(0, 0o41_777, service, true), "sticky: files stay their owners'");
        assert!(why(997, 0o41_777, service, true), "whoever owns a sticky folder exchanges what lies in it");
        assert!(!why(997, 0o100_644, None, false), "whom the service is, is not known here");
    }
}
