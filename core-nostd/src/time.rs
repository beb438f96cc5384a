//! Time as the machines see it: a number handed in by whoever holds a clock.

/// A moment, in milliseconds on a clock that its owner chose (a link's, a
/// firmware's). Only differences between moments of one clock mean something.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Millis(pub u64);

impl Millis {
    /// The moment `milliseconds` later; the end of time if that is sooner.
    #[must_use]
    pub const fn after(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds since `earlier`; 0 if that lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
