//! What the admin socket answers: one line of JSON, which the other end reads in a closed world.
//!
//! ```text
//! {"ok":true,"epoch":7,"receipt":"r-…","state":"local"}          revoked: in force, stored and recorded on this node
//! {"ok":true,"until":"2026-…Z","receipt":"r-…","state":"proposed"}
//! {"ok":true,"epoch":8,"receipt":"r-…","state":"lifted"}
//! {"ok":true,"handle":"h-…","receipt":"r-…"}
//! {"ok":true,"erased":"h-…","receipt":"r-…"}
//! {"ok":true,"revocations":[{"kind":"device","tenant":"north","digest":"…","epoch":7,"at":"…","stored":true}],"more":false}
//! {"ok":true,"bundle":"…","files":[{"path":"cedar/doors.cedar","content":"…"}]}
//! {"ok":false,"error":"not-recordable","receipt":"r-…"}
//! {"ok":false,"error":"name-unknown","near":"openDoor","receipt":"r-…"}
//! ```
//!
//! In a list `tenant` may be absent, and `name` stands where the gateway knows which operation or partner it is. `error` is a
//! code of [`LineFault`] or of [`Reason`]. Nothing here does IO.

use crate::admin::line::LineFault;
use crate::audit::Handle;
use crate::clock::UnixMillis;
use crate::json;
use crate::json::Limits;
use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::Epoch;
use crate::model::Name;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Sha256;
use crate::model::TenantId;
use crate::pipeline::ActRefusal;
use crate::pipeline::ActReply;
use crate::pipeline::Acted;
use crate::pipeline::Listed;
use crate::pipeline::PAGE_MAX;
use crate::pipeline::RevocationKind;
use crate::pipeline::StoredRevocation;

/// Bytes of an answer: a whole page of revocations, with the longest names.
pub(super) const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// Bytes of an answer that holds a bundle: 32 MiB, of which each byte may be written as six, and what stands between files.
pub(super) const BUNDLE_ANSWER_MAX_BYTES: usize = 200 * 1024 * 1024;
/// As large as the files of a bundle may be.
const BUNDLE_JSON_LIMITS: Limits =
    Limits { max_depth: 3, max_members: 4, max_elements: 4_096, max_string_bytes: 4 * 1024 * 1024 };
/// As deep as a list of revocations.
const JSON_LIMITS: Limits = Limits { max_depth: 3, max_members: 8, max_elements: PAGE_MAX, max_string_bytes: 4 * 1024 };

const LOCAL: &str = "local";
const PROPOSED: &str = "proposed";
const LIFTED: &str = "lifted";
const HANDLE: &str = "handle";
const ERASED: &str = "erased";

/// Who refused, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The line was no order.
    #[error("{0}")]
    Line(LineFault),
    /// The order was not carried out, or may not last.
    #[error("the gateway refused: `{0}`")]
    Gateway(Reason),
}

/// An answer, as the one who asked reads it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SocketAnswer {
    /// Effective and durable.
    Revoked {
        /// The epoch that began with it.
        epoch: Epoch,
        /// Where it stands on record.
        receipt: Receipt,
    },
    /// Another person has to confirm it.
    Proposed {
        /// Until when.
        until: UnixMillis,
        /// Where it stands on record.
        receipt: Receipt,
    },
    /// No longer in force.
    Lifted {
        /// The epoch that it made.
        epoch: Epoch,
        /// Where it stands on record.
        receipt: Receipt,
    },
    /// Which handle stands for a person.
    Identified {
        /// The handle.
        handle: Handle,
        /// Where it stands on record that it was told.
        receipt: Receipt,
    },
    /// Nobody knows any more for whom a handle stood.
    Erased {
        /// The handle.
        handle: Handle,
        /// Where it stands on record.
        receipt: Receipt,
    },
    /// What is in force.
    Listed {
        /// In the order of epochs.
        revocations: Vec<Listed>,
        /// Whether there are more, later than the last.
        more: bool,
    },
    /// The bundle in force.
    Bundle {
        /// The digest over its files.
        digest: Sha256,
        /// The path of each within the bundle, and its text.
        files: Vec<(String, String)>,
    },
    /// Not done.
    Refused {
        /// By whom, and why.
        refusal: Refusal,
        /// What may have been meant, where a name is not known.
        near: Option<Box<str>>,
        /// Where that stands on record, if it does.
        receipt: Option<Receipt>,
    },
}

impl Refusal {
    /// The stable code, kebab-case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Line(fault) => fault.code(),
            Self::Gateway(reason) => reason.code(),
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        let line = LineFault::ALL.into_iter().find(|fault| fault.code() == code).map(Self::Line);
        line.or_else(|| Reason::ALL.iter().find(|reason| reason.code() == code).copied().map(Self::Gateway))
    }
}

