//! Whether anything in a bundle's folder has changed, told without reading a file: one digest over what stands there, with
//! identities, sizes and times. It says nothing about the bundle; whoever sees another one reads it.

use crate::bundle::folder::Folder;
use crate::bundle::folder::Kind;
use crate::bundle::folder::ReadFault;
use crate::bundle::tree::MAX_FILES;
use crate::crypto::sha256;
use crate::model::Sha256;
use std::fmt::Write;
use std::path::Path;

/// What a look at the folder of a bundle finds, as a digest that is another one once anything there was written, renamed or
/// exchanged. Of a folder that cannot be looked at it is the digest of that.
#[must_use]
pub fn traces(root: &Path) -> Sha256 {
    let mut found = String::new();
    let looked = Folder::open(root).and_then(|folder| look(&folder, true, &mut found));
    if let Err(fault) = looked {
        // It cannot fail: a `String` takes everything.
        let _ = write!(found, "{fault}");
    }
    sha256(found.as_bytes())
}

/// One folder, and those in the first one: deeper nothing has a place.
fn look(folder: &Folder, deeper: bool, found: &mut String) -> Result<(), ReadFault> {
    let _ = writeln!(found, "{:?}", folder.identity()?);
    for name in folder.names(MAX_FILES)?.into_iter().flatten() {
        let one = folder.look(&name)?;
        let _ = writeln!(found, "{name:?} {}", one.trace());
        if deeper && one.kind == Kind::Folder {
            look(&folder.enter(&name, one)?, false, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn whatever_changes_leaves_a_trace_and_a_look_leaves_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("one")).unwrap();
        symlink("one", path("now")).unwrap();
        let mut seen = vec![traces(&path("now"))];
        let mut changed = |what: &str| {
            let now = traces(&path("now"));
            assert_eq!(now, traces(&path("now")), "a look changes nothing");
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
        };
        fs::create_dir(path("one/cedar")).unwrap();
        changed("a folder");
        fs::write(path("one/cedar/a.cedar"), "permit").unwrap();
        changed("a file in a folder");
        fs::write(path("one/cedar/a.cedar"), "forbid").unwrap();
        changed("the same size");
        fs::write(path("one/cedar/b"), "forbid").unwrap();
        fs::rename(path("one/cedar/b"), path("one/cedar/a.cedar")).unwrap();
        changed("another file of the same content");
        fs::rename(path("one/cedar/a.cedar"), path("one/cedar/c.cedar")).unwrap();
        changed("another name");
        fs::create_dir(path("two")).unwrap();
        fs::remove_file(path("now")).unwrap();
        symlink("two", path("now")).unwrap();
        changed("the folder behind the link");
        fs::remove_file(path("now")).unwrap();
        changed("no folder");
    }
}
