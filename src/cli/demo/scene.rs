//! The scene: a temporary folder, a gateway in a process of its own, a partner that moves doors and one that moves barriers,
//! and a backend that asks for it.

use crate::cli::demo::record;
use crate::cli::demo::record::Record;
use crate::cli::demo::session::Proof;
use crate::cli::demo::session::fresh_key;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::UnixSeconds;
use crate::crypto::KeySetError;
use crate::crypto::SignError;
use crate::crypto::SigningAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::TlsIdentity;
use crate::devkit::AUTHORITY;
use crate::devkit::AppKey;
use crate::devkit::BACKEND;
use crate::devkit::Backend;
use crate::devkit::BackendAnswer;
use crate::devkit::BackendFault;
use crate::devkit::BackendSetupError;
use crate::devkit::EventReceiver;
use crate::devkit::FolderError;
use crate::devkit::GatewayFolder;
use crate::devkit::GatewayProcess;
use crate::devkit::Household;
use crate::devkit::InboundKit;
use crate::devkit::PartnerSettings;
use crate::devkit::PkiError;
use crate::devkit::ProcessFault;
use crate::devkit::Signatories;
use crate::devkit::SimulatedEndpoint;
use crate::devkit::SimulatedPartner;
use crate::devkit::WEBHOOK_SECRET;
use crate::secret::Secret;
use rustls_pki_types::CertificateDer;
use std::cell::RefCell;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command as Program;
use std::process::Stdio;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Everything that plays. Dropped, it takes the gateway and the folder with it.
pub(super) struct Scene {
    pub(super) folder: GatewayFolder,
    pub(super) gateway: GatewayProcess,
    pub(super) partner: SimulatedPartner,
    pub(super) parkline: SimulatedPartner,
    /// Where the partner with doors takes events.
    pub(super) endpoint: SimulatedEndpoint,
    /// Where the backend takes them.
    pub(super) receiver: EventReceiver,
    /// What the partner signs them with.
    pub(super) kit: InboundKit,
    pub(super) runtime: Runtime,
    /// The key of the app instance, which nobody but the app has, and somebody else's.
    pub(super) app: AppKey,
    pub(super) stranger: AppKey,
    /// The app's key once more, as PKCS#8 in PEM, for what is pasted.
    pub(super) app_pem: Secret,
    /// The nonce that the gateway gave last.
    pub(super) nonce: RefCell<Option<String>>,
    clock: Arc<dyn Clock>,
    /// This program, which is the gateway too.
    pub(super) program: PathBuf,
    place: TempDir,
}

