//! The stage: a folder in which a gateway can run, and the simulated partners that move its doors and its barriers.

use crate::harness::prover::Desk;
use crate::harness::prover::Prover;
use portcullis::clock::Clock;
use portcullis::clock::SystemClock;
use portcullis::clock::UnixSeconds;
use portcullis::crypto::TlsIdentity;
use portcullis::crypto::install_provider;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::AppKey;
use portcullis::devkit::Backend;
use portcullis::devkit::GatewayFolder;
use portcullis::devkit::PartnerSettings;
use portcullis::devkit::Progress;
use portcullis::devkit::SimulatedPartner;
use portcullis::devkit::TokenClaims;
use portcullis::devkit::TokenIssuer;
use portcullis::tasks::Tasks;
use std::fs;
use std::future::Future;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Limits under which tests need not hurry and may go on as fast as they can: one person gives a thousand commands.
const UNHURRIED: &[&str] = &[
    "subject_rate_per_minute: 1000000",
    "device_rate_per_minute: 1000000",
    "object_rate_per_minute: 1000000",
    "record_timeout_ms: 10s",
    "shutdown_lead_ms: 0ms",
];

/// Everything around a gateway.
pub struct Stage {
    /// Goes with the stage.
    _place: TempDir,
    folder: GatewayFolder,
    runtime: Runtime,
    /// What the proofs of app instances go by.
    pub desk: Arc<Desk>,
    /// The smart-home partner.
    pub partner: SimulatedPartner,
    /// The one that runs the barriers.
    pub parkline: SimulatedPartner,
}

impl Deref for Stage {
    type Target = GatewayFolder;

    fn deref(&self) -> &GatewayFolder {
        &self.folder
    }
}

impl Stage {
    /// A stage with files, and a partner that behaves.
    pub fn new() -> Self {
        Self::by(Arc::new(SystemClock::new()))
    }

    /// A stage whose partner goes by another clock.
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        install_provider().unwrap();
        let place = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let folder = GatewayFolder::make(place.path(), now()).unwrap();
        let smarthome = PartnerSettings::new(&folder.pki, folder.trust().unwrap()).unwrap();
        let parkline = PartnerSettings::parkline(&folder.pki, folder.parkline_trust().unwrap()).unwrap();
        let [partner, parkline] = [smarthome, parkline].map(|settings| {
            let settings = PartnerSettings { clock: Arc::clone(&clock), ..settings };
            runtime.block_on(SimulatedPartner::start(settings)).unwrap()
        });
        folder.configure(partner.address(), parkline.address()).unwrap();
        let stage = Self { _place: place, folder, runtime, desk: Arc::default(), partner, parkline };
        stage.edit("gateway.yaml", "limits: {}", &format!("limits: {{{}}}", UNHURRIED.join(", ")));
        stage
    }

    /// Replaces text in a file of the stage; it must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "`{from}` is not in {name}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// Adds limits to the configuration, as they are written under `limits:`.
    pub fn limit(&self, limits: &str) {
        let set: Vec<&str> = limits.split(',').filter_map(|limit| limit.split(':').next()).map(str::trim).collect();
        let ours = UNHURRIED.iter().filter(|limit| !set.contains(&limit.split(':').next().unwrap()));
        let written = ours.copied().chain([limits]).collect::<Vec<_>>().join(", ");
        self.edit("gateway.yaml", &format!("{{{}}}", UNHURRIED.join(", ")), &format!("{{{written}}}"));
        if set.contains(&"bytes_in_flight_max") {
            // A face template would find no room beside an answer, and the contract would not load.
            let (long, short) = ("limits: {body_max_bytes: 8MiB}", "limits: {body_max_bytes: 64KiB}");
            self.edit("policies/contracts/smarthome.openapi.yaml", long, short);
        }
    }

    /// Waits for something that a test does with sockets.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.wait_within(Duration::from_secs(60), work)
    }

    /// Waits as long as this for something that takes longer than usual.
    pub fn wait_within<T>(&self, deadline: Duration, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            tokio::time::timeout(deadline, work).await.expect("the test waits for something that does not come")
        })
    }

    /// Runs something beside the test.
    pub fn beside<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let _inside = self.runtime.enter();
        Tasks::new().spawn(work)
    }

    /// A backend that calls `gateway` with the good certificate.
    pub fn backend(&self, gateway: SocketAddr) -> Backend {
        self.backend_as(gateway, Some(&self.pki.backend.identity().unwrap()))
    }

    /// A backend that means the partner of `authority`.
    pub fn backend_for(&self, gateway: SocketAddr, authority: &str) -> Backend {
        let identity = self.pki.backend.identity().unwrap();
        Backend::new(gateway, authority, Some(&identity), vec![self.pki.gateway_authority.root()]).unwrap()
    }

    /// A backend that calls `gateway` with another certificate, or none.
    pub fn backend_as(&self, gateway: SocketAddr, identity: Option<&TlsIdentity>) -> Backend {
        Backend::new(gateway, AUTHORITY, identity, vec![self.pki.gateway_authority.root()]).unwrap()
    }

    /// A client that calls at the partners' door of a gateway, with the partner's own certificate.
    pub fn caller(&self, partners: Option<SocketAddr>) -> Backend {
        self.backend_as(partners.unwrap(), Some(&self.pki.partner_client.identity().unwrap()))
    }

    /// The app instance of this key.
    pub fn prover(&self, key: &Arc<AppKey>) -> Prover {
        Prover::new(key, &self.desk)
    }

    /// The claims of a good session token for house-1, door-1 of the tenant north.
    pub fn claims(&self) -> TokenClaims {
        self.claims_of(&self.sessions)
    }

    /// The same claims from another issuer.
    pub fn claims_of(&self, issuer: &TokenIssuer) -> TokenClaims {
        self.resident(issuer, now())
    }

    /// Waits until the partner is so far.
    pub fn partner_until(&self, reached: impl FnMut(&Progress) -> bool) {
        self.wait(self.partner.until(reached));
    }

    /// Fails the test if the partner received a byte above TLS on any connection. The gateway must have ended: then
    /// whatever it sent has come by the time that all connections have ended.
    pub fn assert_nothing_was_sent(&self) {
        self.partner_until(|partner| partner.ended == partner.connections);
        assert_eq!((self.partner.progress().bytes, self.partner.total_actuations()), (0, 0));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.runtime.block_on(self.partner.stop());
        self.runtime.block_on(self.parkline.stop());
    }
}

/// The time that tokens are made by.
pub fn now() -> UnixSeconds {
    SystemClock::new().now().seconds()
}
