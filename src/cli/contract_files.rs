//! The files that commands about contracts are given: by a partner's name in a bundle, or by a path. Each is read once, within
//! a bound.

use crate::cli::output::plain;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Source;
use crate::diagnostic::nearest;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What contracts end in.
const ENDING: &str = ".openapi.yaml";

/// The largest file that is read, in bytes: what a contract may have, and no more than any real description has.
pub(super) const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The contract that is named, or all of the bundle.
pub(super) fn find(named: Option<&str>, bundle: &Path) -> Result<Vec<Source>, Diagnostics> {
    let folder = bundle.join("contracts");
    let Some(named) = named else {
        let names = names(&folder)?;
        if names.is_empty() {
            let message = format!("`{}` holds no contract", plain(&folder.display().to_string()));
            return Err(Diagnostic::without_file("missing-file", message)
                .help("name another folder with `--bundle`")
                .into());
        }
        return Ok(names.iter().map(|name| read(&folder.join(format!("{name}{ENDING}")))).collect::<Result<_, _>>()?);
    };
    if named.contains(['/', '.']) || Path::new(named).is_file() {
        return Ok(vec![read(Path::new(named))?]);
    }
    let known = names(&folder)?;
    if known.iter().any(|name| name == named) {
        return Ok(vec![read(&folder.join(format!("{named}{ENDING}")))?]);
    }
    let bundle = plain(&bundle.display().to_string());
    let fault =
        Diagnostic::without_file("unknown-partner", format!("`{bundle}` has no contract with `{}`", plain(named)));
    Err(match nearest(named, known.iter().map(String::as_str)) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("it has {}", plain(&known.join(", ")))),
    }
    .into())
}

/// Reads a file of people, of at most [`MAX_FILE_BYTES`].
pub(super) fn read(path: &Path) -> Result<Source, Diagnostic> {
    let shown = plain(&path.display().to_string());
    let unreadable = |why: String| Diagnostic::without_file("unreadable-file", format!("`{shown}` {why}"));
    let file = File::open(path).map_err(|error| unreadable(format!("cannot be read: {error}")).help("name a file"))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(format!("cannot be read: {error}")).help("name a file"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable("is larger than 16 MiB".to_owned()).help("take the part that is needed"));
    }
    let text = String::from_utf8(bytes).map_err(|_| unreadable("is not UTF-8".to_owned()).help("save it as UTF-8"))?;
    Ok(Source::new(path, text))
}

/// The partners of a bundle, by the names of the files.
fn names(folder: &Path) -> Result<Vec<String>, Diagnostic> {
    let unreadable = |error: std::io::Error| {
        let message = format!("`{}` cannot be read: {error}", plain(&folder.display().to_string()));
        Diagnostic::without_file("unreadable-folder", message).help("name the folder of the bundle with `--bundle`")
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        names.extend(name.to_str().and_then(|name| name.strip_suffix(ENDING)).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}
