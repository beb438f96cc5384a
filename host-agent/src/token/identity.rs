//! Names for tokens that are plugged in, and whether two names, or two sides, are of one token.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{CardFacts, Reading, Sight, atr};
use crate::{journal::TokenName, transport::Description};

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

/// The vendor's serial number, as either side tells it; empty where none does. A card's is marked
/// as one: vendors of cards and of keys count each for themselves.
pub(super) fn serial(description: &Description, card: Option<&CardFacts>) -> String {
    let card = || card?.piv.as_ref().filter(|piv| piv.serial != 0);
    match (description.serial.as_str(), card()) {
        ("", Some(piv)) => format!("piv {}", piv.serial),
        (serial, _) => serial.to_owned(),
    }
}

/// What its vendor calls it: as USB tells, else as its PIV applet does, else as the answer to reset
/// does; and where nothing does, by the applets that it has.
pub(super) fn product(description: &Description, card: Option<&CardFacts>) -> String {
    if !description.product.is_empty() {
        return description.product.clone();
    }
    let label = card
        .and_then(|card| card.piv.as_ref())
        .map(|piv| piv.label.trim());
    if let Some(label) = label.filter(|label| !label.is_empty()) {
        return label.to_owned();
    }
    if let Some(issuer) = atr::issuer(&description.atr) {
        return issuer.to_owned();
    }
    let has = |card: &CardFacts| (card.piv.is_some(), card.gids.is_some());
    match card.map(has) {
        Some((true, true)) => "PIV and GIDS card",
        Some((true, false)) => "PIV card",
        Some((false, true)) => "GIDS card",
        Some((false, false)) | None => "",
    }
    .to_owned()
}

/// Whether what is seen on HID and what is seen at a reader are interfaces of one USB device: they
/// are plugged in at one place, or, where the system does not tell the places, the reader has the
/// serial number of the key and is called after it.
pub(super) fn are_one_device(one: &Description, other: &Description) -> bool {
    let (key, reader) = if one.reader.is_empty() {
        (one, other)
    } else {
        (other, one)
    };
    match (key.position, reader.position) {
        (Some(one), Some(other)) => one == other,
        _ => {
            !key.serial.is_empty()
                && key.serial == reader.reader_serial
                && !key.product.is_empty()
                && reader.reader.contains(&key.product)
        }
    }
}

/// A side of a token that was read.
pub(super) struct Side {
    /// As a number: cards tell theirs as one.
    serial: Option<u32>,
    aaguid: Option<[u8; 16]>,
}

impl Side {
    pub(super) fn new(description: &Description, sight: &Sight) -> Self {
        let piv = sight.card.as_ref().and_then(|card| card.piv.as_ref());
        let serial = piv.map_or_else(|| description.serial.parse().ok(), |piv| Some(piv.serial));
        Self {
            serial: serial.filter(|serial| *serial != 0),
            aaguid: match &sight.reading {
                Reading::Read(facts) => Some(facts.aaguid),
                _ => None,
            },
        }
    }
}

