//! The transport under the generated clients: one HTTP/2 connection that an
//! agent dialled, with errors that say whether a request had left.

use std::{
    fmt,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, combinators::MapErr};
use hyper::{body::Incoming, client::conn::http2::SendRequest};
use tonic::body::Body;
use tower::Service;

use super::error::Sent;

/// Makes requests on one link. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Channel(pub(super) SendRequest<Body>);

/// The link is gone, or this request was cut off.
///
/// The cause is no `source`: tonic would look into it and make a status of its
/// own, and those say `Unknown`, `Cancelled` or `Unavailable` for one and the
/// same loss.
#[derive(Debug)]
pub(super) struct ChannelError {
    pub(super) sent: Sent,
    cause: hyper::Error,
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the link was lost: {}", self.cause)
    }
}

impl std::error::Error for ChannelError {}

impl Service<Request<Body>> for Channel {
    type Response = Response<MapErr<Incoming, fn(hyper::Error) -> ChannelError>>;
    type Error = ChannelError;
    type Future = BoxFuture<'static, Result<Self::Response, ChannelError>>;

    /// Always ready: a link that is gone is told by the call, which knows whether
    /// anything was sent.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ChannelError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.0.try_send_request(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => Ok(response.map(|body| body.map_err(cut_off as fn(_) -> _))),
                Err(mut error) => Err(ChannelError {
                    // hyper gives the request back when not a byte of it was written.
                    sent: match error.take_message() {
                        Some(_) => Sent::No,
                        None => Sent::Unknown,
                    },
                    cause: error.into_error(),
                }),
            }
        })
    }
}

/// The answer had begun, so the request had arrived.
fn cut_off(cause: hyper::Error) -> ChannelError {
    ChannelError {
        sent: Sent::Yes,
        cause,
    }
}
