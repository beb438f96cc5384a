//! How long each contender of a row takes: batches in turn, the quickest of many. What else the
//! machine does makes a batch longer and never shorter.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Does a piece of work as many times as it is told.
pub(crate) type Job = Box<dyn FnMut(u32)>;

/// The loop is compiled together with the work, so that a call through a pointer is paid once for
/// a batch. The result is looked at through a reference: moving it is not part of the work.
pub(crate) fn job<T>(mut work: impl FnMut() -> T + 'static) -> Job {
    Box::new(move |times| {
        for _ in 0..times {
            black_box(&work());
        }
    })
}

/// A function of its own for valgrind to dump after.
#[inline(never)]
pub(crate) fn counted(job: &mut Job, times: u32) {
    job(times);
}

/// How a peer does in a row.
pub(crate) enum Entry {
    Works(Job),
    /// It works, but what it does is not quite what the others do.
    Differs(Job, &'static str),
    Fails(String),
}

impl Entry {
    /// The work, if its first run says that it can be done.
    pub(crate) fn of<T, E: std::fmt::Display>(
        mut work: impl FnMut() -> Result<T, E> + 'static,
    ) -> Self {
        match work() {
            Ok(_) => Self::Works(job(work)),
            Err(error) => Self::Fails(error.to_string()),
        }
    }

    pub(crate) fn but(self, difference: &'static str) -> Self {
        match self {
            Self::Works(job) => Self::Differs(job, difference),
            other => other,
        }
    }
}

/// Times of one contender, in nanoseconds for one piece of work.
pub(crate) struct Timed {
    pub(crate) nanoseconds: f64,
    /// Against the first contender.
    pub(crate) ratio: f64,
}

/// Runs the jobs in turn, batch after batch; the first one is what the others are compared with.
pub(crate) fn race(jobs: &mut [Job], batches: usize) -> Vec<Timed> {
    let sizes: Vec<u32> = jobs.iter_mut().map(batch_size).collect();
    let mut times = vec![Vec::with_capacity(batches); jobs.len()];
    for _ in 0..batches {
        for ((job, size), times) in jobs.iter_mut().zip(&sizes).zip(&mut times) {
            let start = Instant::now();
            job(*size);
            times.push(start.elapsed().as_nanos() as f64 / f64::from(*size));
        }
    }
    let first = times.first().map_or(f64::NAN, |times| quickest(times));
    times
        .iter()
        .map(|times| Timed {
            ratio: quickest(times) / first,
            nanoseconds: quickest(times),
        })
        .collect()
}

/// So many that a batch takes long beside the clock, and short beside the turns that the system
/// gives to others.
fn batch_size(job: &mut Job) -> u32 {
    let mut size = 1;
    loop {
        let start = Instant::now();
        job(size);
        if start.elapsed() >= BATCH {
            return size;
        }
        size = size.saturating_mul(2);
    }
}

fn quickest(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

const BATCH: Duration = Duration::from_micros(200);
