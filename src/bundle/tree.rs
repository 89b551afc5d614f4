//! The files of a bundle: which there may be, read once, and the digest over all of them.
//!
//! The digest is SHA-256 over one line per file, `<sha256 in hexadecimal>  <path>`, sorted by path: what
//! `sha256sum` prints. So anybody can compute it without us, in the bundle's folder:
//!
//! ```text
//! find * -type f -not -path 'approvals/*' | LC_ALL=C sort | xargs sha256sum | sha256sum
//! ```

use crate::crypto::sha256;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use crate::model::Sha256;
use crate::secret::writable_by_all;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

/// The largest file of a bundle, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// The most files of a bundle.
const MAX_FILES: usize = 4_096;
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
}

impl Tree {
    /// Reads every file below `root`. Faults go to `faults`; what can be read is in the tree all the same.
    pub(super) fn read(root: &Path, faults: &mut Diagnostics) -> Self {
        let mut tree = Self { files: BTreeMap::new() };
        tree.folder(root, "", faults);
        for (path, what) in [(SCHEMA, "the schema of the policies"), (REQUIREMENTS, "what the configuration must keep")]
        {
            if !tree.files.contains_key(path) {
                let help = "docs/bundle.md says what a bundle holds; `policies/` of the sources is a whole one";
                faults.push(fault("missing-file", root, path, &format!("is missing: {what}")).help(help));
            }
        }
        for (role, ending) in [(Role::Contract, "contracts/*.openapi.yaml"), (Role::Policy, "cedar/*.cedar")] {
            if tree.of(role).next().is_none() {
                let help = "docs/bundle.md says what a bundle holds; `policies/` of the sources is a whole one";
                faults.push(fault("missing-file", root, ending, "is missing: there must be at least one").help(help));
            }
        }
        tree
    }

    /// The digest over all files.
    pub(super) fn digest(&self) -> Sha256 {
        let lines: String = self.files.iter().map(|(path, (_, digest))| format!("{digest}  {path}\n")).collect();
        sha256(lines.as_bytes())
    }

    /// The files of one role, in the order of their paths, each with its name in its folder.
    pub(super) fn of(&self, role: Role) -> impl Iterator<Item = (&str, &Source)> {
        let with_role = self.files.iter().filter(move |(path, _)| role_of(path) == Some(role));
        with_role.map(|(path, (source, _))| (path.rsplit('/').next().unwrap_or_default(), source))
    }

    fn folder(&mut self, root: &Path, within: &str, faults: &mut Diagnostics) {
        let entries = match fs::read_dir(root.join(within)) {
            Ok(entries) => entries,
            Err(error) => {
                return faults.push(fault("unreadable-folder", root, within, &format!("cannot be read: {error}")));
            }
        };
        let mut names = Vec::new();
        for entry in entries {
            match entry.map(|entry| entry.file_name().into_string()) {
                Ok(Ok(name)) => names.push(name),
                Ok(Err(_)) => faults.push(fault("unknown-file", root, within, "holds a file whose name is not UTF-8")),
                Err(error) => {
                    faults.push(fault("unreadable-folder", root, within, &format!("cannot be read: {error}")));
                }
            }
        }
        names.sort_unstable();
        for name in names {
            let path = if within.is_empty() { name } else { format!("{within}/{name}") };
            self.entry(root, path, faults);
        }
    }

    fn entry(&mut self, root: &Path, path: String, faults: &mut Diagnostics) {
        // Not followed: a link would let the bundle change without anything in its folder changing.
        let kind = match fs::symlink_metadata(root.join(&path)) {
            Ok(metadata) => {
                // A link's own mode says nothing, and links have no place here anyway.
                if let Some(mode) = writable_by_all(&metadata).filter(|_| !metadata.is_symlink()) {
                    let message = format!("may be written by everybody (mode {mode:04o})");
                    let help = format!("chmod o-w {}", root.join(&path).display());
                    faults.push(fault("world-writable", root, &path, &message).help(help));
                }
                metadata.file_type()
            }
            Err(error) => {
                return faults.push(fault("unreadable-file", root, &path, &format!("cannot be read: {error}")));
            }
        };
        if path == APPROVALS && kind.is_dir() {
            return;
        }
        if kind.is_dir() && matches!(path.as_str(), "contracts" | "cedar" | "tests") {
            return self.folder(root, &path, faults);
        }
        if !kind.is_file() || role_of(&path).is_none() {
            return faults.push(unknown(root, &path));
        }
        if self.files.len() >= MAX_FILES {
            return faults.push(fault("too-many-files", root, &path, "is one file more than a bundle holds (4096)"));
        }
        match read(&root.join(&path)) {
            Ok((source, digest)) => {
                self.files.insert(path, (source, digest));
            }
            Err(message) => faults.push(fault("unreadable-file", root, &path, &message)),
        }
    }
}

/// What the file at this path within the bundle is; `None` where no file has its place.
fn role_of(path: &str) -> Option<Role> {
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
        Some(_) => None,
    }
}

fn read(path: &Path) -> Result<(Source, Sha256), String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("is larger than 4 MiB".to_owned());
    }
    let digest = sha256(&bytes);
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    Ok((Source::new(path, text), digest))
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

/// A fault of a file as a whole.
fn fault(code: &'static str, root: &Path, path: &str, message: &str) -> Diagnostic {
    let source = Source::new(root.join(path), "");
    let name = if path.is_empty() { root.display().to_string() } else { path.to_owned() };
    source.fault(code, Place::WHOLE, format!("`{name}` {message}"))
}
