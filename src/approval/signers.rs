//! The list of signers: who may sign bundles of one environment, in which role, with which keys.
//!
//! It lies outside the bundle, or whoever writes the bundle could name himself. It is YAML like every file that people write
//! here, and not OpenSSH's `allowed_signers`: that knows principals and namespaces, but no roles, no order of versions and no
//! environment, and says nothing of a line that it does not understand. A person stands in it in one role, with as many keys
//! as they have, and a key stands there once: so who counts once, and for what, needs no thought later.
//!
//! A new list is signed under the old one; its `sequence` keeps an older one from coming back.

use crate::crypto::SshKey;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::Name;
use crate::model::PersonName;
use crate::model::SigningRole;
use crate::yaml;
use crate::yaml::Node;
use crate::yaml::Reader;

/// The namespace of the signatures under a new list (`ssh-keygen -Y sign -n …`).
pub const LIST_NAMESPACE: &str = "portcullis-signers-v1";

/// The most keys in a list.
const SIGNERS_MAX: usize = 256;
/// The largest `sequence`.
const SEQUENCE_MAX: i64 = i32::MAX as i64;

/// Who may sign.
#[derive(Clone, Debug)]
pub struct Signers {
    /// For bundles of which environment.
    pub environment: Name,
    /// The how manieth list of this environment it is, from 1.
    pub sequence: u64,
    all: Vec<Signer>,
}

/// One key of one person in one role.
#[derive(Clone, Debug)]
pub struct Signer {
    /// In which role they sign.
    pub role: SigningRole,
    /// Who.
    pub person: PersonName,
    /// With what.
    pub key: SshKey,
    place: Place,
}

impl Signers {
    /// Reads a list.
    ///
    /// # Errors
    /// All its faults.
    pub fn compile(source: &Source) -> Result<Self, Diagnostics> {
        let root = yaml::parse(source)?;
        let reader = Reader::new(source.clone());
        let signers = read(&reader, &root);
        reader.finish(signers)
    }

    /// Whose key this is.
    #[must_use]
    pub fn of_key(&self, key: &SshKey) -> Option<&Signer> {
        self.all.iter().find(|signer| signer.key == *key)
    }

    /// All keys, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Signer> {
        self.all.iter()
    }
}

fn read(reader: &Reader, root: &Node) -> Option<Signers> {
    let fields = reader.fields(root)?;
    let version = fields.required("version").and_then(|node| reader.bounded(node, 1, 1));
    let environment = fields.required("environment").and_then(|node| name(reader, node));
    let sequence = fields.required("sequence").and_then(|node| reader.bounded(node, 1, SEQUENCE_MAX));
    let all = fields.required("signers").and_then(|node| signers(reader, node));
    fields.finish();
    version?;
    Some(Signers { environment: environment?, sequence: u64::try_from(sequence?).ok()?, all: all? })
}

fn signers(reader: &Reader, node: &Node) -> Option<Vec<Signer>> {
    let items = reader.list(node)?;
    if items.is_empty() || items.len() > SIGNERS_MAX {
        let message = format!("a list has 1 to {SIGNERS_MAX} keys");
        reader.report(reader.source().fault("signers-length", node.place, message).help(ENTRY));
        return None;
    }
    let read: Vec<_> = items.iter().map(|item| signer(reader, item)).collect();
    let all: Vec<Signer> = read.into_iter().collect::<Option<_>>()?;
    for (index, signer) in all.iter().enumerate() {
        let earlier = || all.iter().take(index);
        let is_same = |other: &&Signer| other.person.as_str().eq_ignore_ascii_case(signer.person.as_str());
        if let Some(other) = earlier().find(|other| other.key == signer.key) {
            let message = format!("this key is already that of `{}`", other.person);
            let fault = reader.source().fault("signer-key-twice", signer.place, message);
            reader.report(fault.help("a key belongs to one person and stands here once"));
        } else if let Some(other) = earlier().find(is_same).filter(|other| other.role != signer.role) {
            let message = format!("`{}` already signs as {}", other.person, other.role.says());
            let fault = reader.source().fault("signer-of-two-roles", signer.place, message);
            reader.report(fault.help("one person signs in one role: give the other to somebody else"));
        }
    }
    Some(all)
}

const ENTRY: &str = "`- {role: infosec, person: anna, key: \"ssh-ed25519 AAAA…\"}`";

fn signer(reader: &Reader, node: &Node) -> Option<Signer> {
    let fields = reader.fields(node)?;
    let roles = SigningRole::ALL.map(|role| (role.word(), role));
    let role = fields.required("role").and_then(|node| reader.word(node, &roles));
    let person = fields.required("person").and_then(|node| name(reader, node));
    let key = fields.required("key").and_then(|node| key(reader, node));
    fields.finish();
    Some(Signer { role: role?, person: person?, key: key?, place: node.place })
}

fn key(reader: &Reader, node: &Node) -> Option<SshKey> {
    match SshKey::parse(reader.text(node)?) {
        Ok(key) => Some(key),
        Err(error) => {
            let help = "the one line of the person's `.pub` file, as `ssh-keygen` wrote it";
            reader.report(reader.source().fault("signer-key", node.place, error.to_string()).help(help));
            None
        }
    }
}

fn name(reader: &Reader, node: &Node) -> Option<Name> {
    match Name::new(reader.text(node)?) {
        Ok(name) => Some(name),
        Err(error) => {
            let help = "for instance `anna` or `a.petrova`";
            reader.report(reader.source().fault("malformed-name", node.place, error.to_string()).help(help));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    fn codes(list: &str) -> Vec<&'static str> {
        let read = Signers::compile(&Source::new("signers.yaml", list));
        read.err().map(|faults| faults.iter().map(|fault| fault.code).collect()).unwrap_or_default()
    }

    #[test]
    fn a_list_is_strict() {
        let good = format!(
            "version: 1\nenvironment: production\nsequence: 1\nsigners:\n  - {{role: infosec, person: anna, key: \"{ANNA}\"}}\n"
        );
        assert_eq!(codes(&good), [""; 0]);
        let line = good.lines().last().unwrap();
        for (from, to, code) in [
            ("version: 1", "version: 2", "out-of-bounds"),
            ("sequence: 1", "sequence: 0", "out-of-bounds"),
            ("sequence: 1\n", "", "missing-key"),
            ("role: infosec", "role: root", "unknown-word"),
            ("person: anna", "person: \"anna petrova\"", "malformed-name"),
            ("ssh-ed25519 ", "ssh-rsa ", "signer-key"),
            ("role: infosec,", "role: infosec, until: never,", "unknown-key"),
            (line, "  []", "signers-length"),
        ] {
            let list = good.replace(from, to);
            assert!(codes(&list).contains(&code), "{to}: {:?}", codes(&list));
        }
        assert_eq!(codes(&format!("{good}{line}\n")), ["signer-key-twice"]);
    }
}
