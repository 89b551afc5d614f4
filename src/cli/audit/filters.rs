//! What `portcullis audit show` is asked for: the arguments, and what they mean to the log.

use crate::audit;
use crate::audit::Thing;
use crate::audit::Wanted;
use crate::cli::audit::receipt;
use crate::clock::UnixMillis;
use crate::model::Reason;
use crate::model::Receipt;
use clap::Args;

/// What is asked for; each argument narrows, and one that is given several times takes any of its values.
#[derive(Args)]
pub(super) struct Filters {
    /// Those of this receipt, and those that tell of it: its whole story, with every member
    #[arg(long, value_name = "ID", value_parser = receipt)]
    pub(super) receipt: Option<Receipt>,
    /// Those of this subject, device or car
    #[arg(long, value_name = "HANDLE", value_parser = handle)]
    handle: Vec<String>,
    /// Those of this device
    #[arg(long, value_name = "HANDLE", value_parser = handle)]
    device: Vec<String>,
    /// Those of this car
    #[arg(long, value_name = "HANDLE", value_parser = handle)]
    car: Vec<String>,
    /// Those of this operation
    #[arg(long, value_name = "NAME")]
    operation: Vec<String>,
    /// Those of this event
    #[arg(long, value_name = "NAME")]
    event: Vec<String>,
    /// Those that ended for this reason, sums of refusals among them
    #[arg(long, value_name = "CODE", value_parser = reason)]
    reason: Vec<String>,
    /// Those of this kind, for instance `intent`
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Vec<String>,
    /// Those of this partner
    #[arg(long, value_name = "NAME")]
    partner: Vec<String>,
    /// Those whose caller or thing is of this tenant
    #[arg(long, value_name = "NAME")]
    tenant: Vec<String>,
    /// Those of this peer, as its certificate names it
    #[arg(long, value_name = "NAME")]
    peer: Vec<String>,
    /// Those about this thing or all things in it: `[TYPE:]ID[/ID…]`, the outermost first, for instance `house-1/door-1`
    #[arg(long, value_name = "THING", value_parser = thing)]
    resource: Vec<Thing>,
}

impl Filters {
    /// What is wanted of the log.
    pub(super) fn wanted(&self, since: Option<UnixMillis>, until: Option<UnixMillis>) -> Wanted {
        Wanted {
            receipt: self.receipt,
            handles: self.handle.clone(),
            devices: self.device.clone(),
            cars: self.car.clone(),
            operations: self.operation.clone(),
            events: self.event.clone(),
            partners: self.partner.clone(),
            tenants: self.tenant.clone(),
            peers: self.peer.clone(),
            resources: self.resource.clone(),
            reasons: self.reason.clone(),
            kinds: self.kind.clone(),
            since,
            until,
        }
    }
}

fn handle(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix("h-").unwrap_or_default();
    let known = digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    known.then(|| text.to_owned()).ok_or("a handle is `h-` and 32 hexadecimal digits, as records have it")
}

fn reason(text: &str) -> Result<String, String> {
    known(text, "reason", Reason::ALL.iter().map(|reason| reason.code()))
}

fn kind(text: &str) -> Result<String, String> {
    known(text, "kind", audit::kinds())
}

/// A misspelt word would find nothing, as if there were nothing.
fn known(text: &str, what: &str, words: impl Iterator<Item = &'static str>) -> Result<String, String> {
    let words: Vec<&str> = words.collect();
    if words.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(match crate::diagnostic::nearest(text, words) {
        Some(near) => format!("there is no such {what}; did you mean `{near}`?"),
        None => format!("there is no such {what}; docs/operations.md lists them"),
    })
}

fn thing(text: &str) -> Result<Thing, &'static str> {
    Thing::parse(text).ok_or("a thing is `[TYPE:]ID[/ID…]`, the outermost first, for instance `house-1/door-1`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_find_nothing_because_it_is_misspelt_is_refused() {
        assert!(handle("h-000102030405060708090a0b0c0d0e0f").is_ok());
        for wrong in ["", "h-", "000102030405060708090a0b0c0d0e0f", "h-000102030405060708090A0B0C0D0E0F", "h-00"] {
            assert!(handle(wrong).is_err(), "{wrong}");
        }
        assert_eq!(reason("policy-denied").as_deref(), Ok("policy-denied"));
        assert_eq!(reason("policy-denid").unwrap_err(), "there is no such reason; did you mean `policy-denied`?");
        assert_eq!(kind("intent").as_deref(), Ok("intent"));
        assert_eq!(kind("intents").unwrap_err(), "there is no such kind; did you mean `intent`?");
        assert!(kind("\u{1b}[31m").unwrap_err().ends_with("docs/operations.md lists them"));
        for wrong in ["", "house-1/", "/door-1", ":door-1", "Door:"] {
            assert!(thing(wrong).is_err(), "{wrong}");
        }
    }
}
