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

/// The contenders of a row; the first one is what the others are compared with.
pub(crate) struct Race {
    contenders: Vec<Contender>,
}

struct Contender {
    job: Job,
    batch: u32,
    /// Of all batches so far, in nanoseconds for one piece of work.
    quickest: f64,
}

impl Race {
    pub(crate) fn between(jobs: Vec<Job>) -> Self {
        let contenders = jobs.into_iter().map(|mut job| Contender {
            batch: batch_size(&mut job),
            job,
            quickest: f64::INFINITY,
        });
        Self {
            contenders: contenders.collect(),
        }
    }

    /// Runs the jobs in turn, batch after batch.
    pub(crate) fn run(&mut self, batches: u32) {
        for _ in 0..batches {
            for Contender {
                job,
                batch,
                quickest,
            } in &mut self.contenders
            {
                let took = timed(job, *batch).as_nanos() as f64 / f64::from(*batch);
                *quickest = quickest.min(took);
            }
        }
    }

    pub(crate) fn times(&self) -> Vec<Timed> {
        let first = self.contenders.first().map_or(f64::NAN, |one| one.quickest);
        let timed = self.contenders.iter().map(|one| Timed {
            ratio: one.quickest / first,
            nanoseconds: one.quickest,
        });
        timed.collect()
    }
}

/// So many that a batch takes long beside the clock, and short beside the turns that the system
/// gives to others. One disturbed trial would settle for a batch so small that the clock is measured
/// with it.
fn batch_size(job: &mut Job) -> u32 {
    let mut size = 1;
    while (0..TRIALS).any(|_| timed(job, size) < BATCH) {
        size = size.saturating_mul(2);
    }
    size
}

fn timed(job: &mut Job, times: u32) -> Duration {
    let start = Instant::now();
    job(times);
    start.elapsed()
}

const BATCH: Duration = Duration::from_micros(200);
const TRIALS: usize = 9;
