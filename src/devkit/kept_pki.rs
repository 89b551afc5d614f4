//! The folder of certificates and keys that the sample `gateway.yaml` names, whole or not at all.
//!
//! Authorities that know nothing of each other, because each answers another question (`certs-example/README.md`): who may
//! call the gateway, who is the gateway, whom each partner trusts, which partner calls. Their keys lie beside them, so that
//! `portcullis certs issue` can go on; which is why they are for development and marked so.

use crate::devkit::kept_authority::AuthorityFault;
use crate::devkit::kept_authority::KeptAuthority;
use crate::devkit::pki::Leaf;
use crate::devkit::pki::PkiError;
use crate::devkit::pki::Validity;
use crate::durable;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The URI of what an authority certifies, or host names of it beside those of this machine.
enum Named {
    Uri(&'static str),
    Hosts(&'static [&'static str]),
}

/// Each authority with what it certifies.
const LAYOUT: &[(&str, &[(&str, Named)])] = &[
    (
        "gateway-ca",
        &[
            (
                "gateway",
                Named::Hosts(&[
                    "gateway.prop.example",
                    "smarthome.gateway.prop.example",
                    "parkline.gateway.prop.example",
                ]),
            ),
            ("gateway-for-partners", Named::Hosts(&["smarthome.gateway.prop.example"])),
        ],
    ),
    ("backend-ca", &[("backend", Named::Uri("spiffe://prop.example/backend"))]),
    (
        "partner-ca",
        &[
            ("partner", Named::Hosts(&["api.smarthome.example"])),
            ("gateway-at-partner", Named::Uri("spiffe://prop.example/gateway")),
        ],
    ),
    (
        "parkline-ca",
        &[
            ("parkline", Named::Hosts(&["api.parkline.example"])),
            ("gateway-at-parkline", Named::Uri("spiffe://prop.example/gateway")),
        ],
    ),
    ("partner-clients-ca", &[("partner-client", Named::Uri("spiffe://smarthome.example/events"))]),
];

/// What stands in each server's certificate besides.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes `folder`, which is not there yet or empty, for its owner alone (0700), with all certificates and keys in it. Returns the
/// names of the files, in order. It is put together beside its place, in `FOLDER.new`, and appears at once. Blocks.
///
/// # Errors
/// [`AuthorityFault::Pki`]; [`io::ErrorKind::DirectoryNotEmpty`] and [`io::ErrorKind::AlreadyExists`] where something is there.
pub fn make_pki(folder: &Path, validity: Validity) -> Result<Vec<String>, AuthorityFault> {
    let new = folder.with_added_extension("new");
    let unwritten = |error: io::Error| PkiError::Write(folder.to_owned(), error);
    DirBuilder::new().mode(0o700).create(&new).map_err(unwritten)?;
    let made = fill(&new, validity).and_then(|names| {
        fs::rename(&new, folder).map_err(unwritten)?;
        Ok(names)
    });
    let Ok(names) = made else {
        let _ = fs::remove_dir_all(&new);
        return made;
    };
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(above).and_then(|above| above.sync_all()).map_err(unwritten)?;
    Ok(names)
}

fn fill(folder: &Path, validity: Validity) -> Result<Vec<String>, AuthorityFault> {
    let mut names = Vec::new();
    for (authority, leaves) in LAYOUT {
        let made = KeptAuthority::make(folder, authority, validity)?;
        names.push(*authority);
        for (stem, named) in *leaves {
            let leaf = match named {
                Named::Uri(uri) => Leaf::client(uri, validity),
                Named::Hosts(hosts) => Leaf::server(&[*hosts, &HERE].concat(), validity),
            };
            made.issue(&leaf, folder, stem)?;
            names.push(stem);
        }
    }
    // Private keys are nothing for a repository, wherever the folder lies.
    let ignored = folder.join(".gitignore");
    durable::create(&ignored, b"*\n", 0o644).map_err(|error| PkiError::Write(ignored, error))?;
    Ok(names.iter().flat_map(|stem| [format!("{stem}.pem"), format!("{stem}.key")]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixSeconds;
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    const VALIDITY: Validity =
        Validity { from: UnixSeconds::new(1_790_000_000), until: UnixSeconds::new(1_790_086_400) };

    #[test]
    fn the_folder_has_what_the_sample_configuration_names_and_is_its_owners_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("pki");
        let names: BTreeSet<String> = make_pki(&folder, VALIDITY).unwrap().into_iter().collect();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        for name in &names {
            let mode = fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if name.ends_with(".key") { 0o600 } else { 0o644 }, "{name}");
        }
        let sample = include_str!("../../gateway.yaml");
        let live = sample.lines().map(|line| line.split('#').next().unwrap_or_default());
        let named = live.filter_map(|line| line.split_once("pki/").map(|(_, file)| file.trim_end_matches(['}', ' '])));
        let named: BTreeSet<_> = named.filter(|file| file.ends_with(".pem")).collect();
        let missing: Vec<_> = named.iter().filter(|file| !names.contains(**file)).collect();
        assert!(named.len() >= 8 && missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("pki");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("mine"), "mine").unwrap();
        assert!(make_pki(&folder, VALIDITY).is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "nothing is left beside it");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_file(folder.join("mine")).unwrap();
        assert!(make_pki(&folder, VALIDITY).is_ok(), "an empty folder is nobody's");
        fs::create_dir(place.path().join("other.new")).unwrap();
        assert!(make_pki(&place.path().join("other"), VALIDITY).is_err());
        assert!(place.path().join("other.new").is_dir(), "which was not made here");
    }
}
