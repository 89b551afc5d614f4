//! The ops listener: health, readiness, status and metrics over plain HTTP, one request for each connection.
//!
//! A server of its own, small enough to be read at once, so that it still answers when the listener for callers is
//! drained or saturated. It holds no secrets and takes no orders; who may reach it is a matter of its address.
//!
//! `/healthz` says that the process answers; a supervisor restarts it by that. `/readyz` says whether it takes requests;
//! a load balancer goes by that; with `Accept: text/plain` it says so in words, with what to do. `/-/status` is what a person
//! asks first, as one JSON object. `/-/checkpoint` is the newest checkpoint of the audit log (C2SP tlog-checkpoint), for whoever
//! keeps them elsewhere. `/metrics` is the text format 0.0.4 of Prometheus.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::admin::head::END_OF_HEAD;
use crate::admin::head::HeadFault;
use crate::admin::head::Page;
use crate::admin::head::asked_page;
use crate::admin::reading::ReadFault;
use crate::admin::reading::read_message;
use crate::pipeline::condition;
use crate::tasks::Tasks;

/// Bytes of a request head; a scraper's is a tenth of it.
const HEAD_MAX_BYTES: usize = 4 * 1024;
/// Connections at a time; one past it is closed at once. A scraper, a probe and a person are three.
const CONNECTIONS_MAX: usize = 64;
/// From the accept to the last byte of the answer; one past it, the connection is closed.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(5);
/// What is still read after the answer, so that closing does not reset the connection and lose it.
const LINGER_MAX_BYTES: u64 = 64 * 1024;
/// The pause after an accept that failed, which is mostly for want of file descriptors: trying at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What there is to tell.
pub trait Report: Send + Sync + 'static {
    /// Why no requests are taken, in stable kebab-case words; empty when they are.
    fn not_ready(&self) -> Vec<&'static str>;
    /// What an operator should know though requests are taken, in such words.
    fn notices(&self) -> Vec<&'static str>;
    /// The keys of the settings that let through more than their defaults.
    fn softeners(&self) -> Vec<&str>;
    /// Everything that an operator asks first, as one JSON object on one line.
    fn status(&self) -> String;
    /// The newest checkpoint of the audit log, as a signed note; `None` where there is none yet.
    fn checkpoint(&self) -> Option<String>;
    /// All metrics in the text format 0.0.4 of Prometheus.
    fn metrics(&self) -> String;
}

/// Serves `listener` until the future is dropped.
///
/// # Errors
/// Only at the start, when the runtime cannot take the listener.
pub async fn serve_ops(listener: std::net::TcpListener, report: Arc<impl Report>) -> std::io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    // Not those of the gateway: going down waits for no reader of metrics.
    let connections = Tasks::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) if connections.running() < CONNECTIONS_MAX => {
                let report = Arc::clone(&report);
                // Whoever is not done in time is told nothing: a slow peer has no use for it.
                drop(connections.spawn(async move {
                    let _ = tokio::time::timeout(EXCHANGE_TIMEOUT, exchange(stream, &*report)).await;
                }));
            }
            Ok((surplus, _)) => drop(surplus),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// One request and its answer.
