//! The one place where the agent reads the clocks; everything else is handed the time.

use std::time::Instant;

/// Microseconds since 1970, UTC.
pub(crate) fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// A moment that only moves forward, for deadlines.
pub(crate) fn now() -> Instant {
    Instant::now()
}
