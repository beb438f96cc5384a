//! What each lie comes to. Flows that are not named end somehow, in time and with a typed error or
//! a success.

mod answers;
mod packets;
mod words;

/// What is shown of one hostile key.
pub(crate) enum Shown {
    /// Every flow ends like this.
    Always(&'static str),
    /// Every flow ends as with an honest key: the lie does no harm.
    Harmless,
    /// These flows end like this.
    At(&'static [(&'static str, &'static str)]),
}

/// A row for every hostile key. Ends are errors as `Debug` shows them, to their beginning, or what
/// a flow learned behind `ok: `.
pub(crate) fn shown() -> impl Iterator<Item = &'static (&'static str, Shown)> {
    [packets::ALL, answers::ALL, words::ALL]
        .into_iter()
        .flatten()
}

const DEADLINE: &str = "Transport(Deadline)";
