//! The agent's end of one uplink: the HTTP/2 server on a connection that it dialled.
//!
//! tonic's own server is not used: it spawns the connection and hides its end.
//! Here the future ends when the link does. What it gave is done by hand:
//! deadlines (`deadline`), a watchdog for a server that falls silent
//! before it speaks HTTP/2 (keep-alive only starts after), keep-alive.

use std::{sync::Arc, time::Duration};

use http::Request;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::timeout,
};
use tonic::service::Routes;
use tower::ServiceExt as _;

use super::deadline::within_deadline;

/// How a link is watched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// Without a first request by then, the link is dropped.
    pub first_request: Duration,
    /// How often the server is pinged.
    pub keep_alive_interval: Duration,
    /// How long it may take to answer a ping.
    pub keep_alive_timeout: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            first_request: Duration::from_secs(30),
            keep_alive_interval: Duration::from_secs(20),
            keep_alive_timeout: Duration::from_secs(10),
        }
    }
}

/// Why a link is over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkEnd {
    /// The server closed it.
    #[error("the server closed the link")]
    Closed,
    /// It came up, and the server never asked anything.
    #[error("the server did not speak within {} s of the handshake", after.as_secs())]
    NeverUsed {
        /// How long was waited.
        after: Duration,
    },
    /// The network, or a ping without an answer.
    #[error("the link was lost")]
    Lost(#[source] hyper::Error),
}

/// Serves `routes` to the server at the other end of `stream` until the link is over.
/// Dropping the future cuts the link; calls under way lose their caller, not their work.
pub async fn serve<S>(stream: S, routes: Routes, timing: Timing) -> LinkEnd
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let asked = Arc::new(Notify::new());
    let service = service_fn({
        let asked = asked.clone();
        move |request: Request<Incoming>| {
            asked.notify_one();
            let routes = routes.clone();
            within_deadline(request, |request| routes.oneshot(request))
        }
    });
    let mut connection = Box::pin(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(timing.keep_alive_interval)
            .keep_alive_timeout(timing.keep_alive_timeout)
            .max_concurrent_streams(MAX_STREAMS)
            .initial_connection_window_size(WINDOW)
            .initial_stream_window_size(WINDOW)
            .serve_connection(TokioIo::new(stream), service),
    );
    let ended = |result: hyper::Result<()>| match result {
        Ok(()) => LinkEnd::Closed,
        Err(error) => LinkEnd::Lost(error),
    };
    tokio::select! {
        result = &mut connection => return ended(result),
        first = timeout(timing.first_request, asked.notified()) => if first.is_err() {
            return LinkEnd::NeverUsed { after: timing.first_request };
        },
    }
    ended(connection.await)
}

const MAX_STREAMS: u32 = 64;
/// A step or an answer fits; a server that floods is slowed down.
const WINDOW: u32 = 256 * 1024;
