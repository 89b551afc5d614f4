//! A stage on which the partner sends events and the backend takes them; and an event as the partner sends it, to be spoiled.

use crate::harness::client::Command;
use crate::harness::gateway::Served;
use crate::harness::stage::Stage;
use crate::harness::stage::now;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use portcullis::clock::SystemClock;
use portcullis::devkit::Backend;
use portcullis::devkit::BackendAnswer;
use portcullis::devkit::BackendFault;
use portcullis::devkit::EventReceiver;
use portcullis::devkit::InboundKit;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// A stage with a partner that sends events and a backend that takes them.
pub struct Inbound {
    pub receiver: EventReceiver,
    pub kit: InboundKit,
    stage: Stage,
}

impl Deref for Inbound {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl Inbound {
    /// With short waits between attempts to deliver.
    pub fn new() -> Self {
        Self::within("delivery_wait_max_s: 1s")
    }

    /// Within other limits, as they are written under `limits:`.
    pub fn within(limits: &str) -> Self {
        let stage = Stage::new();
        stage.limit(&format!("delivery_first_wait_ms: 10ms, {limits}"));
        Self::on(stage)
    }

    /// On a stage that the test has set.
    pub fn on(stage: Stage) -> Self {
        let (kit, receiver) = take_events(&stage);
        Self { receiver, kit, stage }
    }

    /// The backend once more, where it stood before.
    pub fn restart_receiver(&mut self) {
        self.stage.wait(self.receiver.stop());
        let settings = self.kit.backend(Arc::new(SystemClock::new())).unwrap();
        let settings = portcullis::devkit::ReceiverSettings { address: self.receiver.address(), ..settings };
        self.receiver = self.stage.wait(EventReceiver::start(settings)).unwrap();
    }

    /// The name under which the partner knows the person whose door is opened.
    pub fn pseudonym(&self, gateway: &Served) -> String {
        let answer = self.wait(Command::new(self).give(&self.backend(gateway.address))).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let last = String::from_utf8(self.partner.raw().pop().unwrap().bytes).unwrap();
        let (_, body) = last.rsplit_once("\"userId\":\"").unwrap();
        body.split('"').next().unwrap().to_owned()
    }

    /// A good event: a person, by the name that the partner knows, was let in.
    pub fn granted(&self, person: &str) -> Event {
        let data = format!(r#"{{"houseId":"house-1","doorId":"door-1","userId":"{person}"}}"#);
        self.event("access.granted", &data)
    }

    /// An event of this type with this data, signed by the partner, now.
    pub fn event(&self, kind: &str, data: &str) -> Event {
        Event::new(&self.kit.partner_secret, kind, data)
    }
}

/// Lets the partner of a stage send events, and a backend take them.
pub fn take_events(stage: &Stage) -> (InboundKit, EventReceiver) {
    let kit = InboundKit::make(stage, now()).unwrap();
    let settings = kit.backend(Arc::new(SystemClock::new())).unwrap();
    let receiver = stage.wait(EventReceiver::start(settings)).unwrap();
    kit.configure(stage, receiver.address()).unwrap();
    (kit, receiver)
}

/// An event as it is sent.
#[derive(Clone)]
pub struct Event {
    pub method: &'static str,
    pub target: String,
    pub id: String,
    pub at: String,
    pub secret: String,
    pub body: String,
    /// The body that goes out instead of the signed one.
    pub said: Option<String>,
    pub fields: Vec<(String, String)>,
}

impl Event {
    /// An event of this type with this data, signed with `secret`, now.
    pub fn new(secret: &str, kind: &str, data: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            method: "POST",
            target: "/-/events".into(),
            id: format!("msg_{:020}", NEXT.fetch_add(1, Ordering::Relaxed)),
            at: now().get().to_string(),
            secret: secret.to_owned(),
            body: format!(r#"{{"type":"{kind}","timestamp":"2026-11-27T08:30:00Z","data":{data}}}"#),
            said: None,
            fields: vec![("Content-Type".into(), "application/json".into())],
        }
    }

    /// The signature, made without the gateway's own code.
    pub fn signature(&self) -> String {
        let key = STANDARD.decode(self.secret.trim_end().strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.{}", self.id, self.at, self.body).as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// All fields, in order.
    pub fn all_fields(&self) -> Vec<(String, String)> {
        let own = [
            ("webhook-id", self.id.clone()),
            ("webhook-timestamp", self.at.clone()),
            ("webhook-signature", self.signature()),
        ];
        self.fields.iter().cloned().chain(own.map(|(name, value)| (name.to_owned(), value))).collect()
    }

    /// The same with another content, signed.
    pub fn saying(mut self, from: &str, to: &str) -> Self {
        assert!(self.body.contains(from), "{from} is not in {}", self.body);
        self.body = self.body.replace(from, to);
        self
    }

    /// Sends it.
    pub async fn send(&self, caller: &Backend) -> Result<BackendAnswer, BackendFault> {
        self.send_with(caller, &self.all_fields()).await
    }

    /// Sends it with these fields in place of its own.
    pub async fn send_with(
        &self,
        caller: &Backend,
        fields: &[(String, String)],
    ) -> Result<BackendAnswer, BackendFault> {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let body = self.said.as_ref().unwrap_or(&self.body);
        caller.call(self.method, &self.target, &fields, body.as_bytes()).await
    }
}
