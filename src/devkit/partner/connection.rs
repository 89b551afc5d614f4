//! One connection at the partner, from accept to its end: handshake, and exchange after exchange.
//!
//! Each byte that is read or written above TLS goes into the book before anything is made of it. How the partner
//! behaves is looked at when an exchange begins, so a test that has told it otherwise is obeyed on a connection that
//! stands idle.

use crate::clock::UnixMillis;
use crate::crypto::Certificate;
use crate::crypto::SubjectName;
use crate::devkit::http1::Framing;
use crate::devkit::http1::Head;
use crate::devkit::partner::Shared;
use crate::devkit::partner::answer::Done;
use crate::devkit::partner::command::Asked;
use crate::devkit::partner::command::Request;
use crate::devkit::partner::misbehaviour::Misbehaviour;
use crate::devkit::partner::platform::Deed;
use crate::devkit::partner::refusal::Refusal;
use crate::json::Value;
use crate::model::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

/// How much is read at once, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// How a connection ends.
enum Ending {
    /// The other side has ended it, or it broke.
    Theirs,
    /// With `close_notify` and FIN.
    Close,
    /// With RST.
    Reset,
}

/// A connection whose handshake is done.
struct Line {
    shared: Arc<Shared>,
    number: usize,
    stream: TlsStream<TcpStream>,
    misbehaviour: watch::Receiver<Option<Misbehaviour>>,
    /// Whether the certificate names the gateway.
    is_gateway: bool,
    /// The thumbprint of that certificate.
    thumbprint: Option<Sha256>,
    /// Read, and not yet made anything of.
    buffer: Vec<u8>,
    /// Bytes of this exchange until the reset; `None` where none is to come.
    left: Option<usize>,
}

/// Serves `tcp` until it ends.
pub(super) async fn serve(shared: Arc<Shared>, number: usize, tcp: TcpStream) {
    let misbehaviour = shared.misbehaviour.subscribe();
    if matches!(*misbehaviour.borrow(), Some(Misbehaviour::HangInHandshake)) {
        shared.hang().await;
    }
    // Without it a small answer may wait for an acknowledgement; failing costs speed only.
    let _ = tcp.set_nodelay(true);
    let Ok(stream) = shared.acceptor.accept(tcp).await else {
        return shared.book.count(|progress| progress.failed_handshakes += 1);
    };
    let group = stream.get_ref().1.negotiated_key_exchange_group();
    shared.book.shook_hands(number, group.map(|group| format!("{:?}", group.name())).unwrap_or_default());
    let certificate = certificate_of(&stream);
    let name = SubjectName::Uri(shared.client_name.as_str().into());
    let is_gateway = certificate.as_ref().is_some_and(|certificate| certificate.names == [name]);
    let thumbprint = certificate.map(|certificate| certificate.thumbprint);
    let mut line =
        Line { shared, number, stream, misbehaviour, is_gateway, thumbprint, buffer: Vec::new(), left: None };
    let ending = loop {
        if let Err(ending) = line.exchange().await {
            break ending;
        }
    };
    match ending {
        Ending::Theirs => {}
        // The other side may be gone: then there is nobody to tell.
        Ending::Close => drop(line.stream.shutdown().await),
        Ending::Reset => drop(line.stream.get_ref().0.set_zero_linger()),
    }
}

/// The client's certificate.
fn certificate_of(stream: &TlsStream<TcpStream>) -> Option<Certificate> {
    let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    leaf.and_then(|leaf| Certificate::parse(leaf).ok())
}

impl Line {
    async fn exchange(&mut self) -> Result<(), Ending> {
        let misbehaviour = self.begin().await?;
        let request = match self.request().await? {
            Ok(request) => request,
            Err(refusal) => {
                self.refuse(refusal).await?;
                return Err(Ending::Close);
            }
        };
        self.shared.book.count(|progress| progress.requests += 1);
        match self.obey(&request, misbehaviour) {
            Ok(done) => self.answer(&done, misbehaviour).await?,
            Err(refusal) => self.refuse(refusal).await?,
        }
        if request.head.closes() { Err(Ending::Close) } else { Ok(()) }
    }

