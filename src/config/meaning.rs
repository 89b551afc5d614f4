//! From what was written to what is meant: files read, names held against one another.

use crate::config::audit;
use crate::config::backend;
use crate::config::callers;
use crate::config::clients;
use crate::config::deliver;
use crate::config::expiries;
use crate::config::files::Files;
use crate::config::introspection;
use crate::config::introspection::IntrospectionSettings;
use crate::config::key_sources;
use crate::config::key_sources::KeySourceSettings;
use crate::config::key_sources::Keys;
use crate::config::partner_tokens;
use crate::config::sessions;
use crate::config::settings::Config;
use crate::config::settings::ListenAddress;
use crate::config::settings::PartnerSettings;
use crate::config::settings::Places;
use crate::config::settings::StoreSettings;
use crate::config::values::At;
use crate::config::written;
use crate::config::written::VerifiedBy;
use crate::config::written::Written;
use crate::crypto::KeySet;
use crate::crypto::PublishedKeys;
use crate::crypto::SecretKey;
use crate::crypto::SivKey;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::directory;
use crate::identity::IdentitySettings;
use crate::identity::IssuerKeys;
use crate::identity::IssuerSettings;
use crate::identity::TokenKind;
use crate::model::DEVELOPMENT;
use crate::model::Side;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Resolves a whole file, whose tree `root` is. All faults go to `reader`.
pub(super) fn of(reader: &Reader, root: &Node, written: Written) -> Option<Config> {
    let mut files = Files::new(reader);
    let issuers = written.issuers.iter().map(|issuer| &issuer.issuer);
    distinct(reader, issuers.chain([&written.sessions.issuer]), "issuer");
    distinct(reader, written.partners.iter().map(|partner| &partner.authority), "authority");
    distinct(reader, written.partners.iter().filter_map(|partner| partner.peer.as_ref()), "peer");
    one_is_asked(reader, &written);
    callers::fit_together(reader, &written);
    sessions::tell_subjects_apart(reader, &written);
    let public = At { place: written.place, value: written.public_url.host().into() };
    let authorities = written.partners.iter().map(|partner| &partner.authority).chain([&public]);
    let authorities: Vec<_> = authorities.collect();
    let backend = callers::door(&mut files, &written.backend, Side::Backend, &authorities);
    let calling = written.partners.iter().filter(|partner| partner.peer.is_some());
    let calling: Vec<_> = calling.map(|partner| &partner.authority).collect();
    let partner_listener = match &written.partner_door {
        Some(door) => callers::door(&mut files, door, Side::Partner, &calling).map(Some),
        None => Some(None),
    };
    let partners_tls = partner_listener.iter().flatten().next().map(|door| &door.tls);
    callers::apart(reader, &written, backend.as_ref().map(|door| &door.tls), partners_tls);
    let client_tokens = clients::meant(&mut files, written.clients.as_ref(), written.limits.clock_skew_s);
    let to_backend = backend::meant(reader, &mut files, &written);
    let bundle_signers = bundle_signers(reader, &written);
    let mut elsewhere = Elsewhere::default();
    let read = |from| issuer(reader, &mut files, from, &mut elsewhere);
    let mut issuers: Vec<_> = written.issuers.into_iter().map(read).collect();
    let (sessions, accepted) = sessions::meant(reader, &mut files, written.sessions, &written.public_url).unzip();
    issuers.push(accepted);
    let partners: Vec<_> = written.partners.into_iter().map(|from| partner(reader, &mut files, from)).collect();
    let policies = files.folder(&written.policies.directory);
    let directory = files.file(&written.directory.file);
    let signed_by = written.directory.keys.as_ref().map(|at| signers(&mut files, at));
    let path = files.place_for_file(&written.store.path);
    let key = files.key(&written.store.key, "the key of the store", SecretKey::from_secret);
    let places = Places {
        backend: written.backend.address.place,
        partner_listener: written.partner_door.as_ref().map_or(Place::WHOLE, |door| door.address.place),
        ops: written.ops.as_ref().map_or(Place::WHOLE, |at| at.place),
        admin_socket: written.admin_socket.as_ref().map_or(Place::WHOLE, |at| at.place),
        policies: written.policies.signers.as_ref().map_or(written.policies.place, |at| at.place),
        directory: written.directory.file.place,
        audit: written.audit.directory.place,
        store: written.store.path.place,
        connections_max: written.connections_max_at,
    };
    let audit = audit::meant(reader, &mut files, written.audit);
    let socket = written.admin_socket.as_ref().map_or(Some(None), |at| files.place_for_file(at).map(Some));
    if written.environment.value.as_str() != DEVELOPMENT {
        files.refuse_development();
    }
    let (watched, run_out, public_keys) = files.into_parts();
    Some(Config {
        source: reader.source().clone(),
        environment: written.environment.value,
        workers: written.workers.unwrap_or_else(written::cores),
        backend: backend?,
        partner_listener: partner_listener?,
        to_backend: to_backend?,
        ops: written.ops.map_or(written::OPS_ADDRESS, |at| at.value),
        admin_socket: socket?,
        admin_persons: written.admin_persons,
        identity: IdentitySettings {
            issuers: issuers.into_iter().collect::<Option<_>>()?,
            clock_skew_s: written.limits.clock_skew_s,
            proof_age_s: written.limits.proof_age_s,
            public_url: written.public_url,
        },
        key_sources: elsewhere.key_sources,
        introspection: elsewhere.introspection,
        public_keys,
        sessions: sessions?,
        client_tokens: client_tokens?,
        partners: partners.into_iter().collect::<Option<_>>()?,
        policies: policies?,
        signers: bundle_signers?,
        reload: written.policies.reload.unwrap_or_default(),
        directory: directory?,
        directory_updates: directory::Settings {
            keys: signed_by.map_or(Some(None), |keys| keys.map(Some))?,
            max_age_s: written.directory.max_age.map(|age| age.as_secs()),
        },
        audit: audit?,
        store: StoreSettings { path: path?, key: key? },
        limits: written.limits,
        watched,
        expiries: expiries::named(root, run_out),
        digests: None,
        places,
        warnings: Diagnostics::new(),
    })
}

