//! The files of a bundle: which there may be, read once, and the digest over all of them.
//!
//! The digest is SHA-256 over one line per file, `<sha256 in hexadecimal>  <path>`, sorted by path: what
//! `sha256sum` prints. So anybody can compute it without us, in the bundle's folder:
//!
//! ```text
//! find * -type f -not -path 'approvals/*' | LC_ALL=C sort | xargs sha256sum | sha256sum
//! ```
//!
//! Statements and their signatures under `approvals/` are read in the same pass, and are no part of the digest. Each file is
//! opened once, beside the handle of its folder and through no link (`folder.rs`): the bytes that are digested are those that
//! are compiled, and those that a signature is held against.

use crate::bundle::folder::Folder;
use crate::bundle::folder::Kind;
use crate::bundle::folder::ReadFault;
use crate::crypto::sha256;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::model::Sha256;
use std::collections::BTreeMap;
use std::path::Path;

/// The largest file of a bundle, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// The most files of a bundle.
pub(super) const MAX_FILES: usize = 4_096;
/// The most bytes of all files of a bundle together; also bounds what the operator's socket tells of it.
const MAX_BUNDLE_BYTES: u64 = 32 * 1024 * 1024;
/// The largest statement or signature, in bytes; a signature has less than a tenth of it.
const MAX_APPROVAL_BYTES: u64 = 16 * 1024;
/// The most statements and signatures beside a bundle.
const MAX_APPROVALS: usize = 256;
/// Approvals sign the bundle, so they are not part of it.
const APPROVALS: &str = "approvals";
/// What contracts end in.
pub(super) const CONTRACT_ENDING: &str = ".openapi.yaml";
/// The schema of the policies.
pub(super) const SCHEMA: &str = "cedar/schema.cedarschema";
/// What stands in what, as far as no live data tells it.
const CONSTANTS: &str = "cedar/constants.json";
/// What the configuration may not undercut.
pub(super) const REQUIREMENTS: &str = "requirements.yaml";

/// All files of a bundle by their path within it, in the order of these paths as bytes, each with its digest.
pub(super) struct Tree {
    files: BTreeMap<String, (Source, Sha256)>,
    /// Statements and signatures by their names under `approvals/`.
    approvals: BTreeMap<String, Vec<u8>>,
    bytes: u64,
}

/// What a file is, by its path within the bundle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Contract,
    Schema,
    Constants,
    Policy,
    Requirements,
    Test,
    /// A statement about the bundle, or its signature.
    Approval,
}

impl Tree {
    /// Reads every file below `root`. Faults go to `faults`; what can be read is in the tree all the same.
    pub(super) fn read(root: &Path, faults: &mut Diagnostics) -> Self {
        let mut tree = Self::empty();
        match Folder::open(root) {
            Ok(folder) => tree.folder(root, &folder, "", faults),
            Err(error) => faults.push(unread(root, "", &error, "unreadable-folder")),
        }
        tree.whole(root, faults);
        tree
    }

    /// The same of files that are in memory already, by their paths within a bundle; `root` is what diagnostics call it.
    pub(super) fn of(
        root: &Path,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        faults: &mut Diagnostics,
    ) -> Self {
        let mut tree = Self::empty();
        for (path, bytes) in files {
            match role_of(&path) {
                Some(role) => {
                    if tree.has_room(root, &path, role, faults) && tree.fits(root, &path, role, &bytes, faults) {
                        tree.add(root, path, role, bytes, faults);
                    }
                }
                None => faults.push(unknown(root, &path)),
            }
        }
        tree.whole(root, faults);
        tree
    }

    const fn empty() -> Self {
        Self { files: BTreeMap::new(), approvals: BTreeMap::new(), bytes: 0 }
    }

    /// The digest over all files.
    pub(super) fn digest(&self) -> Sha256 {
        let lines: String = self.files.iter().map(|(path, (_, digest))| format!("{digest}  {path}\n")).collect();
        sha256(lines.as_bytes())
    }

    /// The files of one role, in the order of their paths, each with its name in its folder.
    pub(super) fn of_role(&self, role: Role) -> impl Iterator<Item = (&str, &Source)> {
        let with_role = self.files.iter().filter(move |(path, _)| role_of(path) == Some(role));
        with_role.map(|(path, (source, _))| (path.rsplit('/').next().unwrap_or_default(), source))
    }

    /// All files by their paths, and the approvals by their names: what the bundle keeps of them.
    pub(super) fn into_parts(self) -> (BTreeMap<String, Source>, BTreeMap<String, Vec<u8>>) {
        (self.files.into_iter().map(|(path, (source, _))| (path, source)).collect(), self.approvals)
    }

