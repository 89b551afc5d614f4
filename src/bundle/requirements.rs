//! `requirements.yaml`: what `gateway.yaml` may not undercut. The bundle is approved; the configuration is not.
//!
//! Who can change the configuration alone must not be able to send a partner's data elsewhere, to accept the tokens of another
//! issuer, to take a sign-in token for one that opens doors, to trust another authority, to act without being named, or to
//! soften a limit. So what may stand there stands here too, and [`Requirements::undercut`] holds the configuration against it.
//! How the file is written, `required.rs` reads.

use crate::bundle::required;
use crate::bundle::required::Pins;
use crate::bundle::required::Required;
use crate::bundle::required::RequiredHosts;
use crate::bundle::required::RequiredIssuer;
use crate::bundle::stated::Authorities;
use crate::bundle::stated::Stated;
use crate::bundle::stated::StatedHost;
use crate::bundle::stated::StatedIssuer;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::PartnerName;
use crate::yaml;
use crate::yaml::Reader;

/// The environment in which what is for trying things may be used.
const DEVELOPMENT: &str = "development";

/// What the configuration must keep, each with its place.
pub struct Requirements {
    source: Source,
    required: Required,
}

/// Faults of a configuration, each with the lines of both files.
struct Undercut<'a> {
    requirements: &'a Source,
    stated: &'a Source,
    faults: Diagnostics,
}

impl Requirements {
    /// Reads the file.
    ///
    /// # Errors
    /// All its faults.
    pub(super) fn compile(source: &Source) -> Result<Self, Diagnostics> {
        let root = yaml::parse(source)?;
        let reader = Reader::new(source.clone());
        let required = required::read(&reader, &root);
        let required = reader.finish(required)?;
        Ok(Self { source: source.clone(), required })
    }

    /// What the configuration undercuts; empty where it keeps everything.
    #[must_use]
    pub fn undercut(&self, stated: &Stated) -> Diagnostics {
        let Required { environment, issuers, sessions, partners, backend, clients, roles, softeners, .. } =
            &self.required;
        let mut told = Undercut { requirements: &self.source, stated: &stated.source, faults: Diagnostics::new() };
        let (named, place) = &stated.environment;
        if *named != environment.0 {
            let message = format!("this bundle is for `{}`, the configuration for `{named}`", environment.0);
            told.fault(environment.1, *place, message, "take the bundle of this environment");
        }
        for issuer in &stated.issuers {
            told.issuer(&issuers.0, issuers.1, issuer, "sign-in");
        }
        told.issuer(std::slice::from_ref(sessions), sessions.place, &stated.sessions, "session");
        for (name, host) in &stated.partners {
            match partners.0.iter().find(|(known, _)| known == name) {
                Some((_, required)) => told.host(required, host, &format!("`{name}`")),
                None => {
                    let message = format!("the configuration has a partner `{name}`, which is not among those here");
                    told.fault(partners.1, host.place, message, "take it out, or have it approved with its hosts");
                }
            }
        }
        if let (Some(required), Some(host)) = (backend, &stated.backend) {
            told.host(required, host, "the backend");
        }
        told.pinned(clients.backend.as_ref(), &stated.backend_clients, "clients of the backend's listener");
        if let Some(authorities) = &stated.partner_clients {
            told.pinned(clients.partner.as_ref(), authorities, "clients of the partners' listener");
        }
        for (role, place) in roles {
            if !stated.roles.as_ref().is_some_and(|named| named.contains(role)) {
                let message = format!("the configuration names nobody in the role `{}`", role.word());
                told.fault(*place, stated.roles_place, message, "name persons under `listeners: {admin: {roles: ..}}`");
            }
        }
        if named.as_str() != DEVELOPMENT {
            for softer in &stated.softeners {
                match softeners.iter().find(|(key, _, _)| *key == softer.key) {
                    Some((_, value, _)) if *value == softer.value => {}
                    Some((key, value, place)) => {
                        let message =
                            format!("approved for `{key}` is `{value}`, the configuration says `{}`", softer.value);
                        told.fault(
                            *place,
                            softer.place,
                            message,
                            "write what is approved, or have the other one approved",
                        );
                    }
                    None => {
                        let message = format!("the configuration softens `{}` to `{}`", softer.key, softer.value);
                        let help = "keep the default, or have it approved here under `softeners:`";
                        told.fault(Place::WHOLE, softer.place, message, help);
                    }
                }
            }
        }
        told.faults
    }

