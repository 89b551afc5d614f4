//! Our side of a handshake outward: who we are there, whom we trust, and until when both hold.
//!
//! Trusted are servers whose certificates chain to the given authorities and whom no list in force revokes; where there is any
//! list, every certificate of a chain needs one that speaks for it, and a list that has run out speaks for nobody. Whether our own
//! certificate and the lists are in force is asked before a connection is made or used again, since the handshake asks once, and
//! the other side says no more of an expired certificate than that it does not like it. Time comes from the clock.

use crate::clock::Clock;
use crate::clock::UnixSeconds;
use crate::crypto::certificate::Certificate;
use crate::crypto::crl::Crl;
use crate::crypto::provider::provider;
use crate::crypto::tls::OurTime;
use crate::crypto::tls::TlsError;
use crate::crypto::tls::root_store;
use crate::crypto::tls::spelled;
use crate::crypto::tls_files::TlsIdentity;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS12;
use rustls::version::TLS13;
use rustls_pki_types::CertificateDer;
use std::sync::Arc;

/// Our side towards one place.
pub struct Outward {
    config: Arc<ClientConfig>,
    /// The seconds in which our own certificate is valid; `None` where we show none.
    own: Option<(UnixSeconds, UnixSeconds)>,
    /// The first second in which a list no longer speaks.
    lists_end: Option<UnixSeconds>,
}

/// What is not in force, so that no handshake could succeed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lapsed {
    /// Our own certificate is not valid yet, or no longer.
    OwnCertificate,
    /// A revocation list about the other side has run out.
    List,
}

impl Outward {
    /// As `identity`, towards servers of `roots` whom no list revokes, speaking HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(
        identity: &TlsIdentity,
        roots: Vec<CertificateDer<'static>>,
        lists: Vec<Crl>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        Self::speaking(&["http/1.1"], Some(identity), roots, lists, clock)
    }

    /// As `identity`, or as nobody in particular, towards servers of `roots` whom no list revokes, speaking `protocols`, which
    /// are negotiated (RFC 7301); without any, nothing is said of them.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn speaking(
        protocols: &[&str],
        identity: Option<&TlsIdentity>,
        roots: Vec<CertificateDer<'static>>,
        lists: Vec<Crl>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let leaf = |identity: &TlsIdentity| identity.chain().first().and_then(|leaf| Certificate::parse(leaf).ok());
        let own = identity.map(|identity| leaf(identity).ok_or(TlsError::Own)).transpose()?;
        let lists_end = lists.iter().map(|list| list.ends_at).min();
        let lists = lists.into_iter().map(|list| list.der);
        // Without a list none is asked; with any, unknown status is refused at every certificate of a chain.
        let verifier = WebPkiServerVerifier::builder_with_provider(root_store(roots)?, provider())
            .with_crls(lists)
            .enforce_revocation_expiration()
            .build()
            .map_err(|_| TlsError::Crl)?;
        let config = ClientConfig::builder_with_details(provider(), Arc::new(OurTime(clock)))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|_| TlsError::Versions)?
            .with_webpki_verifier(verifier);
        let mut config = match identity {
            Some(identity) => {
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.certified))))
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = spelled(protocols);
        config.resumption = Resumption::disabled();
        config.require_ems = true;
        Ok(Self { config: Arc::new(config), own: own.map(|own| (own.not_before, own.not_after)), lists_end })
    }

    /// For the handshakes.
    #[must_use]
    pub const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// What is not in force at `now`, if anything is not.
    #[must_use]
    pub fn lapsed(&self, now: UnixSeconds) -> Option<Lapsed> {
        if self.own.is_some_and(|(from, to)| now < from || to < now) {
            return Some(Lapsed::OwnCertificate);
        }
        self.lists_end.filter(|end| *end <= now).map(|_| Lapsed::List)
    }
}

impl std::fmt::Debug for Outward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outward")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::crypto::install_provider;
    use crate::devkit::Pki;
    use crate::devkit::Validity;

    #[test]
    fn our_certificate_and_their_lists_hold_to_their_last_second_and_not_one_longer() {
        install_provider().unwrap();
        let now = SystemClock::new().now().seconds();
        let pki = Pki::new(now).unwrap();
        let list = pki.partner_authority.crl(&[], Validity { from: now, until: now.plus(100) }).unwrap();
        let lists = Crl::parse(list.as_bytes()).unwrap();
        let (list_ends, identity) = (lists[0].ends_at, pki.gateway_at_partner.identity().unwrap());
        let own = pki.gateway_at_partner.parsed().unwrap();
        let side = |lists| {
            let roots = vec![pki.partner_authority.root()];
            Outward::new(&identity, roots, lists, Arc::new(SystemClock::new())).unwrap()
        };
        let before = |time: UnixSeconds| UnixSeconds::new(time.get() - 1);
        let (without, with) = (side(Vec::new()), side(lists));
        assert_eq!(without.lapsed(before(own.not_before)), Some(Lapsed::OwnCertificate));
        assert_eq!([own.not_before, own.not_after].map(|time| without.lapsed(time)), [None, None]);
        assert_eq!(without.lapsed(own.not_after.plus(1)), Some(Lapsed::OwnCertificate));
        assert_eq!(with.lapsed(before(list_ends)), None);
        assert_eq!(with.lapsed(list_ends), Some(Lapsed::List));
    }
}