    /// Reports what a bundle cannot do without.
    fn whole(&self, root: &Path, faults: &mut Diagnostics) {
        let help = "docs/bundle.md says what a bundle holds; `policies/` of the sources is a whole one";
        for (path, what) in [(SCHEMA, "the schema of the policies"), (REQUIREMENTS, "what the configuration must keep")]
        {
            if !self.files.contains_key(path) {
                faults.push(fault("missing-file", root, path, &format!("is missing: {what}")).help(help));
            }
        }
        for (role, ending) in [(Role::Contract, "contracts/*.openapi.yaml"), (Role::Policy, "cedar/*.cedar")] {
            if self.of_role(role).next().is_none() {
                faults.push(fault("missing-file", root, ending, "is missing: there must be at least one").help(help));
            }
        }
    }

    fn folder(&mut self, root: &Path, folder: &Folder, within: &str, faults: &mut Diagnostics) {
        let names = match folder.names(MAX_FILES) {
            Ok(names) => names,
            Err(error) => return faults.push(unread(root, within, &error, "unreadable-folder")),
        };
        if names.len() > MAX_FILES {
            return faults.push(fault("too-many-files", root, within, "holds more than a bundle does (4096 files)"));
        }
        for name in names {
            let Ok(name) = name else {
                faults.push(fault("unknown-file", root, within, "holds a file whose name is not UTF-8"));
                continue;
            };
            let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
            self.entry(root, folder, &name, path, faults);
        }
    }

    fn entry(&mut self, root: &Path, folder: &Folder, name: &str, path: String, faults: &mut Diagnostics) {
        let found = match folder.look(name) {
            Ok(found) => found,
            Err(error) => return faults.push(unread(root, &path, &error, "unreadable-file")),
        };
        match (found.kind, role_of(&path)) {
            (Kind::Folder, None) if matches!(path.as_str(), "contracts" | "cedar" | "tests" | APPROVALS) => {
                match folder.enter(name, found) {
                    Ok(inner) => self.folder(root, &inner, &path, faults),
                    Err(error) => faults.push(unread(root, &path, &error, "unreadable-folder")),
                }
            }
            (Kind::File, Some(role)) => {
                if !self.has_room(root, &path, role, faults) {
                    return;
                }
                match folder.read(name, found, largest(role)) {
                    Ok(bytes) => self.add(root, path, role, bytes, faults),
                    Err(error) => faults.push(unread(root, &path, &error, "unreadable-file")),
                }
            }
            (Kind::Link, _) => faults.push(link(root, &path)),
            (Kind::Special, _) => {
                let help = "a bundle holds regular files: nothing is read from a FIFO, a socket or a device";
                faults.push(fault("not-a-file", root, &path, "is no regular file").help(help));
            }
            (Kind::File | Kind::Folder, _) => faults.push(unknown(root, &path)),
        }
    }

    /// Whether there may be one more of this role.
    fn has_room(&self, root: &Path, path: &str, role: Role, faults: &mut Diagnostics) -> bool {
        let (there, most) = match role {
            Role::Approval => (self.approvals.len(), MAX_APPROVALS),
            _ => (self.files.len(), MAX_FILES),
        };
        if there >= most {
            let message = format!("is one file more than a bundle holds ({most})");
            faults.push(fault("too-many-files", root, path, &message));
        }
        there < most
    }

    /// Whether a file that is in memory already is not too large.
    fn fits(&self, root: &Path, path: &str, role: Role, bytes: &[u8], faults: &mut Diagnostics) -> bool {
        let fits = bytes.len() as u64 <= largest(role);
        if !fits {
            faults.push(unread(root, path, &ReadFault::TooLarge, "unreadable-file"));
        }
        fits
    }

    fn add(&mut self, root: &Path, path: String, role: Role, bytes: Vec<u8>, faults: &mut Diagnostics) {
        if role == Role::Approval {
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            self.approvals.insert(name, bytes);
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > MAX_BUNDLE_BYTES {
            return faults.push(fault("too-large", root, &path, "makes the bundle larger than 32 MiB"));
        }
        let digest = sha256(&bytes);
        match String::from_utf8(bytes) {
            Ok(text) => {
                let source = Source::new(root.join(&path), text);
                self.files.insert(path, (source, digest));
            }
            Err(_) => {
                let fault = fault("unreadable-file", root, &path, "is not UTF-8");
                faults.push(fault.help("save it as UTF-8"));
            }
        }
    }
}

/// The largest file of a role, in bytes.
const fn largest(role: Role) -> u64 {
    match role {
        Role::Approval => MAX_APPROVAL_BYTES,
        Role::Contract | Role::Schema | Role::Constants | Role::Policy | Role::Requirements | Role::Test => {
            MAX_FILE_BYTES
        }
    }
}

/// What the file at this path within the bundle is; `None` where no file has its place.
pub(super) fn role_of(path: &str) -> Option<Role> {
    let plain = |name: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !name.is_empty() && !name.starts_with(['.', '-']) && name.bytes().all(inner)
    };
    let named = |name: &str, ending| name.strip_suffix(ending).is_some_and(plain);
    match path.split_once('/') {
        None => (path == REQUIREMENTS).then_some(Role::Requirements),
        Some(("cedar", "schema.cedarschema")) => Some(Role::Schema),
        Some(("cedar", "constants.json")) => Some(Role::Constants),
        Some(("cedar", name)) => named(name, ".cedar").then_some(Role::Policy),
        Some(("contracts", name)) => named(name, CONTRACT_ENDING).then_some(Role::Contract),
        Some(("tests", name)) => named(name, ".yaml").then_some(Role::Test),
        Some((APPROVALS, name)) => (named(name, ".json") || named(name, ".sig")).then_some(Role::Approval),
        Some(_) => None,
    }
}

