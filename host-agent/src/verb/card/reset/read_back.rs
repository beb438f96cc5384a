//! Reads back whether a PIV card that says that it was reset is as after a reset.
//!
//! What speaks against it: a key or a certificate, the name that it had, a PIN or PUK that lacks a
//! try or is another than the factory's, another admin key than the factory's. Where the card tells
//! nothing of these, its word stands.

use super::super::{Container, PinFacts, PivFacts, inspect, session::PivSession};
use crate::verb::{Code, Failure};

/// `guid` is how the card named itself before.
pub(super) fn check(session: &mut PivSession<'_, '_>, guid: &[u8]) -> Result<(), Failure> {
    let (now, containers) = inspect::piv(session, None)?;
    match contradiction(guid, &now, &containers) {
        None => Ok(()),
        Some(why) => Err(Failure::new(
            Code::ResetPretended,
            format!(
                "the card says that it was reset, but {why}; reset it again, and if that does \
                 not help, take it out of use"
            ),
        )),
    }
}

/// What the card tells that no card tells after a reset.
fn contradiction(guid: &[u8], now: &PivFacts, containers: &[Container]) -> Option<String> {
    if let Some(one) = containers.first() {
        return Some(format!("its container {} still holds something", one.name));
    }
    let lacks_a_try = |pin: &PinFacts| match (pin.tries_left, pin.tries) {
        (Some(left), Some(all)) => left < all,
        (Some(left), None) => left == 0,
        (None, _) => false,
    };
    let why = if !guid.is_empty() && now.guid == guid {
        "it still has the name that it had"
    } else if [&now.pin, &now.puk].into_iter().any(lacks_a_try) {
        "tries of its PIN or PUK are used up still"
    } else if [&now.pin, &now.puk]
        .map(|pin| pin.is_default)
        .contains(&Some(false))
    {
        "its PIN or PUK is not the one of its factory"
    } else if now.admin_key_is_default == Some(false) {
        "its admin key is not the one of its factory"
    } else {
        return None;
    };
    Some(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A card that tells everything, fresh from its factory.
    fn fresh() -> PivFacts {
        let pin = PinFacts {
            tries_left: Some(3),
            tries: Some(3),
            is_default: Some(true),
        };
        PivFacts {
            admin_key_is_default: Some(true),
            pin: pin.clone(),
            puk: pin,
            ..PivFacts::default()
        }
    }

    #[test]
    fn whatever_a_reset_takes_away_speaks_against_it_while_it_is_there() {
        let speaks = |now: &PivFacts| contradiction(&[1; 16], now, &[]).is_some();
        assert!(!speaks(&fresh()));
        let changes: [fn(&mut PivFacts); 7] = [
            |now| now.guid = vec![1; 16],
            |now| now.pin.tries_left = Some(2),
            |now| now.puk.tries_left = Some(0),
            |now| (now.pin.tries_left, now.pin.tries) = (Some(0), None),
            |now| now.pin.is_default = Some(false),
            |now| now.puk.is_default = Some(false),
            |now| now.admin_key_is_default = Some(false),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut now = fresh();
            change(&mut now);
            assert!(speaks(&now), "{number}: {now:?}");
        }
        let container = Container {
            name: "9a".to_owned(),
            ..Container::default()
        };
        assert!(contradiction(&[], &fresh(), &[container]).is_some());
    }

    #[test]
    fn a_card_that_tells_nothing_is_believed() {
        let silent = PivFacts::default();
        assert_eq!(contradiction(&[1; 16], &silent, &[]), None);
        // A new name, as some cards give themselves, is none that it had.
        let renamed = PivFacts {
            guid: vec![2; 16],
            ..fresh()
        };
        assert_eq!(contradiction(&[1; 16], &renamed, &[]), None);
        assert_eq!(contradiction(&[], &silent, &[]), None);
    }
}