impl SocketAnswer {
    /// The answer to an act.
    pub(super) fn to(reply: ActReply) -> Self {
        let ActReply { outcome, receipt } = reply;
        match (outcome, receipt) {
            (Ok(Acted::Revoked(epoch)), Some(receipt)) => Self::Revoked { epoch, receipt },
            (Ok(Acted::Proposed(until)), Some(receipt)) => Self::Proposed { until, receipt },
            (Ok(Acted::Lifted(epoch)), Some(receipt)) => Self::Lifted { epoch, receipt },
            (Ok(Acted::Identified(handle)), Some(receipt)) => Self::Identified { handle, receipt },
            (Ok(Acted::Erased(handle)), Some(receipt)) => Self::Erased { handle, receipt },
            (Ok(Acted::Listed(revocations, more)), _) => Self::Listed { revocations, more },
            (Ok(Acted::Bundle(bundle)), _) => {
                let files = bundle.files().map(|(path, source)| (path.to_owned(), source.text().to_owned()));
                Self::Bundle { digest: bundle.digest(), files: files.collect() }
            }
            (
                Ok(Acted::Revoked(_) | Acted::Proposed(_) | Acted::Lifted(_) | Acted::Identified(_) | Acted::Erased(_)),
                None,
            ) => Self::Refused { refusal: Refusal::Gateway(Reason::Internal), near: None, receipt: None },
            (Err(ActRefusal { reason, near }), receipt) => {
                Self::Refused { refusal: Refusal::Gateway(reason), near, receipt }
            }
        }
    }

    /// The answer to a line that is no order.
    pub(super) const fn to_fault(fault: LineFault) -> Self {
        Self::Refused { refusal: Refusal::Line(fault), near: None, receipt: None }
    }

    /// The answer as one JSON object, as it came over the socket.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut members = Object::new();
        members.insert("ok", !matches!(self, Self::Refused { .. }));
        match self {
            Self::Revoked { epoch, receipt } => {
                insert_epoch(&mut members, *epoch);
                insert_state(&mut members, *receipt, LOCAL);
            }
            Self::Proposed { until, receipt } => {
                members.insert("until", until.to_string());
                insert_state(&mut members, *receipt, PROPOSED);
            }
            Self::Lifted { epoch, receipt } => {
                insert_epoch(&mut members, *epoch);
                insert_state(&mut members, *receipt, LIFTED);
            }
            Self::Identified { handle, receipt } => insert_handle(&mut members, HANDLE, *handle, *receipt),
            Self::Erased { handle, receipt } => insert_handle(&mut members, ERASED, *handle, *receipt),
            Self::Listed { revocations, more } => {
                let listed: Vec<Value> = revocations.iter().map(|listed| Value::Object(written(listed))).collect();
                members.insert("revocations", listed);
                members.insert("more", *more);
            }
            Self::Bundle { digest, files } => {
                let file = |(path, content): &(String, String)| {
                    let members = [("path", Value::from(path.as_str())), ("content", Value::from(content.as_str()))];
                    Value::Object(Object::from_iter(members))
                };
                members.insert("bundle", digest.to_string());
                members.insert("files", files.iter().map(file).collect::<Vec<_>>());
            }
            Self::Refused { refusal, near, receipt } => {
                members.insert("error", refusal.code());
                if let Some(near) = near {
                    members.insert("near", &**near);
                }
                if let Some(receipt) = receipt {
                    members.insert("receipt", receipt.to_string());
                }
            }
        }
        let mut text = Vec::with_capacity(256);
        json::write(&Value::Object(members), &mut text);
        String::from_utf8(text).unwrap_or_default()
    }

    /// The answer as a line.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let mut line = self.to_json().into_bytes();
        line.push(b'\n');
        line
    }

    /// Reads an answer; `None` if it is not one of ours.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let answer = json::parse(line, JSON_LIMITS).or_else(|_| json::parse(line, BUNDLE_JSON_LIMITS)).ok()?;
        let members = answer.as_object()?;
        let text = |name| members.get(name).and_then(Value::as_str);
        let receipt = || text("receipt").and_then(Receipt::parse);
        let names: Vec<&str> = members.iter().map(|(name, _)| name).collect();
        match (members.get("ok")?, names.as_slice()) {
            (Value::Boolean(true), ["ok", "epoch", "receipt", "state"]) => {
                let (epoch, receipt) = (epoch_of(members)?, receipt()?);
                match text("state")? {
                    LOCAL => Some(Self::Revoked { epoch, receipt }),
                    LIFTED => Some(Self::Lifted { epoch, receipt }),
                    _ => None,
                }
            }
            (Value::Boolean(true), ["ok", "until", "receipt", "state"]) => {
                let proposed = text("state").filter(|word| *word == PROPOSED);
                proposed?;
                Some(Self::Proposed { until: UnixMillis::parse(text("until")?)?, receipt: receipt()? })
            }
            (Value::Boolean(true), ["ok", word @ (HANDLE | ERASED), "receipt"]) => {
                let (handle, receipt) = (text(word).and_then(Handle::parse)?, receipt()?);
                match *word {
                    HANDLE => Some(Self::Identified { handle, receipt }),
                    _ => Some(Self::Erased { handle, receipt }),
                }
            }
            (Value::Boolean(true), ["ok", "revocations", "more"]) => {
                let listed = members.get("revocations").and_then(Value::as_array)?;
                let revocations = listed.iter().map(read).collect::<Option<_>>()?;
                let Some(Value::Boolean(more)) = members.get("more") else { return None };
                Some(Self::Listed { revocations, more: *more })
            }
            (Value::Boolean(true), ["ok", "bundle", "files"]) => {
                let files = members.get("files").and_then(Value::as_array)?;
                let digest = Sha256::from_hex(text("bundle")?)?;
                Some(Self::Bundle { digest, files: files.iter().map(file).collect::<Option<_>>()? })
            }
            (Value::Boolean(false), ["ok", "error", rest @ ..]) => {
                let (near, receipt) = match rest {
                    [] => (None, None),
                    ["receipt"] => (None, Some(receipt()?)),
                    ["near"] => (Some(text("near")?), None),
                    ["near", "receipt"] => (Some(text("near")?), Some(receipt()?)),
                    _ => return None,
                };
                Some(Self::Refused { refusal: Refusal::of_code(text("error")?)?, near: near.map(Into::into), receipt })
            }
            _ => None,
        }
    }
}

