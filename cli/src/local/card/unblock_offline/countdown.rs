//! The time that is left, for somebody who types meanwhile.

use std::{io::Write, time::Duration};

/// Stands on the line above the one that is typed on, and is written over each second. In a log it
/// is a line of its own, at once and each half minute.
pub(super) struct Countdown<W> {
    told: W,
    is_terminal: bool,
    /// Seconds that were left when it was shown last.
    shown: Option<u64>,
}

impl<W: Write> Countdown<W> {
    pub(super) const fn new(told: W, is_terminal: bool) -> Self {
        Self {
            told,
            is_terminal,
            shown: None,
        }
    }

    pub(super) fn show(&mut self, left: Duration) {
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let (minutes, rest) = (seconds / 60, seconds % 60);
        let sentence =
            format!("{minutes}:{rest:02} left; leave the card where it is, and type the answer:");
        let written = match (self.is_terminal, self.shown) {
            (true, Some(_)) => write!(self.told, "{ABOVE}{sentence}{BACK}"),
            (false, Some(before)) if before.saturating_sub(seconds) < EACH => return,
            (_, _) => writeln!(self.told, "{sentence}"),
        };
        // A screen that is gone takes nobody's answer away.
        drop(written.and_then(|()| self.told.flush()));
        self.shown = Some(seconds);
    }
}

/// Seconds between two lines of a log.
const EACH: u64 = 30;
/// Keeps the place where it is typed, and empties the line above. ECMA-48 §8.3, DEC's DECSC.
const ABOVE: &str = "\x1b7\x1b[1A\r\x1b[2K";
/// DECRC.
const BACK: &str = "\x1b8";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(is_terminal: bool, seconds: &[u64]) -> String {
        let mut told = Vec::new();
        let mut countdown = Countdown::new(&mut told, is_terminal);
        for left in seconds {
            countdown.show(Duration::from_secs(*left));
        }
        String::from_utf8(told).unwrap()
    }

    #[test]
    fn a_terminal_shows_each_second_above_what_is_typed() {
        let text = shown(true, &[300, 299]);
        let (first, second) = text.split_once('\n').unwrap();
        assert!(first.starts_with("5:00 left"), "{text:?}");
        assert!(
            second.starts_with("\x1b7\x1b[1A\r\x1b[2K4:59 left"),
            "{text:?}"
        );
        assert!(second.ends_with("\x1b8"), "{text:?}");
    }

    #[test]
    fn a_log_shows_the_time_at_once_and_each_half_minute() {
        let seconds: Vec<u64> = (0..=95).rev().collect();
        let text = shown(false, &seconds);
        let left: Vec<&str> = text.lines().filter_map(|line| line.get(..4)).collect();
        assert_eq!(left, ["1:35", "1:05", "0:35", "0:05"], "{text}");
    }

    #[test]
    fn a_begun_second_is_a_second() {
        let mut told = Vec::new();
        Countdown::new(&mut told, false).show(Duration::from_millis(59_001));
        assert!(told.starts_with(b"1:00 left"));
    }
}
