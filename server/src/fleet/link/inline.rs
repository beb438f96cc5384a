//! Runs what hyper would spawn inside the link's own task.
//!
//! hyper hands the HTTP/2 connection itself to an executor and keeps only a
//! driver of it, so that dropping what it returned does not end the connection
//! while a stream is open. Here one task owns all of it: when that task ends,
//! the socket is closed, at once, whatever was under way. It also saves a task
//! for each of ten thousand links.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures::{
    future::BoxFuture,
    stream::{FuturesUnordered, Stream as _},
};
use hyper::rt::Executor;

/// Where hyper puts its futures.
#[derive(Clone, Default)]
pub(super) struct Inline(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Inline {
    fn execute(&self, future: F) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::pin(future));
    }
}

impl fmt::Debug for Inline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline").finish_non_exhaustive()
    }
}

/// `driver`, and everything that it hands to [`Inline`], as one future. It ends
/// when the driver does, or when everything else has.
pub(super) struct Driven<D> {
    driver: D,
    handed: Inline,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl<D> Driven<D> {
    pub(super) fn new(driver: D, handed: Inline) -> Self {
        Self {
            driver,
            handed,
            running: FuturesUnordered::new(),
        }
    }
}

impl<D: Future + Unpin> Future for Driven<D> {
    type Output = Option<D::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            if let Poll::Ready(end) = Pin::new(&mut this.driver).poll(context) {
                return Poll::Ready(Some(end));
            }
            let handed =
                std::mem::take(&mut *this.handed.0.lock().unwrap_or_else(PoisonError::into_inner));
            let more = !handed.is_empty();
            this.running.extend(handed);
            let polled = loop {
                match Pin::new(&mut this.running).poll_next(context) {
                    Poll::Ready(Some(())) => {}
                    other => break other,
                }
            };
            if !more {
                return match polled {
                    Poll::Ready(_) => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                };
            }
        }
    }
}
