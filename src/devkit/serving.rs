//! A listener of the kit: it serves each connection by itself until it is stopped, and then cuts all that are open. And the
//! requests on one.

use crate::devkit::http1::Framing;
use crate::devkit::http1::Head;
use crate::tasks::Tasks;
use std::future::Future;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A listener at work. Dropping it stops it without waiting.
pub(super) struct Serving {
    stopping: watch::Sender<bool>,
    tasks: Tasks,
}

impl Serving {
    /// Has `serve` make of each connection what becomes of it; that is dropped where it is at a stop.
    pub(super) fn begin<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = Tasks::new();
        let serving = Self { stopping: watch::Sender::new(false), tasks: tasks.clone() };
        let mut stopped = serving.stopping.subscribe();
        serving.tasks.spawn(async move {
            loop {
                let mut cut = stopped.clone();
                let tcp = tokio::select! {
                    _ = stopped.wait_for(|stopping| *stopping) => return,
                    accepted = listener.accept() => accepted,
                };
                // What fails here is a connection that was gone before it was ours.
                let Ok((tcp, _)) = tcp else { continue };
                let served = serve(tcp);
                tasks.spawn(async move {
                    tokio::select! {
                        _ = cut.wait_for(|stopping| *stopping) => {}
                        () = served => {}
                    }
                });
            }
        });
        serving
    }

    /// Stops: the port is closed and every connection cut.
    pub(super) async fn stop(&self) {
        self.stopping.send_replace(true);
        self.tasks.idle().await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stopping.send_replace(true);
    }
}

/// The next whole request with its body, which is not in chunks; `None` where there is none, or where `goes_on` says so after
/// more bytes have come.
pub(super) async fn request(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
    goes_on: impl Fn() -> bool,
) -> Option<(Head, Vec<u8>)> {
    loop {
        if let Some(head) = Head::read(buffer).ok()? {
            let Ok(Framing::Length(length)) = head.framing() else { return None };
            let end = head.bytes.saturating_add(length);
            if buffer.len() >= end {
                let body = buffer.drain(..end).skip(head.bytes).collect();
                return Some((head, body));
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 || !goes_on() {
            return None;
        }
    }
}