    /// Waits for the first byte of a request; tells how to behave in this exchange.
    async fn begin(&mut self) -> Result<Option<Misbehaviour>, Ending> {
        loop {
            let misbehaviour = *self.misbehaviour.borrow_and_update();
            self.left = match misbehaviour {
                Some(Misbehaviour::ResetAt { byte }) => Some(byte),
                _ => None,
            };
            if !self.buffer.is_empty() {
                return Ok(misbehaviour);
            }
            let mut changes = self.misbehaviour.clone();
            tokio::select! {
                biased;
                changed = changes.changed() => changed.map_err(|_| Ending::Theirs)?,
                read = self.fill() => return read.map(|()| misbehaviour),
            }
        }
    }

    /// Reads a request to its end.
    async fn request(&mut self) -> Result<Result<Request, Refusal>, Ending> {
        let head = loop {
            match Head::read(&self.buffer) {
                Ok(Some(head)) => break head,
                Ok(None) => self.fill().await?,
                Err(_) => return Ok(Err(Refusal::Malformed)),
            }
        };
        let Ok(Framing::Length(length)) = head.framing() else {
            return Ok(Err(Refusal::Malformed));
        };
        let end = head.bytes.saturating_add(length);
        while self.buffer.len() < end {
            self.fill().await?;
        }
        let body = self.buffer.drain(..end).skip(head.bytes).collect();
        Ok(Ok(Request { head, body }))
    }

    /// Judges a command, and does it if it is good; a door moves only if the misbehaviour lets it.
    fn obey(&self, request: &Request, misbehaviour: Option<Misbehaviour>) -> Result<Done, Refusal> {
        let Shared { platform, premises, clock, .. } = &*self.shared;
        let trust = self.shared.trust.load();
        if !self.is_gateway {
            return Err(Refusal::NotTheGateway);
        }
        let now = clock.now();
        let signed = trust.verify_signature(request, now.seconds())?;
        let asked = request.asked(*platform)?;
        let token = trust.verify(request.token()?, &asked, self.thumbprint.as_ref(), now.seconds())?;
        // A token that goes with many commands names none: each is one by its signed receipt.
        if token.id.is_some_and(|id| id != signed.receipt) {
            return Err(Refusal::OtherReceipt);
        }
        premises.spend(signed.receipt)?;
        premises.spend_nonce(signed.nonce)?;
        let members = request.members(asked.operation)?;
        let asker = asked.operation.asker.and_then(|name| members.get(name)).and_then(Value::as_str);
        if let (Some(asker), Some(subject)) = (asker, &token.subject)
            && asker != subject
        {
            return Err(Refusal::OtherUser);
        }
        let user = token.subject.as_deref().or(asker).unwrap_or_default().to_owned();
        self.done(&asked, &user, misbehaviour, now)
    }

    /// Does what is asked.
    fn done(
        &self,
        asked: &Asked,
        user: &str,
        misbehaviour: Option<Misbehaviour>,
        now: UnixMillis,
    ) -> Result<Done, Refusal> {
        let premises = &self.shared.premises;
        let at = now.to_string();
        Ok(match asked.operation.deed {
            Deed::OpenDoor => {
                self.moved(asked, user, misbehaviour, now)?;
                Done::saying([("status", "opened".into()), ("openedAt", at.into()), ("userId", user.into())])
            }
            Deed::OpenBarrier => {
                self.moved(asked, user, misbehaviour, now)?;
                Done::saying([("result", "raised".into()), ("raisedAt", at.into())])
            }
            Deed::ReadDoor => {
                let target = asked.target()?;
                premises.know(&target)?;
                let state = if premises.is_blocked(&target) { "blocked" } else { "closed" };
                Done::saying([("state", state.into()), ("battery", Value::from(87)), ("seenAt", at.into())])
            }
            Deed::ReadBarrier => {
                premises.know(&asked.target()?)?;
                Done::saying([("state", "down".into()), ("faults", Value::Array(Vec::new()))])
            }
            Deed::ReadEvents => Done::telling(premises.events(&asked.house)),
            Deed::SyncFace => Done::saying([("status", "stored".into())]),
            Deed::SyncPlate => Done::silently(),
            Deed::RevokeGrant => {
                premises.revoke(&asked.house, asked.word.as_deref().unwrap_or_default())?;
                Done::saying([("status", "revoked".into())])
            }
        })
    }

