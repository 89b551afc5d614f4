//! What `/readyz` may say, in words: each reason why no requests are taken and each notice, and what to do about it.

/// One reason or notice.
#[derive(Clone, Copy, Debug)]
pub struct Condition {
    /// The stable word.
    pub code: &'static str,
    /// What it means.
    pub says: &'static str,
    /// What to do.
    pub hint: &'static str,
}

/// All reasons and notices.
pub const CONDITIONS: &[Condition] = &[
    Condition {
        code: "shutting-down",
        says: "the gateway was told to stop",
        hint: "nothing: send requests to another one",
    },
    Condition {
        code: "audit-failed",
        says: "writing the audit log has failed, so nothing may happen any more",
        hint: "mend the disk; the log is opened anew by itself as soon as that can be done, and says what it was that failed",
    },
    Condition {
        code: "audit-disturbed",
        says: "a file of the audit log was deleted, replaced or cut, or may not be written any more, so nothing may happen",
        hint: "the log and `/-/status` name the file; who did that? Put it back as it was: the log is then opened anew by itself",
    },
    Condition {
        code: "audit-overdue",
        says: "the disk has been at one write of the audit log for longer than `record_timeout_ms`",
        hint: "look at the disk's load and health; it ends when the disk goes on",
    },
    Condition {
        code: "audit-unattested",
        says: "records have waited for a checkpoint for more than five seconds, so that nobody vouches for them yet; or its hash tiles cannot be written",
        hint: "the log says why none can be made; look at the disk of the log and the mode of its directory",
    },
    Condition {
        code: "store-failed",
        says: "a revocation is in force and could not be stored yet",
        hint: "look at the store's disk and mode; it is tried again every two seconds. Do not restart before: it would be forgotten",
    },
    Condition {
        code: "clock-behind",
        says: "the wall clock shows less than it has shown before, so that nothing moves and no token is given out",
        hint: "set the clock right; it ends when it has caught up. If it was wrong before and is right now: docs/operations.md, The clock",
    },
    Condition {
        code: "crl-expired",
        says: "a revocation list about clients has run out, so that no client gets in",
        hint: "fetch the list anew from its authority; it is taken up without a restart. `portcullis expiries` shows which",
    },
    Condition {
        code: "partners-lapsed",
        says: "no partner can be reached, because our certificate or a revocation list has run out towards each of them",
        hint: "renew what the notices name; it is taken up without a restart. `portcullis expiries` shows which",
    },
    Condition {
        code: "revocations-full",
        says: "`revocations_max` revocations are in force, so that no peer can order a new one",
        hint: "raise `revocations_max` and restart; the operator's socket still revokes",
    },
    Condition {
        code: "partner-certificate-expired",
        says: "our certificate towards a partner is not in force, so that commands to it are refused",
        hint: "have it issued anew; it is taken up without a restart. `portcullis expiries` shows which",
    },
    Condition {
        code: "partner-crl-expired",
        says: "a revocation list about a partner has run out, so that commands to it are refused",
        hint: "fetch the list anew from its authority; it is taken up without a restart. `portcullis expiries` shows which",
    },
    Condition {
        code: "directory-too-old",
        says: "the directory is older than `directory.max_age`, so that nothing moves; what only reads goes on",
        hint: "have the backend send a newer one (`PUT /-/directory`); it is in force at once",
    },
    Condition {
        code: "issuer-keys-missing",
        says: "an issuer publishes its keys and none of them are in force: its tokens are refused, those of other issuers are not",
        hint: "the log says why they do not come; look at the issuer, its address and certificates. They are fetched again by themselves",
    },
    Condition {
        code: "audit-space-short",
        says: "at the present rate the space for the audit log lasts for less than six hours",
        hint: "give its file system more, or take away what else lies there; never a segment that is not archived",
    },
    Condition {
        code: "bundle-refused",
        says: "a changed bundle was refused, and the one before is in force",
        hint: "the log says what is wrong with which file; mend it or take it back. A restart would refuse it too",
    },
    Condition {
        code: "archive-failed",
        says: "segments of the audit log that are old enough could not be archived; they stay where they are",
        hint: "the log says which file; make room in the archive or mend it. It is tried again by itself",
    },
    Condition {
        code: "exports-behind",
        says: "a destination of the log's records has not taken any for more than five minutes; they stay in the log",
        hint: "`portcullis status` says which and why; look at that destination. Nothing is lost, and it goes on by itself",
    },
    Condition {
        code: "reload-failed",
        says: "changed certificates, keys or lists were refused, and the ones before are in force",
        hint: "the log says what is wrong with which file; mend it or take it back",
    },
];

/// The condition of this word.
#[must_use]
pub fn condition(code: &str) -> Option<&'static Condition> {
    CONDITIONS.iter().find(|condition| condition.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_that_the_gate_may_say_is_explained_and_no_other() {
        let gate = include_str!("gate.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let told = gate.split("fn notices").nth(1).unwrap();
        let mut said: Vec<&str> = told.split('"').skip(1).step_by(2).collect();
        let mut explained: Vec<&str> = CONDITIONS.iter().map(|condition| condition.code).collect();
        said.sort_unstable();
        explained.sort_unstable();
        assert_eq!(said, explained);
        for word in said {
            let Condition { says, hint, .. } = condition(word).unwrap();
            assert!(!says.is_empty() && !hint.is_empty() && !says.ends_with('.') && !hint.ends_with('.'), "{word}");
        }
    }
}