async fn exchange(mut stream: TcpStream, report: &impl Report) -> std::io::Result<()> {
    let asked = match read_message(&mut stream, END_OF_HEAD, HEAD_MAX_BYTES).await {
        Ok(head) => asked_page(&head),
        Err(ReadFault::BrokeOff) => return Ok(()),
        Err(ReadFault::TooLong) => Err(HeadFault::TooLarge),
        Err(ReadFault::SomethingFollows) => Err(HeadFault::Malformed),
    };
    let answer = asked.map_or_else(refusal, |page| answer(page, report));
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(LINGER_MAX_BYTES);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

fn answer(page: Page, report: &impl Report) -> String {
    match page {
        Page::Health => message("200 OK", "text/plain; charset=utf-8", "", "ok\n"),
        Page::Readiness => readiness(&report.not_ready(), &report.notices(), &report.softeners()),
        Page::ReadinessInWords => readiness_in_words(&report.not_ready(), &report.notices(), &report.softeners()),
        Page::Checkpoint => match report.checkpoint() {
            Some(note) => message("200 OK", "text/plain; charset=utf-8", "", &note),
            None => message("404 Not Found", "text/plain; charset=utf-8", "", "there is no checkpoint yet\n"),
        },
        Page::Status => message("200 OK", "application/json", "", &report.status()),
        Page::Metrics => message("200 OK", "text/plain; version=0.0.4; charset=utf-8", "", &report.metrics()),
    }
}

/// Reasons and notices are words of ours and softeners are keys of `gateway.yaml`, so they need no escaping.
fn readiness(reasons: &[&'static str], notices: &[&'static str], softeners: &[&str]) -> String {
    let (status, ready) = readiness_status(reasons);
    let [reasons, notices, softeners] = [reasons, notices, softeners]
        .map(|words| words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(","));
    let body =
        format!("{{\"ready\":{ready},\"reasons\":[{reasons}],\"notices\":[{notices}],\"softeners\":[{softeners}]}}\n");
    message(status, "application/json", "", &body)
}

fn readiness_in_words(reasons: &[&'static str], notices: &[&'static str], softeners: &[&str]) -> String {
    let (status, ready) = readiness_status(reasons);
    let mut body = if ready { "ready\n" } else { "not ready\n" }.to_owned();
    for (word, what) in reasons.iter().map(|word| (word, "reason")).chain(notices.iter().map(|word| (word, "notice"))) {
        let _ = writeln!(body, "{what} {word}");
        if let Some(condition) = condition(word) {
            let _ = writeln!(body, "  {}\n  help: {}", condition.says, condition.hint);
        }
    }
    for key in softeners {
        let _ = writeln!(body, "softener {key}");
    }
    message(status, "text/plain; charset=utf-8", "", &body)
}

fn readiness_status(reasons: &[&'static str]) -> (&'static str, bool) {
    if reasons.is_empty() { ("200 OK", true) } else { ("503 Service Unavailable", false) }
}

fn refusal(fault: HeadFault) -> String {
    let (status, fields) = match fault {
        HeadFault::Malformed => ("400 Bad Request", ""),
        HeadFault::TooLarge => ("431 Request Header Fields Too Large", ""),
        HeadFault::NotFound => ("404 Not Found", ""),
        HeadFault::MethodNotAllowed => ("405 Method Not Allowed", "Allow: GET\r\n"),
    };
    message(status, "text/plain; charset=utf-8", fields, &format!("{fault}\n"))
}

/// A whole answer; `fields` are further header lines, each with its end.
fn message(status: &str, content_type: &str, fields: &str, body: &str) -> String {
    let mut text = String::with_capacity(256 + body.len());
    let _ = write!(
        text,
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\n{fields}Connection: close\r\n\r\n{body}",
        body.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    struct Fixed(Vec<&'static str>);

    impl Report for Fixed {
        fn not_ready(&self) -> Vec<&'static str> {
            self.0.clone()
        }

        fn notices(&self) -> Vec<&'static str> {
            vec!["reload-failed"]
        }

        fn softeners(&self) -> Vec<&str> {
            vec!["environment"]
        }

        fn status(&self) -> String {
            "{\"version\":\"0\"}\n".to_owned()
        }

        fn checkpoint(&self) -> Option<String> {
            None
        }

        fn metrics(&self) -> String {
            "# TYPE portcullis_up gauge\nportcullis_up 1\n".to_owned()
        }
    }

    /// Serves `reasons` while `test` runs.
    async fn with_ops<F: Future<Output = ()>>(reasons: &[&'static str], test: impl FnOnce(SocketAddr) -> F) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        tokio::select! {
            ended = serve_ops(listener, Arc::new(Fixed(reasons.to_vec()))) => panic!("{ended:?}"),
            () = test(address) => {}
        }
    }

    /// Sends `request` and returns all that is answered.
    async fn told(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(address: SocketAddr, target: &str) -> String {
        told(address, &format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n")).await
    }

    #[tokio::test]
    async fn a_gateway_that_is_up_and_ready_says_so() {
        with_ops(&[], async |address| {
            assert_eq!(
                get(address, "/healthz").await,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\
                 Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\nok\n"
            );
            let ready = get(address, "/readyz").await;
            assert!(ready.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{ready}");
            assert!(
                ready.ends_with(
                    "\r\n\r\n{\"ready\":true,\"reasons\":[],\"notices\":[\"reload-failed\"],\"softeners\":[\"environment\"]}\n"
                ),
                "{ready}"
            );
            let metrics = get(address, "/metrics").await;
            assert!(metrics.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{metrics}");
            assert!(metrics.ends_with("\r\n\r\n# TYPE portcullis_up gauge\nportcullis_up 1\n"), "{metrics}");
        })
        .await;
    }

    #[tokio::test]
    async fn a_gateway_that_is_not_ready_is_healthy_and_says_why_it_is_not_ready() {
        with_ops(&["shutting-down", "audit-failed"], async |address| {
            let ready = get(address, "/readyz").await;
            assert!(ready.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{ready}");
            assert!(ready.ends_with("{\"ready\":false,\"reasons\":[\"shutting-down\",\"audit-failed\"],\"notices\":[\"reload-failed\"],\"softeners\":[\"environment\"]}\n"), "{ready}");
            assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200 OK\r\n"));
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_unknown_or_malformed_is_refused_by_status() {
        with_ops(&[], async |address| {
            let host = "HTTP/1.1\r\nHost: a\r\n";
            let cases = [
                (format!("GET / {host}\r\n"), "404 Not Found"),
                (format!("POST /metrics {host}\r\n"), "405 Method Not Allowed"),
                (format!("GET /metrics {host}\r\nGET"), "400 Bad Request"),
                ("GET /metrics HTTP/1.1\r\n\r\n".to_owned(), "400 Bad Request"),
                (
                    format!("GET /metrics {host}X: {}\r\n\r\n", "x".repeat(64_000)),
                    "431 Request Header Fields Too Large",
                ),
            ];
            for (request, status) in cases {
                let answer = told(address, &request).await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{status}: {answer}");
                assert_eq!(answer.contains("\r\nAllow: GET\r\n"), status.starts_with("405"), "{answer}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_head_of_4_kib_is_read_and_one_byte_more_is_refused() {
        with_ops(&[], async |address| {
            let head = |bytes: usize| {
                let around = "GET /healthz HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
                format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(bytes - around))
            };
            assert!(told(address, &head(4096)).await.starts_with("HTTP/1.1 200 "));
            assert!(told(address, &head(4097)).await.starts_with("HTTP/1.1 431 "));
        })
        .await;
    }

    #[tokio::test]
    async fn a_connection_past_the_limit_is_closed_and_the_others_go_on() {
        with_ops(&[], async |address| {
            let mut silent = Vec::new();
            for _ in 0..CONNECTIONS_MAX {
                silent.push(TcpStream::connect(address).await.unwrap());
            }
            let mut surplus = TcpStream::connect(address).await.unwrap();
            assert!(matches!(surplus.read(&mut [0]).await, Ok(0) | Err(_)), "closed without a word");
            let mut first = silent.remove(0);
            first.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            first.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("ok\n"), "{answer}");
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_says_nothing_is_closed_after_the_deadline() {
        with_ops(&[], async |address| {
            let mut silent = TcpStream::connect(address).await.unwrap();
            assert!(matches!(silent.read(&mut [0]).await, Ok(0) | Err(_)));
        })
        .await;
    }
}
