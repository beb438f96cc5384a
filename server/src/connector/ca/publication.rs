//! The port at which the CAs inside this server publish: plain HTTP, to everybody.
//!
//! What is served here is signed by itself, and a reader that had to check a
//! certificate before it could ask would be asking in a circle: RFC 5280
//! section 8, RFC 6960 section 4.1. It is therefore the one port that strangers
//! reach, and everything about it has a bound.

#[cfg(test)]
mod tests;

use super::builtin::Publisher;
use async_trait::async_trait;
use axum::{
    body::Body,
    http::{Request, StatusCode},
    response::{IntoResponse as _, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, fmt, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Who knows what is to be published now.
#[async_trait]
pub trait Publishers: fmt::Debug + Send + Sync {
    /// One of each CA inside this server.
    ///
    /// # Errors
    /// Why that cannot be told, as a sentence without a full stop.
    async fn publishers(&self) -> Result<Vec<Publisher>, String>;
}

/// How much of the port one reader, and all of them, may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open at one time; more wait in the queue of the operating system.
    pub connections: usize,
    /// Until a request has said what it wants; as long may a connection be idle.
    pub heading: Duration,
    /// Until a request with its body has its answer ready.
    pub answer: Duration,
    /// Until a connection ends, with however much left to read.
    pub life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            heading: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            life: Duration::from_secs(120),
        }
    }
}

/// Serves until `stop`; answers that are being made are still given.
pub async fn serve(
    listener: TcpListener,
    publishers: Arc<dyn Publishers>,
    limits: Limits,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let accept = async {
        while let Ok(place) = places.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((tcp, _)) => {
                    let life = connection(tcp, publishers.clone(), limits, stop.clone());
                    connections.spawn(async move {
                        life.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of files, as a rule: some will be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop.cancelled() => {}
    }
    connections.close();
    connections.wait().await;
}

async fn connection(
    tcp: TcpStream,
    publishers: Arc<dyn Publishers>,
    limits: Limits,
    stop: CancellationToken,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let publishers = publishers.clone();
        async move {
            let answer = answer(&*publishers, request.map(Body::new));
            let answer = timeout(limits.answer, answer).await;
            Ok::<_, Infallible>(
                answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response()),
            )
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.heading)
        .max_buf_size(LONGEST_HEADING)
        .serve_connection(TokioIo::new(tcp), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = sleep(limits.life) => return,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match timeout(limits.answer, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a reader of certificates went away");
    }
}

async fn answer(publishers: &dyn Publishers, request: Request<Body>) -> Response {
    let publishers = match publishers.publishers().await {
        Ok(publishers) => publishers,
        Err(why) => {
            tracing::error!(%why, "nothing can be published");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let path = request.uri().path();
    match publishers.iter().find(|publisher| publisher.serves(path)) {
        Some(publisher) => publisher.answer(request).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Of a request; a question in a path is a few hundred bytes.
const LONGEST_HEADING: usize = 16 * 1024;
const PAUSE: Duration = Duration::from_millis(100);
