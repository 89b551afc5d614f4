//! A place in the network that the gateway calls for its own ends, where it need not show a certificate: a destination of records,
//! an issuer's keys. First as written, then what it means.

use crate::config::files::Files;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::config::values::Upstream;
use crate::crypto::TlsIdentity;
use crate::yaml::Node;
use crate::yaml::Reader;
use rustls_pki_types::CertificateDer;
use std::path::PathBuf;

/// A place in the network, and who both sides are there.
pub struct RemotePlace {
    /// Host name or address.
    pub host: Box<str>,
    /// The port.
    pub port: u16,
    /// The name that its certificate must bear, sent as SNI.
    pub server_name: Box<str>,
    /// Who signs its certificate; nobody else does.
    pub roots: Vec<CertificateDer<'static>>,
    /// Who we are there, where it asks.
    pub identity: Option<TlsIdentity>,
}

/// A place in the network as it is written.
pub(super) struct Remote {
    pub(super) at: At<Upstream>,
    pub(super) server_name: Option<At<Box<str>>>,
    pub(super) ca: At<PathBuf>,
    pub(super) own: Option<(At<PathBuf>, At<PathBuf>)>,
}

/// Who signs the other side's certificate, and our own with its key, where there is one.
pub(super) type Tls = (At<PathBuf>, Option<(At<PathBuf>, At<PathBuf>)>);

pub(super) fn tls(reader: &Reader, node: &Node) -> Option<Tls> {
    let map = Map::open(reader, node)?;
    let ca = map.need("ca", values::path);
    let certificate = map.may("certificate", values::path);
    let key = map.may("key", values::path);
    map.close();
    let own = match (certificate?, key?) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => {
            let message = "a certificate needs its `key`, and a key its `certificate`";
            return values::fault(reader, node, "missing-key", message, Some("name both, or neither"));
        }
    };
    Some((ca?, own))
}

/// What it means: the files are read. `what` is its kind and itself, for faults and purposes: `a destination`, `the
/// destination of that name`.
pub(super) fn meant(
    reader: &Reader,
    files: &mut Files<'_>,
    written: Remote,
    (kind, whom): (&str, &str),
) -> Option<RemotePlace> {
    let Remote { at: At { place, value: Upstream { host, port, is_address } }, server_name, ca, own } = written;
    let roots = files.roots(&ca);
    let purpose = format!("the TLS key towards {whom}");
    let identity = match &own {
        Some((certificate, key)) => files.identity(certificate, key, &purpose).map(Some),
        None => Some(None),
    };
    let server_name = match server_name {
        Some(at) => Some(at.value),
        None if is_address => {
            let message = format!("{kind} that is an address needs the name in its certificate");
            let fault = reader.source().fault("missing-key", place, message);
            reader.report(fault.help("add `server_name: <host name>` beside it"));
            None
        }
        None => Some(host.clone()),
    };
    Some(RemotePlace { host, port, server_name: server_name?, roots: roots?, identity: identity? })
}
