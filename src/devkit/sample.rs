//! The sample bundle of `policies/`, carried in the program, so that a demo needs no file beside it.

use std::fs;
use std::io;
use std::path::Path;

/// Every file of the bundle: its path below `policies/`, and its text.
const FILES: &[(&str, &str)] = &[
    ("cedar/barriers.cedar", include_str!("../../policies/cedar/barriers.cedar")),
    ("cedar/constants.json", include_str!("../../policies/cedar/constants.json")),
    ("cedar/directory.cedar", include_str!("../../policies/cedar/directory.cedar")),
    ("cedar/doors.cedar", include_str!("../../policies/cedar/doors.cedar")),
    ("cedar/events.cedar", include_str!("../../policies/cedar/events.cedar")),
    ("cedar/houses.cedar", include_str!("../../policies/cedar/houses.cedar")),
    ("cedar/partners.cedar", include_str!("../../policies/cedar/partners.cedar")),
    ("cedar/revocations.cedar", include_str!("../../policies/cedar/revocations.cedar")),
    ("cedar/sessions.cedar", include_str!("../../policies/cedar/sessions.cedar")),
    ("cedar/schema.cedarschema", include_str!("../../policies/cedar/schema.cedarschema")),
    ("cedar/sessions.cedar", include_str!("../../policies/cedar/sessions.cedar")),
    ("contracts/parkline.openapi.yaml", include_str!("../../policies/contracts/parkline.openapi.yaml")),
    ("contracts/smarthome.openapi.yaml", include_str!("../../policies/contracts/smarthome.openapi.yaml")),
    ("requirements.yaml", include_str!("../../policies/requirements.yaml")),
    ("tests/barriers.yaml", include_str!("../../policies/tests/barriers.yaml")),
    ("tests/bases.yaml", include_str!("../../policies/tests/bases.yaml")),
    ("tests/doors.yaml", include_str!("../../policies/tests/doors.yaml")),
    ("tests/edges.yaml", include_str!("../../policies/tests/edges.yaml")),
    ("tests/events.yaml", include_str!("../../policies/tests/events.yaml")),
    ("tests/houses.yaml", include_str!("../../policies/tests/houses.yaml")),
    ("tests/own.yaml", include_str!("../../policies/tests/own.yaml")),
    ("tests/partners.yaml", include_str!("../../policies/tests/partners.yaml")),
    ("tests/sessions.yaml", include_str!("../../policies/tests/sessions.yaml")),
    ("tests/walls.yaml", include_str!("../../policies/tests/walls.yaml")),
];

/// The hosts that the bundle's requirements allow for the partners.
const PARTNER_HOSTS: [&str; 2] = ["api.smarthome.example", "api.parkline.example"];

/// Writes the bundle to `folder`, which must not be there, for partners that are found at `host`.
pub(super) fn write_bundle(folder: &Path, host: &str) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (path, text) in FILES {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let text = PARTNER_HOSTS.iter().fold((*text).to_owned(), |text, known| text.replace(known, host));
        fs::write(file, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn files_below(folder: &Path, found: &mut BTreeSet<String>, from: &Path) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                files_below(&entry, found, from);
            } else {
                found.insert(entry.strip_prefix(from).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn no_file_of_the_bundle_is_left_out() {
        let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let mut there = BTreeSet::new();
        files_below(&policies, &mut there, &policies);
        assert_eq!(FILES.iter().map(|(path, _)| (*path).to_owned()).collect::<BTreeSet<_>>(), there);
    }
}
