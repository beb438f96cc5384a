//! Reads back whether a token that says that it was reset is as after a reset. CTAP 2.3 §6.6.
//!
//! What speaks against it: a PIN, less room for credentials than before, a credential that this
//! agent made. Where the token tells nothing of these, its word stands.

use crate::{
    journal::MadeHere,
    token::{Bench, Facts},
    verb::{
        Code, Failure,
        conduct::{self, Conduct, converse},
        look_for_credentials::is_there,
    },
};

/// Credentials that are looked for, so that the look ends.
const LOOKS: usize = 32;

/// `then` is what the token told before, `made` what this agent made on it.
pub(super) fn check(
    bench: &mut Bench,
    conduct: &mut Conduct,
    then: Option<&Facts>,
    made: &[(Vec<u8>, MadeHere)],
) -> Result<(), Failure> {
    let told = conduct::get_info(bench, conduct).map(|bytes| Facts::parse(&bytes));
    let Ok(Ok(now)) = told else {
        let presence_id = bench.token().presence_id();
        tracing::warn!(
            presence_id,
            "a token was reset and does not say how it is now"
        );
        return Ok(());
    };
    if let Some(why) = contradiction(then, &now) {
        return Err(pretended(why));
    }
    let visible = made.iter().filter(|(_, made)| made.visible).take(LOOKS);
    let (found, _) = converse(bench, conduct, |session| {
        for (id, made) in visible {
            if is_there(session, &made.rp_id, id)? {
                return Ok(true);
            }
        }
        Ok(false)
    });
    match found {
        Ok(true) => Err(pretended("it still has a credential that was made here")),
        Ok(false) => Ok(()),
        Err(failure) => {
            let presence_id = bench.token().presence_id();
            tracing::warn!(presence_id, %failure, "a token was reset and cannot be searched");
            Ok(())
        }
    }
}

/// What the token tells that no token tells after a reset.
fn contradiction(then: Option<&Facts>, now: &Facts) -> Option<&'static str> {
    let room = |facts: &Facts| facts.remaining_discoverable_credentials;
    if now.options.get("clientPin") == Some(&true) {
        Some("it still has a PIN")
    } else if then.is_some_and(|then| room(now) < room(then)) {
        Some("it has room for fewer credentials than before")
    } else {
        None
    }
}

fn pretended(why: &str) -> Failure {
    Failure::new(
        Code::ResetPretended,
        format!(
            "the token says that it was reset, but {why}; reset it again, and if that does not \
             help, take it out of use"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pin: Option<bool>, room: u32) -> Facts {
        Facts {
            options: pin
                .map(|set| ("clientPin".to_owned(), set))
                .into_iter()
                .collect(),
            remaining_discoverable_credentials: room,
            ..Facts::default()
        }
    }

    #[test]
    fn a_pin_or_less_room_speaks_against_a_reset() {
        let then = facts(Some(true), 20);
        for (now, speaks) in [
            (facts(Some(false), 25), false),
            (facts(Some(false), 20), false),
            (facts(None, 25), false),
            (facts(Some(true), 25), true),
            (facts(Some(false), 19), true),
        ] {
            let told = contradiction(Some(&then), &now);
            assert_eq!(told.is_some(), speaks, "{now:?}: {told:?}");
        }
        assert_eq!(contradiction(None, &facts(Some(false), 0)), None);
    }
}
