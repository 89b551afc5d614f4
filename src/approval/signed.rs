//! The statements beside a bundle, each with its signature: taken apart, and nothing believed yet.
//!
//! `approvals/` holds `<name>.json` and `<name>.json.sig`, as `ssh-keygen -Y sign` names it. What cannot be read is a fault;
//! a statement that nobody has signed yet is none, since a ceremony takes its time.

use crate::approval::statement::Statement;
use crate::crypto::SshSignature;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use std::collections::BTreeMap;

const STATEMENT: &str = ".json";
const SIGNATURE: &str = ".sig";

/// One statement with what was found beside it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its file, for diagnostics.
    pub source: Source,
    /// What it says.
    pub statement: Statement,
    /// The very bytes that are signed.
    pub(super) bytes: Vec<u8>,
    /// Its signature, of which nothing is verified.
    pub signature: Option<SshSignature>,
}

/// Reads the files of `approvals/`, by their names there.
///
/// # Errors
/// Every file that is no statement, no signature, or a signature of no statement.
pub fn statements<'a>(files: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<Signed>, Diagnostics> {
    let files: BTreeMap<&str, &[u8]> = files.collect();
    let mut faults = Diagnostics::new();
    let mut all = Vec::new();
    for (name, bytes) in &files {
        if let Some(of) = name.strip_suffix(SIGNATURE) {
            if !files.contains_key(of) || !of.ends_with(STATEMENT) {
                let message = format!("there is no statement `approvals/{of}` of which this is the signature");
                let help = "`ssh-keygen -Y sign` puts `.sig` behind the statement's whole name; keep both together";
                faults.push(fault("signature-alone", name, message).help(help));
            }
            continue;
        }
        let signature = files.get(&*format!("{name}{SIGNATURE}"));
        match statement(name, bytes, signature.copied()) {
            Ok(signed) => all.push(signed),
            Err(found) => faults.push(found),
        }
    }
    faults.or_fail(all)
}

fn statement(name: &str, bytes: &[u8], signature: Option<&[u8]>) -> Result<Signed, Diagnostic> {
    let statement = Statement::parse(bytes).map_err(|error| {
        let help = "a statement is what `portcullis approve` wrote, to the byte: write it anew, and sign it anew";
        fault("statement-form", name, format!("this is no statement: {error}")).help(help)
    })?;
    let signature = signature.map(SshSignature::parse).transpose().map_err(|error| {
        let help = "take the file as `ssh-keygen -Y sign` wrote it, to the byte";
        fault("signature-form", &format!("{name}{SIGNATURE}"), format!("this is no good signature: {error}")).help(help)
    })?;
    Ok(Signed { source: source(name), statement, bytes: bytes.to_vec(), signature })
}

fn fault(code: &'static str, name: &str, message: String) -> Diagnostic {
    source(name).fault(code, Place::WHOLE, message)
}

/// Named as it lies in the bundle.
fn source(name: &str) -> Source {
    Source::new(format!("approvals/{name}"), "")
}
