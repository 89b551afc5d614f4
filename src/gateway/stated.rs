//! What the configuration states of the things that a bundle's requirements speak of, with the lines where it does; and the
//! digest of the configuration as it is in effect.

use crate::bundle::Authorities;
use crate::bundle::Stated;
use crate::bundle::StatedHost;
use crate::bundle::StatedIssuer;
use crate::bundle::StatedSoftener;
use crate::config;
use crate::config::Config;
use crate::config::Effective;
use crate::config::TlsPeer;
use crate::config::TokenSettings;
use crate::crypto::Certificate;
use crate::crypto::sha256;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::identity::Bind;
use crate::identity::TokenKind;
use crate::model::Role;
use crate::model::Sha256;
use rustls_pki_types::CertificateDer;

/// The keys of a configuration with their values and lines.
pub(super) struct InEffect(Vec<Effective>);

impl InEffect {
    /// Of the file that a configuration was read from.
    ///
    /// # Errors
    /// None that the configuration did not have.
    pub(super) fn of(config: &Config) -> Result<Self, Diagnostics> {
        config::effective_of(config.source.clone()).map(Self)
    }

    /// SHA-256 over a line `key=value` for each key that has a value, in the order of the documentation: limits and defaults
    /// too, and of secrets where they lie.
    pub(super) fn digest(&self) -> Sha256 {
        let lines = self.0.iter().filter_map(|one| Some(format!("{}={}\n", one.key, one.value.as_ref()?)));
        sha256(lines.collect::<String>().as_bytes())
    }

    fn key(&self, key: &str) -> Option<&Effective> {
        self.0.iter().find(|one| one.key == key)
    }

    fn value(&self, key: &str) -> &str {
        self.key(key).and_then(|one| one.value.as_deref()).unwrap_or_default()
    }

    fn place(&self, key: &str) -> Place {
        let line = self.key(key).and_then(|one| one.line);
        line.map_or(Place::WHOLE, |line| Place { line, column: 1 })
    }

    /// All that the requirements of a bundle are held against.
    pub(super) fn stated(&self, config: &Config) -> Stated {
        let issuers = config.identity.issuers.iter().enumerate();
        // Where an issuer's keys are fetched, or it is asked about its tokens: either decides which tokens are good.
        let sources = config.key_sources.iter().map(|source| (&source.issuer, &source.at));
        let asked = config.introspection.iter().map(|asked| (&asked.issuer, &asked.at));
        let places: Vec<_> = sources.chain(asked).collect();
        let keys_of = |issuer: &str| places.iter().find(|(name, _)| ***name == *issuer).map(|(_, at)| *at);
        let issuer = |key: String, issuer: &str, bound: &str| StatedIssuer {
            issuer: issuer.into(),
            keys: keys_of(issuer).map(|at| StatedHost {
                host: at.host.clone(),
                place: self.place(&key),
                authorities: self.authorities_of(&at.roots, &key),
            }),
            bound: bound.trim_matches(['[', ']']).split(", ").map(Into::into).collect(),
            place: self.place(&key),
        };
        let of_kind = |kind| issuers.clone().filter(move |(_, issuer)| issuer.kind == kind);
        // Session tokens are bound to an app's key, and no setting changes that.
        let mut session = of_kind(TokenKind::Session)
            .map(|(_, of)| issuer("sessions.issuer".to_owned(), &of.issuer, Bind::Dpop.word()));
        let sign_in = of_kind(TokenKind::SignIn).map(|(at, of)| {
            let bound = self.value(&format!("issuers[{at}].bind"));
            issuer(format!("issuers[{at}].issuer"), &of.issuer, bound)
        });
        let partners = config.partners.iter().flat_map(|partner| {
            let name = &partner.name;
            let authorities = || self.authorities(&partner.tls, &format!("partners.{name}.tls.ca"));
            let host = |host: &str, key: String| {
                (name.clone(), StatedHost { host: host.into(), place: self.place(&key), authorities: authorities() })
            };
            let server = match &partner.token {
                TokenSettings::Minted(_) => None,
                TokenSettings::Fetched(server) => Some(&server.at),
            };
            // It is told of every command what is to be moved.
            let server = server.map(|at| {
                let key = format!("partners.{name}.token.fetch");
                let authorities = self.authorities_of(&at.roots, &format!("{key}.tls.ca"));
                let place = self.place(&format!("{key}.url"));
                (name.clone(), StatedHost { host: at.host.clone(), place, authorities })
            });
            let endpoint = partner.endpoint.as_ref();
            let endpoint = endpoint.map(|to| host(&to.host, format!("partners.{name}.webhooks.endpoint")));
            std::iter::once(host(&partner.host, format!("partners.{name}.upstream"))).chain(endpoint).chain(server)
        });
        let backend = config.to_backend.as_ref().map(|backend| StatedHost {
            host: backend.host.clone(),
            place: self.place("backend.upstream"),
            authorities: self.authorities(&backend.tls, "backend.tls.ca"),
        });
        let persons = config.admin_persons.as_ref();
        let softener = |softener: config::Softener| StatedSoftener {
            value: self.value(&softener.key).into(),
            place: self.place(&softener.key),
            key: softener.key.into(),
        };
        Stated {
            source: config.source.clone(),
            environment: (config.environment.clone(), self.place("environment")),
            issuers: sign_in.collect(),
            sessions: session.next().unwrap_or_else(|| issuer("sessions.issuer".to_owned(), "", "")),
            partners: partners.collect(),
            backend,
            backend_clients: self.authorities(&config.backend.tls, "listeners.backend.tls.client_ca"),
            partner_clients: config
                .partner_listener
                .as_ref()
                .map(|listener| self.authorities(&listener.tls, "listeners.partner.tls.client_ca")),
            roles: persons
                .map(|persons| persons.iter().flat_map(|person| &person.roles).copied().collect::<Vec<Role>>()),
            roles_place: self.place("listeners.admin.socket"),
            softeners: config.softeners().into_iter().map(softener).collect(),
        }
    }

    fn authorities(&self, tls: &TlsPeer, key: &str) -> Authorities {
        self.authorities_of(&tls.roots, key)
    }

    fn authorities_of(&self, roots: &[CertificateDer<'static>], key: &str) -> Authorities {
        // One that cannot be read stands for itself: no pin is that of nothing.
        let pins = roots.iter().map(|root| Certificate::pins(root).unwrap_or_else(|_| [sha256(root); 2]));
        Authorities { digests: pins.collect(), place: self.place(key) }
    }
}