/// Why the scene cannot be set, or struck.
#[derive(Debug, thiserror::Error)]
pub(super) enum SceneFault {
    #[error("the machine does not let the demo run")]
    Machine(#[from] io::Error),
    #[error("the folder of the demo cannot be made")]
    Folder(#[from] FolderError),
    #[error("a certificate cannot be used")]
    Pki(#[from] PkiError),
    #[error("the partner's keys cannot be used")]
    Keys(#[from] KeySetError),
    #[error("a token cannot be signed")]
    Sign(#[from] SignError),
    #[error(transparent)]
    Gateway(#[from] ProcessFault),
    #[error("what is to be pasted cannot be made")]
    Step(#[from] StepFault),
}

/// Why a step has nothing to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepFault {
    #[error("no client of the gateway: {0}")]
    Setup(#[from] BackendSetupError),
    #[error("no answer: {0}")]
    Answer(#[from] BackendFault),
    #[error("no token: {0}")]
    Token(#[from] SignError),
    #[error("no certificate: {0}")]
    Certificate(#[from] PkiError),
    #[error("no listener for partners: {0}")]
    Door(#[from] ProcessFault),
    #[error("no session: {0} {1}")]
    Refused(u16, String),
}

/// What the backend sends, good but for what is changed.
#[derive(Clone)]
pub(super) struct Command {
    /// By which name it calls the gateway: which partner it means.
    pub(super) authority: &'static str,
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) token: String,
    /// Beside the token.
    pub(super) proof: Proof,
    /// When it was given: as a proof says it, or else, if it moves something, a field.
    pub(super) at: Option<UnixSeconds>,
    pub(super) key: String,
    pub(super) body: String,
    pub(super) more: Vec<(&'static str, &'static str)>,
}

impl Scene {
    /// Sets the scene.
    pub(super) fn set() -> Result<Self, SceneFault> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let place = tempfile::Builder::new().prefix("portcullis-demo-").tempdir()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let folder = GatewayFolder::make(place.path(), clock.now().seconds())?;
        let settings = PartnerSettings::new(&folder.pki, folder.trust()?)?;
        let partner = runtime.block_on(SimulatedPartner::start(settings))?;
        let settings = PartnerSettings::parkline(&folder.pki, folder.parkline_trust()?)?;
        let parkline = runtime.block_on(SimulatedPartner::start(settings))?;
        folder.configure(partner.address(), parkline.address())?;
        let secret = fs::read_to_string(folder.path(WEBHOOK_SECRET))?;
        let endpoint = runtime.block_on(SimulatedEndpoint::start(&folder.pki, &secret))?;
        folder.announce_to(&endpoint.url())?;
        let kit = InboundKit::make(&folder, clock.now().seconds())?;
        let receiver = runtime.block_on(EventReceiver::start(kit.backend(Arc::clone(&clock))?))?;
        kit.configure(&folder, receiver.address())?;
        // Everybody signs, with keys that nobody has afterwards; the gateway takes no other bundle then.
        let signatories = Signatories::new().map_err(FolderError::from)?;
        folder.approve(&signatories, clock.now())?;
        let program = std::env::current_exe()?;
        let app_pem = SigningKey::generate_pem(SigningAlgorithm::EdDsa)?;
        let app = AppKey::with(&app_pem)?;
        let stranger = AppKey::new(SigningAlgorithm::Es256)?;
        let nonce = RefCell::default();
        let gateway = GatewayProcess::start(&program, &folder.configuration())?;
        Ok(Self {
            folder,
            gateway,
            partner,
            parkline,
            endpoint,
            receiver,
            kit,
            runtime,
            app,
            stranger,
            app_pem,
            nonce,
            clock,
            program,
            place,
        })
    }

    /// What there is, for people.
    pub(super) fn introduction(&self) -> String {
        format!(
            "Portcullis: residents of two houses, and the partners that run their doors and barriers\n\n  \
             gateway   https://{} for the backend, http://{} for the operator (process {})\n  \
             partners  https://{} and https://{}, simulated: strict servers that move doors and barriers\n  \
             backend   simulated, shows the certificate {BACKEND}\n  \
             folder    {}\n",
            self.gateway.backend(),
            self.gateway.ops(),
            self.gateway.id(),
            self.partner.address(),
            self.parkline.address(),
            self.place.path().display(),
        )
    }

    /// The time.
    pub(super) fn now(&self) -> UnixSeconds {
        self.clock.now().seconds()
    }

    /// A good command of the resident, from the phone of that name, with a new session.
    pub(super) fn command(&self, device: &str) -> Result<Command, StepFault> {
        let claims = self.folder.resident(&self.folder.login, self.now()).with("device_id", device);
        Ok(self.opening(device, self.session(&claims)?.token))
    }

    /// A good command of the resident to open the first door, with this session.
    pub(super) fn opening(&self, device: &str, token: String) -> Command {
        Command {
            authority: AUTHORITY,
            method: "POST",
            target: "/v1/houses/house-1/doors/door-1/open?reason=access".to_owned(),
            token,
            proof: Proof::Own,
            at: Some(self.now()),
            key: fresh_key(),
            body: format!(r#"{{"userId":"resident-ivanov","deviceId":"{device}"}}"#),
            more: Vec::new(),
        }
    }

    /// A good request for an operation of the sample, from a household's resident, with a new session.
    pub(super) fn errand(&self, household: &Household, operation: &str) -> Result<Command, StepFault> {
        let claims = self.folder.member_of(household, &self.folder.login, self.now());
        self.errand_with(household, operation, self.session(&claims)?.token)
    }

    /// The same with this session.
    pub(super) fn errand_with(
        &self,
        household: &Household,
        operation: &str,
        token: String,
    ) -> Result<Command, StepFault> {
        let key = fresh_key();
        let errand = household.errands(&key).into_iter().find(|errand| errand.operation == operation);
        let errand = errand.ok_or(SignError)?;
        Ok(Command {
            authority: errand.authority,
            method: errand.method,
            target: errand.target,
            token,
            proof: Proof::Own,
            at: errand.moves.then(|| self.now()),
            key,
            body: errand.body.unwrap_or_default(),
            more: Vec::new(),
        })
    }

    /// By which name the partner knows the person whose door was opened first; empty while none was.
    pub(super) fn first_known(&self) -> String {
        let seen: Vec<u8> = self.partner.raw().into_iter().flat_map(|connection| connection.bytes).collect();
        let seen = String::from_utf8_lossy(&seen);
        let known = seen.split("\"userId\":\"").nth(1).and_then(|rest| rest.split('"').next());
        known.unwrap_or_default().to_owned()
    }

    /// How often doors and barriers have moved.
    pub(super) fn moved(&self) -> u64 {
        self.partner.total_actuations().saturating_add(self.parkline.total_actuations())
    }

    /// The backend gives a command, with its certificate.
    pub(super) fn give(&self, command: &Command) -> Result<BackendAnswer, StepFault> {
        self.give_as(command, Some(&self.folder.pki.backend.identity()?))
    }

    /// Somebody gives a command, with a certificate or without.
    pub(super) fn give_as(
        &self,
        command: &Command,
        identity: Option<&TlsIdentity>,
    ) -> Result<BackendAnswer, StepFault> {
        let backend = Backend::new(self.gateway.backend(), command.authority, identity, self.roots())?;
        self.with_nonce(|nonce| {
            let proof = self.proof_of(command, nonce)?;
            let scheme = if proof.is_some() { "DPoP" } else { "Bearer" };
            let token = format!("{scheme} {}", command.token);
            let at = command.at.map(|at| format!("@{}", at.get()));
            let mut fields = vec![("Authorization", token.as_str())];
            if let Some(at) = &at {
                fields.push(("Idempotency-Key", &command.key));
                // A proof says the time itself.
                fields.extend(proof.is_none().then_some(("Command-Time", at.as_str())));
            }
            fields.extend(proof.as_deref().map(|proof| ("DPoP", proof)));
            if !command.body.is_empty() {
                fields.push(("Content-Type", "application/json"));
            }
            fields.extend(&command.more);
            let answer = backend.call(command.method, &command.target, &fields, command.body.as_bytes());
            Ok(self.runtime.block_on(answer)?)
        })
    }

    /// The proof beside a command's token, where there is one.
    pub(super) fn proof_of(&self, command: &Command, nonce: Option<&str>) -> Result<Option<String>, StepFault> {
        let (by, target) = match &command.proof {
            Proof::Certificate => return Ok(None),
            Proof::This(proof) => return Ok(Some(proof.clone())),
            Proof::Own => (&self.app, command.target.as_str()),
            Proof::For(other) => (&self.app, *other),
            Proof::Stranger => (&self.stranger, command.target.as_str()),
        };
        let request = (command.method, target, command.token.as_str());
        self.proof(by, request, nonce, command.at.unwrap_or_else(|| self.now())).map(Some)
    }

    /// Who signs the gateway's certificates.
    pub(super) fn roots(&self) -> Vec<CertificateDer<'static>> {
        vec![self.folder.pki.gateway_authority.root()]
    }

    /// Where partners call.
    pub(super) fn door_of_partners(&self) -> Result<SocketAddr, ProcessFault> {
        self.gateway.partner().ok_or_else(|| ProcessFault::Silent(Vec::new()))
    }

    /// The operator revokes a phone by the command line.
    pub(super) fn revoke_phone(&self, device: &str) -> io::Result<String> {
        let mut revoke = Program::new(&self.program);
        revoke.arg("revoke").arg("--config").arg(self.folder.configuration());
        revoke.args(["--kind", "device", "--tenant", "north", device]);
        let output = revoke.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Who has signed the bundle in force, as anybody finds out who may read the gateway's files.
    pub(super) fn verified(&self) -> io::Result<String> {
        let mut verify = Program::new(&self.program);
        verify.arg("verify").arg("--config").arg(self.folder.configuration());
        let output = verify.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What is on record of an answer's receipt.
    pub(super) fn records(&self, receipt: &str) -> io::Result<Vec<Record>> {
        record::of_receipt(&self.folder.path("state/audit"), receipt)
    }

    /// Ends it: the gateway goes down in order, and the folder is removed.
    pub(super) fn strike(self) -> Result<(), SceneFault> {
        self.gateway.terminate()?;
        self.gateway.ended()?;
        self.runtime.block_on(self.partner.stop());
        self.runtime.block_on(self.parkline.stop());
        self.runtime.block_on(self.endpoint.stop());
        self.runtime.block_on(self.receiver.stop());
        Ok(self.place.close()?)
    }
}
