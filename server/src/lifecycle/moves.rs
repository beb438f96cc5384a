//! The life of a token: every allowed move, as data.
//!
//! ```text
//!  unregistered --register--> registered --issue--> issued --hand-over--> active
//!       ^                       ^    |                |                   |   ^
//!       |                 reset |    | retire         |           suspend |   | resume
//!   unregister                  |    |                |                   v   |
//!       |                       |    |                '---revoke---.   suspended
//!    retired <------------------+----'                             v      |
//!       ^                       '------------------------------ revoked <-' revoke
//!       '---------------------- retire ---------------------------'
//! ```

use super::TokenState::{
    self, Active, Issued, Registered, Retired, Revoked, Suspended, Unregistered,
};
use crate::store::words;

words! {
    /// What happens to a token.
    Event {
        /// It was recognised as of a token type.
        Register = "register",
        /// A credential was made on it and published.
        Issue = "issue",
        /// Its user has its PIN.
        HandOver = "hand-over",
        /// Its credentials are on hold.
        Suspend = "suspend",
        /// They no longer are.
        Resume = "resume",
        /// They are gone at the IdP.
        Revoke = "revoke",
        /// It is as it left the factory.
        Reset = "reset",
        /// It goes out of use.
        Retire = "retire",
        /// It is no longer ours.
        Unregister = "unregister",
    }
}

/// From, event, to. What is not here is not allowed.
pub const ALLOWED: &[(TokenState, Event, TokenState)] = &[
    (Unregistered, Event::Register, Registered),
    (Unregistered, Event::Reset, Unregistered),
    (Registered, Event::Issue, Issued),
    (Registered, Event::Reset, Registered),
    (Registered, Event::Retire, Retired),
    (Issued, Event::HandOver, Active),
    (Issued, Event::Revoke, Revoked),
    (Active, Event::Suspend, Suspended),
    (Active, Event::Revoke, Revoked),
    (Suspended, Event::Resume, Active),
    (Suspended, Event::Revoke, Revoked),
    (Revoked, Event::Reset, Registered),
    (Revoked, Event::Retire, Retired),
    (Retired, Event::Reset, Retired),
    (Retired, Event::Unregister, Unregistered),
];

/// A move that is not in the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a token that is {state} cannot {event}; from there it can {}", words(*state))]
pub struct NotAllowed {
    /// Where it is.
    pub state: TokenState,
    /// What was asked.
    pub event: Event,
}

impl NotAllowed {
    /// The states in which it would be allowed.
    pub fn needed(&self) -> impl Iterator<Item = TokenState> {
        let event = self.event;
        ALLOWED
            .iter()
            .filter(move |(_, on, _)| *on == event)
            .map(|(from, _, _)| *from)
    }
}

/// Where `event` leads from `state`.
///
/// # Errors
/// When the table has no such move.
pub fn after(state: TokenState, event: Event) -> Result<TokenState, NotAllowed> {
    ALLOWED
        .iter()
        .find(|(from, on, _)| *from == state && *on == event)
        .map(|(_, _, to)| *to)
        .ok_or(NotAllowed { state, event })
}

/// The events that move a token from `state`.
pub fn allowed(state: TokenState) -> impl Iterator<Item = Event> {
    ALLOWED
        .iter()
        .filter(move |(from, _, _)| *from == state)
        .map(|(_, event, _)| *event)
}

fn words(state: TokenState) -> String {
    let events: Vec<_> = allowed(state).map(Event::as_str).collect();
    events.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_meets_every_event_as_drawn() {
        let mut table = format!("{:14}", "");
        for event in Event::ALL {
            table += &format!("{event:13}");
        }
        for state in TokenState::ALL {
            table += &format!("\n{state:14}");
            for event in Event::ALL {
                let to = after(*state, *event).map_or("-", TokenState::as_str);
                table += &format!("{to:13}");
            }
        }
        let lines: Vec<_> = table.lines().map(str::trim_end).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn no_move_stands_in_the_table_twice() {
        for (n, (from, event, _)) in ALLOWED.iter().enumerate() {
            let same = ALLOWED
                .iter()
                .skip(n + 1)
                .find(|(f, e, _)| f == from && e == event);
            assert_eq!(same, None);
        }
    }

    #[test]
    fn a_refusal_says_what_is_allowed_instead() {
        assert_eq!(
            after(Active, Event::Issue).unwrap_err().to_string(),
            "a token that is active cannot issue; from there it can suspend, revoke"
        );
        let refused = after(Registered, Event::Revoke).unwrap_err();
        let needed: Vec<_> = refused.needed().collect();
        assert_eq!(needed, [Issued, Active, Suspended]);
    }
}