    /// Moves the door or barrier.
    fn moved(
        &self,
        asked: &Asked,
        user: &str,
        misbehaviour: Option<Misbehaviour>,
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        let Shared { premises, book, .. } = &*self.shared;
        let target = asked.target()?;
        premises.check(&target)?;
        if misbehaviour.is_none_or(Misbehaviour::moves_door) {
            premises.move_door(target, user, now);
            book.count(|progress| progress.actuations += 1);
        }
        Ok(())
    }

    async fn answer(&mut self, done: &Done, misbehaviour: Option<Misbehaviour>) -> Result<(), Ending> {
        let bytes = misbehaviour.map_or_else(|| done.answer().bytes(), |bad| bad.answer(done));
        match misbehaviour {
            Some(Misbehaviour::CloseWithoutAnswer) => return Err(Ending::Close),
            Some(Misbehaviour::HangBeforeAnswer) => self.shared.hang().await,
            Some(Misbehaviour::SlowDrip { every }) => return self.drip(&bytes, every).await,
            _ => {}
        }
        self.write(&bytes).await?;
        self.shared.book.count(|progress| progress.answers += 1);
        if misbehaviour == Some(Misbehaviour::ClosesIdle) { Err(Ending::Close) } else { Ok(()) }
    }

    async fn refuse(&mut self, refusal: Refusal) -> Result<(), Ending> {
        self.shared.book.refused(refusal);
        self.write(&refusal.answer(self.shared.platform).bytes()).await?;
        self.shared.book.count(|progress| progress.answers += 1);
        Ok(())
    }

    async fn drip(&mut self, bytes: &[u8], every: Duration) -> Result<(), Ending> {
        for byte in bytes {
            tokio::time::sleep(every).await;
            self.write(&[*byte]).await?;
        }
        self.shared.book.count(|progress| progress.answers += 1);
        Ok(())
    }

    /// Reads once, and never a byte past the reset.
    async fn fill(&mut self) -> Result<(), Ending> {
        let most = self.left.unwrap_or(READ_BYTES).min(READ_BYTES);
        if most == 0 {
            return Err(Ending::Reset);
        }
        let mut bytes = Vec::with_capacity(most);
        let mut reader = (&mut self.stream).take(most as u64);
        match reader.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return Err(Ending::Theirs),
            Ok(_) => {}
        }
        self.shared.book.received(self.number, &bytes);
        self.left = self.left.map(|left| left.saturating_sub(bytes.len()));
        self.buffer.append(&mut bytes);
        Ok(())
    }

    /// Writes `bytes`, as far as the reset lets it; where the reset is reached with the last one, it comes too.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        let most = self.left.unwrap_or(usize::MAX).min(bytes.len());
        let leaving = bytes.get(..most).unwrap_or_default();
        self.shared.book.answered(self.number, leaving);
        self.stream.write_all(leaving).await.map_err(|_| Ending::Theirs)?;
        self.stream.flush().await.map_err(|_| Ending::Theirs)?;
        self.left = self.left.map(|left| left.saturating_sub(most));
        if self.left == Some(0) { Err(Ending::Reset) } else { Ok(()) }
    }
}
