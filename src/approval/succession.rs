//! Which list of signers is in effect: the one that was, or a newer one that two roles have signed under it.
//!
//! The first list that a store sees is taken as it lies there: whoever installs the gateway put it there, and no other could
//! vouch for it. From then on its text is kept in the store, and a file of other bytes is a new list.

use crate::approval::history::KnownList;
use crate::approval::signers::LIST_NAMESPACE;
use crate::approval::signers::Signers;
use crate::approval::signers_file::SignersFile;
use crate::crypto::SshSignature;
use crate::crypto::sha256;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::Name;
use crate::model::SigningRole;

/// How many roles must have signed a new list, each by a person of its own.
const ROLES_NEEDED: usize = 2;

/// The list in effect.
pub(super) struct InEffect {
    pub(super) signers: Signers,
    pub(super) list: KnownList,
    /// Whether the store does not know it yet.
    pub(super) is_new: bool,
}

/// Which list is in effect where this file lies and `known` was.
pub(super) fn in_effect(
    file: &SignersFile,
    environment: &Name,
    known: Option<&KnownList>,
) -> Result<InEffect, Diagnostics> {
    let signers = Signers::compile(&file.source)?;
    if signers.environment != *environment {
        let message = format!("this list is for `{}`, the configuration for `{environment}`", signers.environment);
        let fault = file.source.fault("signers-environment", Place::WHOLE, message);
        return Err(fault.help("name the list of this environment").into());
    }
    let list = KnownList { sequence: signers.sequence, text: file.source.text().as_bytes().to_vec() };
    match known {
        Some(known) if known.text == list.text => return Ok(InEffect { signers, list, is_new: false }),
        Some(known) => follows(file, &signers, known)?,
        None => {}
    }
    Ok(InEffect { signers, list, is_new: true })
}

/// Whether two roles of the list that is in effect have signed this one.
fn follows(file: &SignersFile, new: &Signers, known: &KnownList) -> Result<(), Diagnostics> {
    if new.sequence <= known.sequence {
        let message = format!(
            "this list has the sequence {}, and is not the one of the sequence {} that is in effect",
            new.sequence, known.sequence
        );
        let fault = file.source.fault("signers-rolled-back", Place::WHOLE, message);
        return Err(fault
            .help(format!("bring the list back, or give the new one `sequence: {}`", known.sequence + 1))
            .into());
    }
    let old = Signers::compile(&Source::new(file.source.path(), String::from_utf8_lossy(&known.text).into_owned()));
    let old = old.map_err(|_| {
        let message = "the list that is in effect, as the store has it, is not one that this version can read";
        file.source.fault("signers-unknown", Place::WHOLE, message).help("restore the store from a backup")
    })?;
    let mut faults = Diagnostics::new();
    let mut signed = Vec::new();
    for (role, source, signature) in &file.signatures {
        match signed_by(&old, *role, source, signature, file.source.text()) {
            Ok(()) => signed.push(role.says()),
            Err(fault) => faults.push(fault),
        }
    }
    if signed.len() >= ROLES_NEEDED {
        return Ok(());
    }
    let who = if signed.is_empty() { "nobody".to_owned() } else { format!("only {}", signed.join(", ")) };
    let message = format!("{who} of the list in effect has signed this new one; it takes two roles");
    let name = file.source.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let digest = sha256(&known.text);
    let help = format!(
        "bring back the list whose SHA-256 is {digest}; or have it signed: `ssh-keygen -Y sign -n {LIST_NAMESPACE} -f KEY {name}`, \
         and keep the signature as `{name}.<role>.sig`"
    );
    faults.push(file.source.fault("signers-unsigned", Place::WHOLE, message).help(help));
    Err(faults)
}

fn signed_by(
    old: &Signers,
    role: SigningRole,
    source: &Source,
    signature: &SshSignature,
    text: &str,
) -> Result<(), Diagnostic> {
    let fault = |code, message: String| source.fault(code, Place::WHOLE, message);
    let fingerprint = signature.key().fingerprint();
    let Some(signer) = old.of_key(signature.key()) else {
        let message = format!("the key {fingerprint} is nobody's in the list that is in effect");
        return Err(fault("signer-unknown", message).help("have it signed by somebody of the old list"));
    };
    if signer.role != role {
        let message =
            format!("`{}` signs as {}, and this is to be by {}", signer.person, signer.role.says(), role.says());
        return Err(fault("signer-other", message).help("name the signature after the role of who made it"));
    }
    signature.verify(LIST_NAMESPACE, text.as_bytes()).map(drop).map_err(|error| {
        let help = format!("sign the list as it lies here: `ssh-keygen -Y sign -n {LIST_NAMESPACE}`");
        fault("signature-mismatch", format!("the signature of `{}` is no good: {error}", signer.person)).help(help)
    })
}
