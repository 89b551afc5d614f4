//! Credentials: files that the supervisor hands over to this process alone, named `credential:NAME` in `gateway.yaml`.
//!
//! systemd copies what `LoadCredential=NAME:FILE` names into a folder in memory that only the service can read, and tells
//! the folder in `CREDENTIALS_DIRECTORY` (systemd.exec(5), "Credentials"). So a key may stay readable for root alone. The
//! copies are made when the service starts: what is to be exchanged while it runs is named by its own path instead.
//!
//! That the folder is not known is no fault of the file as it is written: `portcullis revoke` reads it outside of the
//! service, and needs no key. The file is then one that cannot be there, and whoever opens it is told so.

use crate::model::Name;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

/// How a credential is written.
const PREFIX: &str = "credential:";

/// Where the supervisor tells the folder.
const VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// Stands for the folder where nobody told one. Only root could make it.
const UNKNOWN: &str = "/$CREDENTIALS_DIRECTORY";

/// What a value of `gateway.yaml` names, if it is a credential.
pub(super) fn name_in(written: &str) -> Option<&str> {
    written.strip_prefix(PREFIX)
}

/// The file of a credential. A name has no `/` and does not begin with a dot, so it stays in the folder.
pub(super) fn path_of(name: &Name) -> PathBuf {
    folder(env::var_os(VARIABLE)).join(name.as_str())
}

/// Whether this is the path of a credential, and nobody told where credentials are.
pub(super) fn not_given(path: &Path) -> bool {
    path.starts_with(UNKNOWN)
}

/// The folder that was told, which must be a whole path: where a process stands says nothing.
fn folder(told: Option<OsString>) -> PathBuf {
    told.map(PathBuf::from).filter(|folder| folder.is_absolute()).unwrap_or_else(|| PathBuf::from(UNKNOWN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_credentials_is_a_whole_path_or_unknown() {
        assert_eq!(folder(Some("/run/credentials/a".into())), Path::new("/run/credentials/a"));
        for told in [None, Some(OsString::new()), Some("credentials".into()), Some("./credentials".into())] {
            assert!(not_given(&folder(told.clone()).join("store.key")), "{told:?}");
        }
        assert!(!not_given(Path::new("/run/credentials/a/store.key")));
    }

    #[test]
    fn a_credential_is_told_from_a_path_by_its_prefix() {
        assert_eq!(name_in("credential:store.key"), Some("store.key"));
        assert_eq!([name_in("credentials/store.key"), name_in("./credential:store.key")], [None, None]);
    }
}
