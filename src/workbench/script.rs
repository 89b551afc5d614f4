//! The other end of the stage's streams: it takes one request, keeps its bytes, and does what the case says.

use crate::protect::Protector;
use crate::tasks::Tasks;
use crate::wire::ConnectFault;
use crate::wire::Dial;
use crate::workbench::case::CaseAnswer;
use crate::workbench::case::PartnerFault;
use crate::workbench::pattern::PatternFault;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::DuplexStream;

/// Bytes that a stream holds before its reader has read them.
const STREAM_BYTES: usize = 64 * 1024;

/// The largest request that is taken, in bytes: more than any contract allows.
const REQUEST_MAX_BYTES: usize = 16 * 1024 * 1024;

/// What stands at the other end.
pub(super) struct Script {
    answer: Answer,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
    tasks: Tasks,
}

/// What it does once it has a request.
#[derive(Clone)]
enum Answer {
    Refuses,
    Says(Arc<[u8]>),
    Closes,
    Waits,
}

impl Script {
    /// What a case says, with the pseudonyms of `protector`.
    pub(super) fn of(answer: &CaseAnswer, protector: &Protector) -> Result<Self, PatternFault> {
        let answer = match answer {
            CaseAnswer::Fault(PartnerFault::Unreachable) => Answer::Refuses,
            CaseAnswer::Fault(PartnerFault::BreaksOff) => Answer::Closes,
            CaseAnswer::Fault(PartnerFault::Garbage) => Answer::Says(b"I am no HTTP\r\n\r\n".as_slice().into()),
            CaseAnswer::Fault(PartnerFault::Silent) => Answer::Waits,
            CaseAnswer::Whole { status, fields, body, tenant } => {
                let body = body.as_ref().map(|body| body.bytes(protector, tenant.as_ref())).transpose()?;
                Answer::Says(written(*status, fields, body.as_deref()).into())
            }
        };
        Ok(Self { answer, taken: Arc::default(), tasks: Tasks::new() })
    }

    /// Takes a command and closes: what a partner does of whom the case says nothing.
    pub(super) fn closing() -> Self {
        Self { answer: Answer::Closes, taken: Arc::default(), tasks: Tasks::new() }
    }

    /// Takes everything and answers 204: an endpoint of events where the case says nothing of it.
    pub(super) fn accepting() -> Self {
        let answer = Answer::Says(written(204, &[], None).into());
        Self { answer, taken: Arc::default(), tasks: Tasks::new() }
    }

    /// The requests that came, byte by byte.
    pub(super) fn taken(&self) -> Vec<Vec<u8>> {
        self.taken.lock().clone()
    }
}

impl Dial for Script {
    fn dial(&self) -> Result<DuplexStream, ConnectFault> {
        if matches!(self.answer, Answer::Refuses) {
            return Err(ConnectFault::Refused);
        }
        let (ours, theirs) = tokio::io::duplex(STREAM_BYTES);
        let (answer, taken) = (self.answer.clone(), Arc::clone(&self.taken));
        drop(self.tasks.spawn(serve(theirs, answer, taken)));
        Ok(ours)
    }
}

async fn serve(mut stream: DuplexStream, answer: Answer, taken: Arc<Mutex<Vec<Vec<u8>>>>) {
    let Some(request) = request(&mut stream).await else { return };
    taken.lock().push(request);
    match answer {
        // Whoever reads no further finds the stream closed; that is what the case is about then.
        Answer::Says(bytes) => drop(stream.write_all(&bytes).await),
        // Its end is the gateway's, which gives up at its deadline.
        Answer::Waits => drop(stream.read_u8().await),
        Answer::Closes | Answer::Refuses => {}
    }
}

/// One whole request: its head, and as many bytes behind it as that says.
async fn request(stream: &mut DuplexStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(2048);
    let mut wanted = None;
    while wanted.is_none_or(|wanted| bytes.len() < wanted) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 || bytes.len() > REQUEST_MAX_BYTES {
            return None;
        }
        if wanted.is_none() {
            wanted = split(&bytes).map(|(head, _)| head.len().saturating_add(4).saturating_add(length(head)));
        }
    }
    Some(bytes)
}

/// Head and body of a request.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end.saturating_add(4)..)?))
}

fn length(head: &[u8]) -> usize {
    let text = String::from_utf8_lossy(head);
    let line = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    line.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// An answer as it is written.
fn written(status: u16, fields: &[(String, String)], body: Option<&[u8]>) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} \r\n").into_bytes();
    for (name, value) in fields {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let framed = |name: &str| fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let bodiless = matches!(status, 204 | 304);
    let is_framed = framed("content-length") || framed("transfer-encoding") || (bodiless && body.is_none());
    if !is_framed {
        let length = body.map_or(0, <[u8]>::len);
        out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.unwrap_or_default());
    out
}
