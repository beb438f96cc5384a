//! Names for tokens that are plugged in, and whether two names are of one token.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::journal::TokenName;

/// Gives out presence ids: a counter that is unique within this process behind randomness that is
/// unique to it, so that none is ever used twice, over restarts too.
#[derive(Debug)]
pub(super) struct Names {
    boot: String,
    next: AtomicU64,
}

impl Names {
    pub(super) fn new(rng: &mut impl rand::RngCore) -> Self {
        let mut boot = [0; 8];
        rng.fill_bytes(&mut boot);
        Self {
            boot: hex::encode(boot),
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn next(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.boot)
    }
}

/// What two names say about each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Likeness {
    /// One token: it was never unplugged, or its serial number says so.
    Same,
    /// The same model, and no serial number to tell.
    Possible,
    /// Two tokens.
    Other,
}

/// Compares a token on record with one that is plugged in.
pub(crate) fn likeness(recorded: &TokenName, present: &TokenName) -> Likeness {
    let model = |name: &TokenName| (name.vendor_id, name.product_id);
    let aaguids_fit = recorded.aaguid == present.aaguid
        || recorded.aaguid == [0; 16]
        || present.aaguid == [0; 16];
    if recorded.presence_id == present.presence_id {
        Likeness::Same
    } else if model(recorded) != model(present) || recorded.serial != present.serial || !aaguids_fit
    {
        Likeness::Other
    } else if recorded.serial.is_empty() {
        Likeness::Possible
    } else {
        Likeness::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(presence_id: &str, product_id: u16, serial: &str, aaguid: u8) -> TokenName {
        TokenName {
            presence_id: presence_id.to_owned(),
            vendor_id: 1,
            product_id,
            serial: serial.to_owned(),
            aaguid: [aaguid; 16],
        }
    }

    #[test]
    fn tokens_are_told_apart_by_what_is_known_of_them() {
        let recorded = name("a-1", 1, "S1", 7);
        for (present, expected) in [
            (name("a-1", 1, "S1", 7), Likeness::Same),
            (name("b-1", 1, "S1", 7), Likeness::Same),
            (name("b-1", 1, "S1", 0), Likeness::Same),
            (name("b-1", 1, "S2", 7), Likeness::Other),
            (name("b-1", 1, "", 7), Likeness::Other),
            (name("b-1", 2, "S1", 7), Likeness::Other),
            (name("b-1", 1, "S1", 8), Likeness::Other),
        ] {
            assert_eq!(likeness(&recorded, &present), expected, "{present:?}");
        }
        let without = name("a-1", 1, "", 7);
        assert_eq!(
            likeness(&without, &name("b-1", 1, "", 7)),
            Likeness::Possible
        );
        assert_eq!(
            likeness(&without, &name("b-1", 1, "S1", 7)),
            Likeness::Other
        );
    }

    #[test]
    fn no_presence_id_is_given_out_twice_over_restarts() {
        let mut rng = rand::rngs::OsRng;
        let (one, two) = (Names::new(&mut rng), Names::new(&mut rng));
        let ids = [one.next(), one.next(), two.next(), two.next()];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), 4, "{ids:?}");
    }
}