/// A file of a bundle: its path and its content, and nothing else.
fn file(value: &Value) -> Option<(String, String)> {
    let members = value.as_object()?;
    let names: Vec<&str> = members.iter().map(|(name, _)| name).collect();
    let text = |name| members.get(name).and_then(Value::as_str).map(str::to_owned);
    (names == ["path", "content"]).then(|| text("path").zip(text("content"))).flatten()
}

fn insert_epoch(members: &mut Object, epoch: Epoch) {
    // An epoch beyond what JSON can carry would take a revocation each microsecond for 285 years.
    if let Ok(epoch) = Number::try_from(epoch.get()) {
        members.insert("epoch", Value::Number(epoch));
    }
}

fn insert_state(members: &mut Object, receipt: Receipt, state: &str) {
    members.insert("receipt", receipt.to_string());
    members.insert("state", state);
}

fn insert_handle(members: &mut Object, name: &str, handle: Handle, receipt: Receipt) {
    members.insert(name, handle.to_string());
    members.insert("receipt", receipt.to_string());
}

fn epoch_of(members: &Object) -> Option<Epoch> {
    let number = members.get("epoch").and_then(Value::as_integer)?;
    u64::try_from(number).ok().map(Epoch::new)
}

fn written(listed: &Listed) -> Object {
    let Listed { revocation, name, stored } = listed;
    let mut members = Object::from_iter([("kind", Value::from(revocation.kind.word()))]);
    if let Some(tenant) = &revocation.tenant {
        members.insert("tenant", tenant.as_str());
    }
    if let Some(name) = name {
        members.insert("name", &**name);
    }
    members.insert("digest", revocation.digest.to_string());
    insert_epoch(&mut members, revocation.epoch);
    members.insert("at", revocation.at.to_string());
    members.insert("stored", *stored);
    members
}

