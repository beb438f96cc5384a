//! One ordinary gRPC connection to the server, for as long as a call takes.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use keysteward_proto::enrolment::v1::enrolment_client::EnrolmentClient;
use tokio::task::AbortHandle;
use tonic::body::Body;
use tower::Service;

use super::dial::Stream;

/// An enrolment client on `stream`. The connection ends when the client is dropped.
///
/// # Errors
/// When the other end does not speak HTTP/2.
pub(super) async fn enrolment(stream: Stream) -> Result<EnrolmentClient<Calls>, hyper::Error> {
    let (requests, connection) = http2::Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(stream))
        .await?;
    let connection = tokio::spawn(async move {
        // Its error is the error of whichever call was under way.
        let _ = connection.await;
    });
    Ok(EnrolmentClient::with_origin(
        Calls {
            requests,
            connection: connection.abort_handle(),
        },
        Uri::from_static("https://server.keysteward.internal"),
    ))
}

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Calls {
    requests: SendRequest<Body>,
    connection: AbortHandle,
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Service<Request<Body>> for Calls {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.requests.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer: Pin<Box<_>> = Box::pin(self.requests.send_request(request));
        answer
    }
}