    /// Every issuer whose tokens may be accepted, that of session tokens last.
    #[must_use]
    pub fn issuers(&self) -> Vec<&str> {
        let Required { issuers, sessions, .. } = &self.required;
        issuers.0.iter().chain([sessions]).map(|issuer| &*issuer.issuer).collect()
    }

    /// Where a partner's data may go.
    #[must_use]
    pub fn hosts(&self, partner: &PartnerName) -> Option<&[Box<str>]> {
        let (_, hosts) = self.required.partners.0.iter().find(|(name, _)| name == partner)?;
        Some(&hosts.hosts)
    }

    /// Reports each partner that has a contract and no requirements, and the other way round.
    pub(super) fn hold_against<'a>(&self, contracts: impl Iterator<Item = &'a PartnerName>, faults: &mut Diagnostics) {
        let contracts: Vec<_> = contracts.collect();
        let (partners, place) = &self.required.partners;
        for name in contracts.iter().filter(|name| !partners.iter().any(|(known, _)| known == **name)) {
            let message = format!("the contract with `{name}` has no hosts here");
            let fault = self.source.fault("missing-partner", *place, message);
            faults.push(fault.help(format!("add `{name}: {{hosts: [..]}}`")));
        }
        for (name, hosts) in partners.iter().filter(|(name, _)| !contracts.contains(&name)) {
            let message = format!("there is no contract with `{name}`");
            let help = format!("add `contracts/{name}.openapi.yaml`, or take the partner out");
            faults.push(self.source.fault("missing-contract", hosts.place, message).help(help));
        }
    }
}

impl Undercut<'_> {
    fn fault(&mut self, here: Place, there: Place, message: String, help: &str) {
        let line = self.stated.text().lines().nth(usize::try_from(there.line).unwrap_or_default().saturating_sub(1));
        let there = match (there.line, line) {
            (0, _) | (_, None) => format!("`{}`", self.stated.path().display()),
            (number, Some(line)) => format!("`{}:{number}`: `{}`", self.stated.path().display(), line.trim()),
        };
        let help = format!("{help}. The configuration: {there}");
        self.faults.push(self.requirements.fault("requirement-undercut", here, message).help(help));
    }

    fn issuer(&mut self, required: &[RequiredIssuer], place: Place, stated: &StatedIssuer, kind: &str) {
        let name = &stated.issuer;
        let Some(known) = required.iter().find(|known| known.issuer == *name) else {
            let message =
                format!("the configuration accepts {kind} tokens of `{name}`, which is not approved for them here");
            return self.fault(
                place,
                stated.place,
                message,
                "take it out of the configuration, or have it approved here",
            );
        };
        for word in stated.bound.iter().filter(|word| !known.bind.contains(&&***word)) {
            let message = format!(
                "the configuration accepts tokens of `{name}` that are bound by `{word}`, which is not approved for them here"
            );
            self.fault(known.place, stated.place, message, "take it out of `bind`, or have it approved here");
        }
        let Some(keys) = &stated.keys else { return };
        if let Some(hosts) = known.hosts.as_ref().filter(|hosts| !hosts.contains(&keys.host)) {
            let message = format!("the configuration takes the keys of `{name}` from `{}`", keys.host);
            self.fault(known.place, keys.place, message, &format!("approved are {}", hosts.join(", ")));
        }
        self.pinned(
            known.authorities.as_ref(),
            &keys.authorities,
            &format!("where the keys of `{name}` are published"),
        );
    }

    fn host(&mut self, required: &RequiredHosts, stated: &StatedHost, whose: &str) {
        if !required.hosts.contains(&stated.host) {
            let message = format!("the configuration sends what is for {whose} to `{}`", stated.host);
            self.fault(required.place, stated.place, message, &format!("approved are {}", required.hosts.join(", ")));
        }
        self.pinned(required.authorities.as_ref(), &stated.authorities, whose);
    }

    /// Each of these authorities must be pinned, where any is.
    fn pinned(&mut self, pins: Option<&Pins>, stated: &Authorities, whose: &str) {
        let Some(Pins { digests, place }) = pins else { return };
        for [certificate, key] in &stated.digests {
            if !digests.contains(certificate) && !digests.contains(key) {
                let message = format!("an authority that certifies {whose} is not pinned here");
                let help = format!("have its certificate `{certificate}` or its key `{key}` approved here");
                self.fault(*place, stated.place, message, &help);
            }
        }
    }
}