/// The list of those who sign bundles. Only development goes without.
fn bundle_signers(reader: &Reader, written: &Written) -> Option<Option<PathBuf>> {
    let at = written.policies.signers.as_ref();
    if at.is_none() && written.environment.value.as_str() != DEVELOPMENT {
        let message = format!("`signers` is missing, and `{}` takes no unsigned bundle", written.environment.value);
        let fault = reader.source().fault("missing-key", written.policies.place, message);
        reader.report(fault.help("name the list of those who sign bundles (docs/approvals.md): `signers: <file>`"));
        return None;
    }
    Some(at.map(|at| at.value.clone()))
}

/// The backend's keys that sign the directory. None of them signs tokens too.
fn signers(files: &mut Files<'_>, at: &At<PathBuf>) -> Option<Arc<KeySet>> {
    files.key_set(at, &[], "a key that signs the directory").map(Arc::new)
}

/// The operator's socket alone.
pub(super) fn socket(reader: &Reader, written: &Written) -> Option<PathBuf> {
    if written.admin_socket.is_none() {
        let fault = reader.source().fault("missing-key", written.place, "the file names no socket for the operator");
        reader.report(fault.help("under `listeners:`, `admin: {socket: /run/portcullis/admin.sock}`"));
    }
    written.admin_socket.as_ref().map(|at| at.value.clone())
}

/// The address of the ops listener alone.
pub(super) fn ops(reader: &Reader, written: &Written) -> Option<SocketAddr> {
    match written.ops.as_ref().map_or(&written::OPS_ADDRESS, |at| &at.value) {
        ListenAddress::Bind(address) => Some(*address),
        ListenAddress::HandedOver(name) => {
            let place = written.ops.as_ref().map_or(Place::WHOLE, |at| at.place);
            let message = format!("the supervisor binds this listener, as `{name}`; its address is not in this file");
            reader.report(reader.source().fault("handed-over", place, message).help("name it with `--ops <address>`"));
            None
        }
    }
}

/// Where issuers are asked, for their keys or about their tokens.
#[derive(Default)]
struct Elsewhere {
    key_sources: Vec<KeySourceSettings>,
    introspection: Option<IntrospectionSettings>,
}

/// Reports a second issuer that is to be asked about tokens.
fn one_is_asked(reader: &Reader, written: &Written) {
    let asked = written.issuers.iter().filter_map(|issuer| match &issuer.verified_by {
        VerifiedBy::Asking(introspection) => Some(introspection.at.place),
        VerifiedBy::Keys(..) => None,
    });
    for place in asked.skip(1) {
        let message =
            "a second issuer is to be asked about tokens, and a token that says nothing does not say whose it is";
        let fault = reader.source().fault("two-introspections", place, message);
        reader.report(fault.help("keep one `introspection`; the tokens of all others are verified by `jwks`"));
    }
}