fn unknown(root: &Path, path: &str) -> Diagnostic {
    let known = [REQUIREMENTS, SCHEMA, CONSTANTS, "contracts", "cedar", "tests", APPROVALS];
    let help = match nearest(path, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a bundle holds `requirements.yaml`, `contracts/<partner>.openapi.yaml`, `cedar/schema.cedarschema`, \
                 `cedar/constants.json`, `cedar/*.cedar`, `tests/*.yaml` and `approvals/`, and no links"
            .to_owned(),
    };
    fault("unknown-file", root, path, "has no place in a bundle").help(help)
}

fn link(root: &Path, path: &str) -> Diagnostic {
    // A folder into which Kubernetes puts a volume is itself nothing but links to the one that it exchanges.
    let help = match root.join("..data").is_dir() {
        true => format!("this is a volume of Kubernetes: name the folder `{}`", root.join("..data").display()),
        false => "files and folders of a bundle are no links, so that it is what it was approved as; the bundle's own \
                  folder may be one"
            .to_owned(),
    };
    fault("link", root, path, "is a link").help(help)
}

/// Something that could not be read.
fn unread(root: &Path, path: &str, error: &ReadFault, code: &'static str) -> Diagnostic {
    match error {
        ReadFault::Io(_) => fault(code, root, path, &error.to_string()),
        ReadFault::Exchanged => fault("exchanged-file", root, path, &error.to_string())
            .help("write a bundle elsewhere and move it into its place as a whole"),
        ReadFault::WorldWritable(_) => {
            let help = format!("chmod o-w {}", root.join(path).display());
            fault("world-writable", root, path, &error.to_string()).help(help)
        }
        ReadFault::TooLarge => {
            let most = role_of(path).map_or(MAX_FILE_BYTES, largest) / 1024;
            fault(code, root, path, &format!("is larger than {most} KiB"))
        }
    }
}

/// A fault of a file as a whole.
fn fault(code: &'static str, root: &Path, path: &str, message: &str) -> Diagnostic {
    let source = Source::new(root.join(path), "");
    let name = if path.is_empty() { root.display().to_string() } else { path.to_owned() };
    source.fault(code, Place::WHOLE, format!("`{name}` {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes of what is wrong with these files, beside that they make no whole bundle.
    fn faults(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<&'static str> {
        let mut faults = Diagnostics::new();
        let _ = Tree::of(Path::new("bundle"), files, &mut faults);
        faults.iter().map(|fault| fault.code).filter(|code| *code != "missing-file").collect()
    }

    fn numbered(count: usize, path: fn(usize) -> String, bytes: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
        (0..count).map(move |number| (path(number), vec![b' '; bytes]))
    }

    #[test]
    fn a_bundle_has_its_limits_and_not_one_past_them() {
        let test: fn(usize) -> String = |number| format!("tests/{number}.yaml");
        let approval: fn(usize) -> String = |number| format!("approvals/{number}.json");
        assert_eq!(faults(numbered(4_096, test, 0)), [""; 0]);
        assert_eq!(faults(numbered(4_097, test, 0)), ["too-many-files"]);
        assert_eq!(faults(numbered(1, test, 4 * 1024 * 1024)), [""; 0]);
        assert_eq!(faults(numbered(1, test, 4 * 1024 * 1024 + 1)), ["unreadable-file"]);
        assert_eq!(faults(numbered(8, test, 4 * 1024 * 1024)), [""; 0]);
        let more = [("tests/x.yaml".to_owned(), vec![b' '])];
        assert_eq!(faults(numbered(8, test, 4 * 1024 * 1024).chain(more)), ["too-large"]);
        assert_eq!(faults(numbered(256, approval, 16 * 1024)), [""; 0]);
        assert_eq!(faults(numbered(257, approval, 0)), ["too-many-files"]);
    }
}
