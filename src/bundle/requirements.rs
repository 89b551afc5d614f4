//! `requirements.yaml`: what `gateway.yaml` may not undercut. The bundle is approved; the configuration is not.
//!
//! Who can change the configuration alone must not be able to send a partner's data elsewhere or to accept the tokens of
//! another issuer. So the environment, the issuers and the hosts of each partner stand here too, and [`Requirements::undercut`]
//! holds the configuration against them.

use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::Name;
use crate::model::PartnerName;
use crate::yaml;
use crate::yaml::Node;
use crate::yaml::Reader;

/// What the configuration must keep, each with its place.
pub struct Requirements {
    source: Source,
    environment: (Name, Place),
    issuers: (Vec<Box<str>>, Place),
    partners: Vec<Partner>,
    partners_place: Place,
}

/// What a configuration states of the things that are required: plain values, whoever read them.
pub struct Stated<'a> {
    /// Its environment.
    pub environment: &'a Name,
    /// Every issuer whose tokens it accepts.
    pub issuers: Vec<&'a str>,
    /// Each partner and the host that its requests go to.
    pub partners: Vec<(&'a PartnerName, &'a str)>,
}

struct Partner {
    name: PartnerName,
    place: Place,
    hosts: Vec<Box<str>>,
}

impl Requirements {
    /// Reads the file.
    ///
    /// # Errors
    /// All its faults.
    pub(super) fn compile(source: &Source) -> Result<Self, Diagnostics> {
        let root = yaml::parse(source)?;
        let reader = Reader::new(source.clone());
        let requirements = read(&reader, &root);
        reader.finish(requirements)
    }

    /// What the configuration undercuts; empty where it keeps everything.
    #[must_use]
    pub fn undercut(&self, stated: &Stated<'_>) -> Diagnostics {
        let mut faults = Diagnostics::new();
        let mut fault = |place, message: String, help: String| {
            faults.push(self.source.fault("requirement-undercut", place, message).help(help));
        };
        let (environment, place) = &self.environment;
        if stated.environment != environment {
            let message = format!("this bundle is for `{environment}`, the configuration for `{}`", stated.environment);
            fault(*place, message, "take the bundle of this environment".to_owned());
        }
        let (issuers, place) = &self.issuers;
        for issuer in stated.issuers.iter().filter(|issuer| !issuers.iter().any(|known| **known == ***issuer)) {
            let message =
                format!("the configuration accepts tokens of `{issuer}`, which is not among the issuers here");
            fault(*place, message, "take it out of the configuration, or have it approved here".to_owned());
        }
        for (name, host) in &stated.partners {
            match self.partners.iter().find(|partner| partner.name == **name) {
                None => {
                    let message =
                        format!("the configuration has a partner `{name}`, which is not among the partners here");
                    fault(self.partners_place, message, "take it out, or have it approved with its hosts".to_owned());
                }
                Some(partner) if !partner.hosts.iter().any(|known| **known == **host) => {
                    let message = format!("the configuration sends requests for `{name}` to `{host}`");
                    fault(partner.place, message, format!("approved are {}", partner.hosts.join(", ")));
                }
                Some(_) => {}
            }
        }
        faults
    }

    /// Reports each partner that has a contract and no requirements, and the other way round.
    pub(super) fn hold_against<'a>(&self, contracts: impl Iterator<Item = &'a PartnerName>, faults: &mut Diagnostics) {
        let contracts: Vec<_> = contracts.collect();
        for name in contracts.iter().filter(|name| !self.partners.iter().any(|partner| partner.name == ***name)) {
            let message = format!("the contract with `{name}` has no hosts here");
            let fault = self.source.fault("missing-partner", self.partners_place, message);
            faults.push(fault.help(format!("add `{name}: {{hosts: [..]}}`")));
        }
        for partner in self.partners.iter().filter(|partner| !contracts.contains(&&partner.name)) {
            let message = format!("there is no contract with `{}`", partner.name);
            let help = format!("add `contracts/{}.openapi.yaml`, or take the partner out", partner.name);
            faults.push(self.source.fault("missing-contract", partner.place, message).help(help));
        }
    }
}

fn read(reader: &Reader, root: &Node) -> Option<Requirements> {
    let fields = reader.fields(root)?;
    let version = fields.required("version").and_then(|node| reader.bounded(node, 1, 1));
    let environment = fields
        .required("environment")
        .and_then(|node| Some((name(reader, node.place, reader.text(node)?)?, node.place)));
    let issuers = fields.required("issuers").and_then(|node| Some((texts(reader, node)?, node.place)));
    let partners = fields.required("partners").and_then(|node| Some((partners(reader, node)?, node.place)));
    fields.finish();
    version?;
    let (partners, partners_place) = partners?;
    Some(Requirements {
        source: reader.source().clone(),
        environment: environment?,
        issuers: issuers?,
        partners,
        partners_place,
    })
}

fn partners(reader: &Reader, node: &Node) -> Option<Vec<Partner>> {
    let fields = reader.fields(node)?;
    let mut read = Vec::new();
    for (key, node) in fields.rest() {
        let name = name(reader, key.place, &key.text);
        let hosts = reader.fields(node).and_then(|fields| {
            let hosts = fields.required("hosts").and_then(|node| texts(reader, node));
            fields.finish();
            hosts
        });
        read.push(name.zip(hosts).map(|(name, hosts)| Partner { name, place: key.place, hosts }));
    }
    fields.finish();
    read.into_iter().collect()
}

/// A list of texts, not empty, none twice.
fn texts(reader: &Reader, node: &Node) -> Option<Vec<Box<str>>> {
    let items = reader.list(node)?;
    if items.is_empty() {
        let fault = reader.source().fault("empty-list", node.place, "this list needs an entry");
        reader.report(fault.help("write down what is approved"));
    }
    let mut found: Vec<Box<str>> = Vec::new();
    for item in items {
        let text = reader.text(item)?;
        if found.iter().any(|known| **known == *text) {
            let fault = reader.source().fault("twice", item.place, format!("`{text}` stands here twice"));
            reader.report(fault.help("keep one of them"));
        }
        found.push(text.into());
    }
    Some(found)
}

fn name(reader: &Reader, place: Place, text: &str) -> Option<Name> {
    match Name::new(text) {
        Ok(name) => Some(name),
        Err(error) => {
            let fault = reader.source().fault("malformed-name", place, error.to_string());
            reader.report(fault.help("for instance `smarthome`, with at most 64 characters"));
            None
        }
    }
}