/// Whether two sides tell the same serial number, and nothing speaks against their being one: that
/// they are of one model alone says nothing.
pub(super) fn are_one_token(one: &Side, other: &Side) -> bool {
    let models_differ = match (one.aaguid, other.aaguid) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    one.serial.is_some() && one.serial == other.serial && !models_differ
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        token::{Facts, GidsFacts, PivFacts},
        transport::{Kind, UsbPosition},
    };

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
    fn a_token_is_called_what_its_vendor_calls_it() {
        let described = |product: &str, atr: &str| Description {
            product: product.to_owned(),
            atr: hex::decode(atr).unwrap(),
            ..Description::default()
        };
        let labelled = |label: &str| CardFacts {
            piv: Some(PivFacts {
                label: label.to_owned(),
                ..PivFacts::default()
            }),
            ..CardFacts::default()
        };
        let gids = CardFacts {
            gids: Some(GidsFacts::default()),
            ..CardFacts::default()
        };
        let both = CardFacts {
            gids: gids.gids.clone(),
            ..labelled("")
        };
        let telling = "3b8f01805d4e6974726f6b657900000000006a";
        let (plain, none) = ("3b80800101", CardFacts::default());
        for (product, atr, card, called) in [
            ("Key 5", telling, Some(labelled("Label")), "Key 5"),
            ("", telling, Some(labelled("Label")), "Label"),
            ("", telling, Some(labelled("")), "Nitrokey"),
            ("", telling, None, "Nitrokey"),
            ("", plain, Some(labelled(" ")), "PIV card"),
            ("", plain, Some(gids), "GIDS card"),
            ("", plain, Some(both), "PIV and GIDS card"),
            ("", plain, Some(none), ""),
            ("", "", None, ""),
        ] {
            let named = super::product(&described(product, atr), card.as_ref());
            assert_eq!(named, called);
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

    fn key(serial: &str, position: Option<(u8, u8)>) -> Description {
        Description {
            product: "Key 5".to_owned(),
            serial: serial.to_owned(),
            position: position.map(|(bus, device)| UsbPosition { bus, device }),
            ..Description::default()
        }
    }

    fn at_reader(reader: &str, serial: &str, position: Option<(u8, u8)>) -> Description {
        Description {
            kind: Kind::Pcsc,
            reader: reader.to_owned(),
            reader_serial: serial.to_owned(),
            position: position.map(|(bus, device)| UsbPosition { bus, device }),
            ..Description::default()
        }
    }

    #[test]
    fn two_interfaces_are_one_device_by_their_place_or_by_the_readers_own_name() {
        let here = Some((1, 7));
        for (key, reader, expected) in [
            (key("", here), at_reader("Desk 00", "", here), true),
            (
                key("7", here),
                at_reader("Key 5 00", "7", Some((1, 8))),
                false,
            ),
            (key("7", None), at_reader("Acme Key 5 00", "7", here), true),
            (key("7", here), at_reader("Acme Key 5 00", "7", None), true),
            (key("7", None), at_reader("Acme Key 5 00", "8", None), false),
            (key("7", None), at_reader("Desk 00", "7", None), false),
            (key("", None), at_reader("Acme Key 5 00", "", None), false),
        ] {
            assert_eq!(
                are_one_device(&key, &reader),
                expected,
                "{key:?} {reader:?}"
            );
            assert_eq!(
                are_one_device(&reader, &key),
                expected,
                "{key:?} {reader:?}"
            );
        }
    }

    fn side(description: &Description, aaguid: Option<u8>, piv_serial: Option<u32>) -> Side {
        let facts = |aaguid| Facts {
            aaguid: [aaguid; 16],
            ..Facts::default()
        };
        let card = piv_serial.map(|serial| CardFacts {
            piv: Some(PivFacts {
                serial,
                ..PivFacts::default()
            }),
            ..CardFacts::default()
        });
        let sight = Sight {
            reading: aaguid.map_or(Reading::NoFido, |one| Reading::Read(facts(one).into())),
            card: card.map(Into::into),
        };
        Side::new(description, &sight)
    }

    #[test]
    fn two_sides_are_one_token_by_its_serial_number_and_never_by_its_model_alone() {
        let reader = at_reader("Desk 00", "", None);
        for (serial, aaguid, piv_aaguid, piv, expected) in [
            ("0012345678", 7, Some(7), Some(12_345_678), true),
            ("12345678", 7, None, Some(12_345_678), true),
            ("12345678", 7, Some(8), Some(12_345_678), false),
            ("12345679", 7, Some(7), Some(12_345_678), false),
            ("KS-1", 7, Some(7), Some(1), false),
            ("", 7, Some(7), None, false),
            ("0", 7, Some(7), Some(0), false),
        ] {
            let one = side(&key(serial, None), Some(aaguid), None);
            let other = side(&reader, piv_aaguid, piv);
            assert_eq!(are_one_token(&one, &other), expected, "{serial} {piv:?}");
        }
    }

    #[test]
    fn a_cards_serial_number_is_not_taken_for_a_keys() {
        let card = CardFacts {
            piv: Some(PivFacts {
                serial: 7,
                ..PivFacts::default()
            }),
            ..CardFacts::default()
        };
        let reader = at_reader("Desk 00", "R-1", None);
        assert_eq!(serial(&reader, Some(&card)), "piv 7");
        assert_eq!(serial(&reader, Some(&CardFacts::default())), "");
        assert_eq!(serial(&key("7", None), Some(&card)), "7");
    }
}
