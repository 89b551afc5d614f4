//! The doors for those who call, and who a partner is at its own: what is said of them must fit together.
//!
//! An authority speaks for one side. The backend's door takes whoever its authorities certify for a peer, so one that also
//! certified partners would make every partner a peer of the backend's door.

use crate::config::clients;
use crate::config::files::Files;
use crate::config::settings::CallerListener;
use crate::config::settings::PartnerCalls;
use crate::config::settings::TlsPeer;
use crate::config::values::At;
use crate::config::written;
use crate::config::written::CallerDoor;
use crate::config::written::Written;
use crate::diagnostic::Place;
use crate::model::Side;
use crate::yaml::Reader;

/// One door: its certificate is for each of these authorities, by which `side` calls.
pub(super) fn door(
    files: &mut Files<'_>,
    written: &CallerDoor,
    side: Side,
    authorities: &[&At<Box<str>>],
) -> Option<CallerListener> {
    let tls = files.tls(&written.tls, &format!("the TLS key of the {} listener", side.word()));
    if let Some(tls) = &tls {
        files.serves(&written.tls.certificate, &tls.identity, authorities, side);
    }
    let crls = files.crls(&written.tls.crls, tls.as_ref());
    Some(CallerListener {
        address: written.address.value.clone(),
        tls: tls?,
        crls: crls?,
        trace_from: written.trace_from.clone(),
    })
}

/// How a partner is known when it calls; the outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault and absence are two things")]
pub(super) fn calls(files: &mut Files<'_>, partner: &written::Partner) -> Option<Option<PartnerCalls>> {
    let name = &partner.name.value;
    let secrets = match &partner.webhooks {
        Some(webhooks) => files.webhook_secrets(&webhooks.verify, &format!("a secret of the events of `{name}`")),
        None => Some(Vec::new()),
    };
    let webhook_secrets = secrets?;
    let client = clients::client(files, name.as_str(), partner.client.as_ref())?;
    Some(partner.peer.as_ref().map(|peer| PartnerCalls { peer: peer.value.clone(), webhook_secrets, client }))
}

/// Reports what makes no sense together, each at its place.
pub(super) fn fit_together(reader: &Reader, written: &Written) {
    let report = |code, place: Place, message: String, help: &str| {
        reader.report(reader.source().fault(code, place, message).help(help));
    };
    clients::fit_together(reader, written);
    for partner in &written.partners {
        let name = &partner.name.value;
        if let (Some(peer), None) = (&partner.peer, &written.partner_door) {
            let message = format!("`{name}` has a peer's name, and there is no listener where it could call");
            report("without-effect", peer.place, message, "add `listeners: {partner: ..}`, or take `peer` out");
        }
        if let (None, Some(webhooks)) = (&partner.peer, &partner.webhooks) {
            let message = format!("`{name}` sends events, and nothing says which certificate it calls with");
            report("missing-key", webhooks.place, message, "add `peer: <the name in its client certificate>`");
        }
    }
    if let Some(door) = &written.partner_door
        && written.partners.iter().all(|partner| partner.peer.is_none())
    {
        let message = "no partner may call here".to_owned();
        report("without-effect", door.address.place, message, "add `peer: ..` to a partner, or take the listener out");
    }
}

/// Reports an authority that both doors trust.
pub(super) fn apart(reader: &Reader, written: &Written, backend: Option<&TlsPeer>, partner: Option<&TlsPeer>) {
    let (Some(door), Some(backend), Some(partner)) = (&written.partner_door, backend, partner) else { return };
    if partner.roots.iter().any(|root| backend.roots.contains(root)) {
        let message = "an authority of partners is one of the backend's listener, too";
        let fault = reader.source().fault("authority-of-both", door.tls.roots.place, message);
        reader.report(fault.help("whoever it certifies would be a peer at both: take an authority for each"));
    }
}
