//! HTTP/2: the framework drives the connection, each stream comes here. Streams, header lists and resets are bounded.

use crate::limits::Limits;
use crate::listener::body::WireBody;
use crate::listener::connection::Connection;
use crate::listener::reply;
use crate::listener::request;
use crate::listener::stream::Secured;
use async_trait::async_trait;
use pingora::apps::HttpServerApp;
use pingora::apps::HttpServerOptions;
use pingora::apps::ReusedHttpStream;
use pingora::apps::ServerApp;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::H2Options;
use pingora::server::ShutdownWatch;
use std::sync::Arc;

/// Serves a connection until it is closed or the gateway goes down (then with GOAWAY, RFC 9113 §6.8).
pub async fn serve(connection: Connection, mut secured: Secured) {
    if !secured.begins_h2(Limits::millis(connection.limits().head_timeout_ms)).await {
        return;
    }
    let going_down = connection.down_signal().clone();
    let mut options = HttpServerOptions::default();
    options.h2_idle_timeout = Some(Limits::millis(connection.limits().idle_timeout_ms));
    ServerApp::process_new(&Arc::new(Streams { connection, options }), Box::new(secured), &going_down).await;
}

/// The streams of one connection.
struct Streams {
    connection: Connection,
    options: HttpServerOptions,
}

#[async_trait]
impl HttpServerApp for Streams {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        _going_down: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let _place = self.connection.tasks().hold();
        if !session.read_request().await.ok()? {
            return None;
        }
        let connection = &self.connection;
        let concluded = match request::head_of_http2(&mut session, connection.limits()) {
            Ok(head) => {
                let mut body = WireBody::new(&mut session, connection.body_memory(), connection.limits());
                connection.gate().handle(connection.visitor(), head, &mut body).await
            }
            Err(fault) => connection.gate().refuse_head(connection.visitor(), fault).await,
        };
        reply::write(&mut session, concluded, connection.limits()).await.ok()?;
        session.finish().await.ok()?;
        None
    }

    fn h2_options(&self) -> Option<H2Options> {
        let limits = self.connection.limits();
        let small = |limit: u64| u32::try_from(limit).unwrap_or(u32::MAX);
        let mut options = pingora::protocols::http::v2::server::default_h2_options();
        options.max_header_list_size(small(limits.head_max_bytes));
        options.max_concurrent_streams(small(limits.h2_streams_max));
        // One window per stream of the largest body, so that a slow reader of one holds nobody else's memory.
        options.initial_window_size(small(limits.body_max_bytes.max(65_535)));
        Some(options)
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}