fn read(value: &Value) -> Option<Listed> {
    let members = value.as_object()?;
    let text = |name| members.get(name).and_then(Value::as_str);
    let tenant = match text("tenant") {
        Some(name) => Some(TenantId::new(name).ok()?),
        None => None,
    };
    // A name, or two with a slash between them.
    let is_named = |text: &&str| text.split('/').all(|part| Name::new(part).is_ok());
    let name = text("name").filter(is_named).map(Into::into);
    let Some(Value::Boolean(stored)) = members.get("stored") else { return None };
    let revocation = StoredRevocation {
        digest: Sha256::from_hex(text("digest")?)?,
        tenant,
        kind: RevocationKind::from_word(text("kind")?)?,
        epoch: epoch_of(members)?,
        at: UnixMillis::parse(text("at")?)?,
    };
    let listed = Listed { revocation, name, stored: *stored };
    // Closed: nothing stands there but what was read.
    (written(&listed) == *members).then_some(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: Receipt = Receipt::new([7; 16]);

    fn listed(kind: RevocationKind, tenant: Option<&str>, name: Option<&str>) -> Listed {
        let revocation = StoredRevocation {
            digest: Sha256::new([9; 32]),
            tenant: tenant.map(|name| TenantId::new(name).unwrap()),
            kind,
            epoch: Epoch::new(7),
            at: UnixMillis::new(1_700_000_000_123),
        };
        Listed { revocation, name: name.map(Into::into), stored: true }
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let done = ActReply { outcome: Ok(Acted::Revoked(Epoch::new(7))), receipt: Some(RECEIPT) };
        let line = SocketAnswer::to(done).to_line();
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            format!("{{\"ok\":true,\"epoch\":7,\"receipt\":\"{RECEIPT}\",\"state\":\"local\"}}\n")
        );
        let refused = |refusal, near: Option<&str>, receipt| SocketAnswer::Refused {
            refusal,
            near: near.map(Into::into),
            receipt,
        };
        let unknown = Refusal::Gateway(Reason::NameUnknown);
        let mut answers = vec![
            SocketAnswer::Revoked { epoch: Epoch::new(7), receipt: RECEIPT },
            SocketAnswer::Lifted { epoch: Epoch::new(8), receipt: RECEIPT },
            SocketAnswer::Proposed { until: UnixMillis::new(1_700_000_000_123), receipt: RECEIPT },
            SocketAnswer::Identified { handle: Handle::new([0xAB; 16]), receipt: RECEIPT },
            SocketAnswer::Erased { handle: Handle::new([0xAB; 16]), receipt: RECEIPT },
            SocketAnswer::Listed { revocations: vec![], more: false },
            SocketAnswer::Listed {
                revocations: vec![
                    listed(RevocationKind::Subject, None, None),
                    listed(RevocationKind::Tenant, Some("north"), None),
                    listed(RevocationKind::Operation, Some("north"), Some("smarthome/openDoor")),
                ],
                more: true,
            },
            refused(unknown, None, Some(RECEIPT)),
            refused(unknown, Some("openDoor"), Some(RECEIPT)),
            refused(unknown, Some("openDoor"), None),
        ];
        let text = "permit (\"дверь\");\n\u{1}".to_owned();
        answers.push(SocketAnswer::Bundle {
            digest: Sha256::new([9; 32]),
            files: vec![("cedar/doors.cedar".to_owned(), text), ("tests/a.yaml".to_owned(), "x".repeat(5_000))],
        });
        answers.extend(LineFault::ALL.map(SocketAnswer::to_fault));
        for answer in answers {
            assert_eq!(SocketAnswer::parse(&answer.to_line()), Some(answer));
        }
    }

    #[test]
    fn a_whole_page_of_the_longest_names_fits_into_an_answer() {
        let name = "n".repeat(64);
        let longest = listed(RevocationKind::Certificate, Some(&name), Some(&format!("{name}/{name}")));
        let answer = SocketAnswer::Listed { revocations: vec![longest; PAGE_MAX], more: true };
        let line = answer.to_line();
        assert!(line.len() <= ANSWER_MAX_BYTES, "{} bytes", line.len());
        assert_eq!(SocketAnswer::parse(&line), Some(answer));
    }

    #[test]
    fn no_code_of_a_line_is_also_a_reason() {
        for fault in LineFault::ALL {
            assert!(Reason::ALL.iter().all(|reason| reason.code() != fault.code()), "{}", fault.code());
        }
    }

    #[test]
    fn an_answer_that_is_not_ours_is_none() {
        let of_list = |members: &str| format!(r#"{{"ok":true,"revocations":[{{{members}}}],"more":false}}"#);
        let digest = "0f".repeat(32);
        let whole =
            format!(r#""kind":"device","digest":"{digest}","epoch":7,"at":"2023-11-14T22:13:20.123Z","stored":true"#);
        assert!(SocketAnswer::parse(of_list(&whole).as_bytes()).is_some());
        for line in [
            r#"{"ok":true}"#,
            r#"{"ok":true,"epoch":-1,"receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa","state":"local"}"#,
            r#"{"ok":true,"epoch":7,"receipt":"r-7","state":"local"}"#,
            r#"{"ok":true,"epoch":7,"receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa","state":"global"}"#,
            r#"{"ok":true,"epoch":7,"receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa","state":"local","more":1}"#,
            r#"{"ok":true,"until":"now","receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa","state":"proposed"}"#,
            r#"{"ok":true,"handle":"h-AB","receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
            r#"{"ok":true,"handle":"ivanov","receipt":"r-aaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
            r#"{"ok":false,"error":"out-of-coffee"}"#,
            r#"{"ok":1,"error":"malformed"}"#,
            &of_list(""),
            &of_list(&format!(r#"{whole},"value":"d-1""#)),
            &of_list(&whole.replace("device", "door")),
            "HTTP/1.1 400 Bad Request",
        ] {
            assert_eq!(SocketAnswer::parse(line.as_bytes()), None, "{line}");
        }
    }
}
