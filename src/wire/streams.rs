//! Exchanges over streams that somebody else opens, in place of sockets: how the workbench stands a scripted partner at the
//! other end. Requests are written and answers read exactly as over a socket; there is no pool, and no TLS.

use crate::wire::exchange;
use crate::wire::exchange::Connect;
use crate::wire::exchange::Connection;
use crate::wire::exchange::Exchanged;
use crate::wire::exchange::Response;
use crate::wire::fault::ConnectFault;
use crate::wire::fault::ExchangeFault;
use crate::wire::request::Request;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::DuplexStream;

/// Opens streams to whoever stands at the other end.
pub trait Dial: Send + Sync {
    /// A stream of which nothing has been read or written.
    ///
    /// # Errors
    /// [`ConnectFault`]; nothing was sent.
    fn dial(&self) -> Result<DuplexStream, ConnectFault>;
}

/// Exchanges over the streams that `dial` opens: one each.
pub struct Streams {
    /// Who opens them.
    pub dial: Arc<dyn Dial>,
    /// What is sent as `Host`.
    pub authority: Box<str>,
    /// For one exchange.
    pub exchange_timeout: Duration,
    /// The largest body of an answer, in bytes.
    pub answer_max_bytes: usize,
}

/// One stream, for one exchange.
struct Opened {
    stream: DuplexStream,
    authority: Box<str>,
    deadline: Duration,
    max_bytes: usize,
}

#[async_trait]
impl Connect for Streams {
    async fn connect(&self) -> Result<Box<dyn Connection>, ConnectFault> {
        let stream = self.dial.dial()?;
        let (authority, deadline) = (self.authority.clone(), self.exchange_timeout);
        Ok(Box::new(Opened { stream, authority, deadline, max_bytes: self.answer_max_bytes }))
    }
}

#[async_trait]
impl Connection for Opened {
    fn authority(&self) -> &str {
        &self.authority
    }

    async fn exchange(self: Box<Self>, request: Request) -> Result<Response, ExchangeFault> {
        let Self { mut stream, authority, deadline, max_bytes } = *self;
        let exchanged = exchange::whole(&mut stream, &authority, request, deadline, max_bytes).await?;
        let Exchanged { status, fields, body, .. } = exchanged;
        Ok(Response { status, fields, body, spent: None })
    }
}
