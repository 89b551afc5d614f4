//! The other end of a TLS connection, by its certificate. Made once per connection.

use crate::crypto::Certificate;
use crate::crypto::Standing;
use crate::crypto::SubjectName;
use crate::identity::fault::IdentityFault;
use std::sync::Arc;

/// The peer: its certificate, which TLS has verified, and the one name in it.
#[derive(Clone, Debug)]
pub struct Peer {
    certificate: Arc<Certificate>,
    name: Arc<str>,
    standing: Arc<Standing>,
}

impl Peer {
    /// Names the peer: by the only URI of its certificate; if there is no URI, by the only DNS name. `standing` tells at any
    /// later time whether it is still trusted.
    ///
    /// # Errors
    /// [`IdentityFault::PeerNameless`], [`IdentityFault::PeerAmbiguous`].
    pub fn of(certificate: Arc<Certificate>, standing: Arc<Standing>) -> Result<Self, IdentityFault> {
        let uris = certificate.names.iter().filter_map(|name| match name {
            SubjectName::Uri(text) => Some(&**text),
            SubjectName::Dns(_) => None,
        });
        let hosts = certificate.names.iter().filter_map(|name| match name {
            SubjectName::Dns(text) => Some(&**text),
            SubjectName::Uri(_) => None,
        });
        let name = match only(uris)? {
            Some(uri) => uri,
            None => only(hosts)?.ok_or(IdentityFault::PeerNameless)?,
        };
        Ok(Self { name: name.into(), certificate, standing })
    }

    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Arc<Certificate> {
        &self.certificate
    }

    /// Whether it is still trusted, to be asked.
    #[must_use]
    pub const fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// The name, for instance `spiffe://prop.example/backend`. Our own authority certified it, so it may be printed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn only<'n>(mut names: impl Iterator<Item = &'n str>) -> Result<Option<&'n str>, IdentityFault> {
    let first = names.next();
    match names.next() {
        Some(_) => Err(IdentityFault::PeerAmbiguous),
        None => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixSeconds;
    use crate::crypto::a_standing;
    use crate::crypto::sha256;

    fn peer(names: &[SubjectName]) -> Result<String, IdentityFault> {
        let certificate = Certificate {
            thumbprint: sha256(b"certificate"),
            names: names.to_vec(),
            not_before: UnixSeconds::new(0),
            not_after: UnixSeconds::new(1),
            serial: Box::default(),
            client_auth: true,
            server_auth: false,
        };
        Peer::of(Arc::new(certificate), a_standing()).map(|peer| peer.name().to_owned())
    }

    #[test]
    fn a_peer_is_named_by_its_only_uri_or_else_by_its_only_host() {
        let uri = |text: &str| SubjectName::Uri(text.into());
        let host = |text: &str| SubjectName::Dns(text.into());
        assert_eq!(peer(&[uri("spiffe://a/b")]), Ok("spiffe://a/b".to_owned()));
        assert_eq!(peer(&[host("x.example"), uri("spiffe://a/b"), host("y.example")]), Ok("spiffe://a/b".to_owned()));
        assert_eq!(peer(&[host("x.example")]), Ok("x.example".to_owned()));
        assert_eq!(peer(&[]), Err(IdentityFault::PeerNameless));
        assert_eq!(peer(&[uri("spiffe://a/b"), uri("spiffe://a/c")]), Err(IdentityFault::PeerAmbiguous));
        assert_eq!(peer(&[host("x.example"), host("y.example")]), Err(IdentityFault::PeerAmbiguous));
    }
}
