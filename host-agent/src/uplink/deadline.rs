//! `grpc-timeout` for a connection that is served without tonic's own server.
//!
//! hyper and tonic's `Routes` pass the header over: a call with a deadline of
//! 150 ms would run for ever. Here the whole answer ends with the deadline, a
//! stream that has begun included, and the status is `DEADLINE_EXCEEDED`.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{HeaderMap, Request, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tonic::{Status, body::Body};

/// Answers `request` by `answer`, but not after the deadline that it carries.
///
/// # Errors
/// Those of `answer`.
pub(super) async fn within_deadline<B, E, F>(
    request: Request<B>,
    answer: impl FnOnce(Request<B>) -> F,
) -> Result<Response<Body>, E>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    let limit = match parse(request.headers()) {
        Ok(limit) => limit,
        Err(InvalidTimeout) => {
            return Ok(Status::invalid_argument("grpc-timeout is malformed").into_http());
        }
    };
    // A deadline too far away to be told is none.
    let Some(deadline) = limit.and_then(|limit| Instant::now().checked_add(limit)) else {
        return answer(request).await;
    };
    match timeout_at(deadline, answer(request)).await {
        Err(_) => Ok(expired().into_http()),
        Ok(Err(error)) => Err(error),
        Ok(Ok(response)) => Ok(response.map(|inner| {
            Body::new(DeadlineBody {
                inner,
                deadline: Box::pin(sleep_until(deadline)),
                over: false,
            })
        })),
    }
}

/// A body that ends with `DEADLINE_EXCEEDED` when its time is up.
struct DeadlineBody {
    inner: Body,
    deadline: Pin<Box<Sleep>>,
    over: bool,
}

impl HttpBody for DeadlineBody {
    type Data = <Body as HttpBody>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            return Poll::Ready(frame);
        }
        ready!(self.deadline.as_mut().poll(context));
        self.over = true;
        // The handler's stream is dropped here, not when the peer closes.
        self.inner = Body::empty();
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(
            expired()
                .add_header(&mut trailers)
                .map(|()| Frame::trailers(trailers)),
        ))
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn expired() -> Status {
    Status::deadline_exceeded("the call took longer than its caller allowed")
}

#[derive(Debug, Eq, PartialEq)]
struct InvalidTimeout;

/// gRPC over HTTP/2, "Timeout": at most eight digits and a unit.
fn parse(headers: &HeaderMap) -> Result<Option<Duration>, InvalidTimeout> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| InvalidTimeout)?;
    let (digits, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or(InvalidTimeout)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(InvalidTimeout);
    }
    let number: u64 = digits.parse().map_err(|_| InvalidTimeout)?;
    Ok(Some(match unit {
        "H" => Duration::from_secs(number.saturating_mul(3600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return Err(InvalidTimeout),
    }))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn request(timeout: &str) -> Request<()> {
        Request::builder()
            .header("grpc-timeout", timeout)
            .body(())
            .unwrap()
    }

    #[test]
    fn every_unit_of_the_specification_is_read() {
        for (text, duration) in [
            ("2H", Duration::from_secs(7200)),
            ("3M", Duration::from_secs(180)),
            ("4S", Duration::from_secs(4)),
            ("150m", Duration::from_millis(150)),
            ("99999999u", Duration::from_micros(99_999_999)),
            ("7n", Duration::from_nanos(7)),
        ] {
            assert_eq!(parse(request(text).headers()), Ok(Some(duration)), "{text}");
        }
        for text in ["", "m", "150", "1 m", "-1S", "123456789m", "5s", "1.5S"] {
            assert_eq!(
                parse(request(text).headers()),
                Err(InvalidTimeout),
                "{text:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_handler_that_does_not_answer_in_time_is_dropped() {
        let answered = within_deadline(request("150m"), |_| {
            std::future::pending::<Result<Response<Body>, ()>>()
        });
        let response = tokio::time::timeout(Duration::from_secs(10), answered)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(response.headers().get("grpc-status").unwrap(), "4");
    }

    #[tokio::test]
    async fn a_stream_that_has_begun_ends_with_the_deadline() {
        let endless = Body::new(http_body_util::StreamBody::new(futures::stream::pending::<
            Result<Frame<_>, Status>,
        >()));
        let response = within_deadline(request("150m"), |_| async {
            Ok::<_, ()>(Response::new(endless))
        })
        .await
        .unwrap();
        let collected =
            tokio::time::timeout(Duration::from_secs(10), response.into_body().collect())
                .await
                .unwrap()
                .unwrap();
        assert_eq!(
            collected.trailers().unwrap().get("grpc-status").unwrap(),
            "4"
        );
    }

    #[tokio::test]
    async fn an_answer_in_time_is_left_as_it_is() {
        let response = within_deadline(request("150m"), |_| async {
            Ok::<_, ()>(Response::new(Body::empty()))
        })
        .await
        .unwrap();
        let collected = response.into_body().collect().await.unwrap();
        assert!(collected.trailers().is_none());
    }
}