/// An issuer; where it is asked for something, that goes to `elsewhere`.
fn issuer(
    reader: &Reader,
    files: &mut Files<'_>,
    written: written::Issuer,
    elsewhere: &mut Elsewhere,
) -> Option<IssuerSettings> {
    let name = written.issuer.value;
    let (keys, algorithms) = match written.verified_by {
        VerifiedBy::Keys(Keys::File(at), algorithms) => {
            let purpose = format!("a key that signs tokens of `{name}`");
            (IssuerKeys::from(Arc::new(files.key_set(&at, &algorithms, &purpose)?)), algorithms)
        }
        VerifiedBy::Keys(Keys::Published(at), algorithms) => {
            let (source, keep_s) = key_sources::meant(reader, files, *at, &name, &algorithms)?;
            elsewhere.key_sources.push(source);
            (IssuerKeys::Remote { keep_s }, algorithms)
        }
        VerifiedBy::Asking(asking) => {
            let (place, asking_as, keep_s) = introspection::meant(reader, files, *asking, &name)?;
            let timeout = place.timeout;
            elsewhere.introspection = Some(place);
            (IssuerKeys::Asked { keep_s, timeout, asking_as }, Vec::new())
        }
    };
    Some(IssuerSettings {
        keys,
        issuer: name.into(),
        audience: written.audience.into(),
        algorithms,
        max_lifetime_s: written.max_lifetime.as_secs(),
        bind: written.bind,
        kind: TokenKind::SignIn,
        rules: written.rules,
    })
}

fn partner(reader: &Reader, files: &mut Files<'_>, written: written::Partner) -> Option<PartnerSettings> {
    let calls = callers::calls(files, &written);
    let At { place, value: name } = written.name;
    let tls = files.tls(&written.tls, &format!("the TLS key towards `{name}`"));
    let crls = files.crls(&written.tls.crls, tls.as_ref());
    let token = partner_tokens::meant(reader, files, written.token, &name);
    let purpose = format!("the key that signs requests to `{name}`");
    let signing = signing_keys(files, &written.signing, &purpose);
    let purpose = format!("the key of pseudonyms for `{name}`");
    let pseudonym_key = files.key(&written.pseudonym_key, &purpose, SivKey::from_secret);
    let upstream = written.upstream.value;
    let server_name = match written.server_name {
        Some(at) => Some(at.value),
        None if upstream.is_address => {
            let message = "an upstream that is an address needs the name in its certificate";
            let fault = reader.source().fault("missing-key", written.upstream.place, message);
            reader.report(fault.help("add `server_name: <host name>` to this partner"));
            None
        }
        None => Some(upstream.host.clone()),
    };
    let endpoint = match written.endpoint {
        Some(endpoint) => deliver::meant(reader, files, endpoint, &name).map(Some),
        None => Some(None),
    };
    Some(PartnerSettings {
        name,
        place,
        authority: written.authority.value,
        host: upstream.host,
        port: upstream.port,
        server_name: server_name?,
        tls: tls?,
        crls: crls?,
        token: token?,
        signing: signing?,
        pseudonym_key: pseudonym_key?,
        endpoint: endpoint?,
        calls: calls?,
    })
}

/// The keys of all these files: the first signs, the others are told to whoever verifies, before they sign.
fn signing_keys(files: &mut Files<'_>, all: &[At<PathBuf>], purpose: &str) -> Option<PublishedKeys> {
    let read: Vec<_> = all.iter().map(|at| files.signing_key(at, purpose)).collect();
    PublishedKeys::new(read.into_iter().collect::<Option<Vec<_>>>()?)
}

/// Reports each that an earlier one equals.
fn distinct<'a>(reader: &Reader, all: impl Iterator<Item = &'a At<Box<str>>>, what: &str) {
    let mut seen: Vec<&str> = Vec::new();
    for at in all {
        if seen.contains(&&*at.value) {
            let fault =
                reader.source().fault("twice", at.place, format!("the {what} `{}` stands here twice", at.value));
            reader.report(fault.help("each stands for one thing: give this one a name of its own"));
        }
        seen.push(&at.value);
    }
}
