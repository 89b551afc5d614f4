//! Whether one statement counts for one bundle: signed by whom it says, for here and now and this, and not for an earlier one.

use crate::approval::signed::Signed;
use crate::approval::signers::Signers;
use crate::approval::statement::NAMESPACE;
use crate::approval::statement::Statement;
use crate::clock::UnixMillis;
use crate::crypto::SshSignatureError;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::model::Name;
use crate::model::Sha256;
use crate::model::SigningRole;

/// How far another clock may be ahead of ours, in milliseconds.
const SKEW_MS: u64 = 5 * 60 * 1_000;

/// What a statement is held against.
pub(super) struct Against<'a> {
    pub(super) environment: &'a Name,
    pub(super) signers: &'a Signers,
    pub(super) bundle: Sha256,
    pub(super) data: Sha256,
    /// The highest sequence that was ever activated here.
    pub(super) activated: Option<u64>,
    pub(super) now: UnixMillis,
}

impl Against<'_> {
    /// The statement, if it counts.
    ///
    /// # Errors
    /// The first reason why it does not.
    pub(super) fn counted<'s>(&self, signed: &'s Signed) -> Result<&'s Statement, Diagnostic> {
        let statement = &signed.statement;
        let fault = |code, message: String, help: &str| {
            Err(signed.source.fault(code, Place::WHOLE, message).help(help.to_owned()))
        };
        if statement.environment != *self.environment {
            let message = format!("it is for `{}`, and this is `{}`", statement.environment, self.environment);
            return fault("statement-environment", message, "have it signed for this environment");
        }
        self.signed_by_whom_it_says(signed)?;
        if statement.created > self.now.plus(SKEW_MS) {
            let message = format!("it was written at {}, which is still to come", statement.created);
            return fault("statement-from-the-future", message, "set the clock right: here, or where it was written");
        }
        if let Some(activated) = self.activated.filter(|activated| statement.sequence <= *activated) {
            let message = format!("its sequence is {}, and {activated} was activated here already", statement.sequence);
            let help = "also an older bundle comes back by a new statement: `portcullis approve`, signed again";
            return fault("statement-rolled-back", message, help);
        }
        if statement.role != SigningRole::DataOfficer && statement.bundle != self.bundle {
            let message = format!("it is about the bundle {}, and here lies {}", statement.bundle, self.bundle);
            let help =
                "a file was added, taken away or changed after it was signed: bring it back, or have it signed anew";
            return fault("statement-other-bundle", message, help);
        }
        if statement.data != self.data {
            let message = format!("it is about the personal data {}, and here lie {}", statement.data, self.data);
            let help = "`portcullis verify --data` prints the list that was digested: have it signed anew";
            return fault("statement-other-data", message, help);
        }
        if statement.not_after < self.now {
            let message = format!("the bundle was to come into force until {}, and has not", statement.not_after);
            return fault("statement-expired", message, "have it signed anew: `portcullis approve`");
        }
        Ok(statement)
    }

    fn signed_by_whom_it_says(&self, signed: &Signed) -> Result<(), Diagnostic> {
        let statement = &signed.statement;
        let fault = |code, message: String, help: String| signed.source.fault(code, Place::WHOLE, message).help(help);
        let name = signed.source.path().display();
        let Some(signature) = &signed.signature else {
            let help = format!("`ssh-keygen -Y sign -n {NAMESPACE} -f KEY {name}`");
            return Err(fault("statement-unsigned", "nobody has signed it yet".to_owned(), help));
        };
        let Some(signer) = self.signers.of_key(signature.key()) else {
            let message = format!("the key {} is nobody's in the list of signers", signature.key().fingerprint());
            let help = "sign with a key of the list; a new key comes into it with a new list".to_owned();
            return Err(fault("signer-unknown", message, help));
        };
        if let Err(error) = signature.verify(NAMESPACE, &signed.bytes) {
            let (code, help) = match error {
                SshSignatureError::Namespace => ("signature-namespace", format!("sign with `-n {NAMESPACE}`")),
                SshSignatureError::NotTouched => {
                    ("signature-untouched", "make the key without `-O no-touch-required`".to_owned())
                }
                _ => ("signature-mismatch", "sign the statement as it lies here".to_owned()),
            };
            return Err(fault(code, format!("the signature of `{}` is no good: {error}", signer.person), help));
        }
        if (signer.role, &signer.person) != (statement.role, &statement.person) {
            let message = format!(
                "`{}` speaks here as {}, and the key is that of `{}`, who signs as {}",
                statement.person,
                statement.role.says(),
                signer.person,
                signer.role.says()
            );
            return Err(fault("signer-other", message, "everybody signs their own statement".to_owned()));
        }
        Ok(())
    }
}
