//! Steps at a card that were cut off, and what a look at the card says of them.
//!
//! | verb | shows it |
//! |---|---|
//! | `block_card_pin` | the tries left |
//! | `set_pin_tries` | the tries there are, and that PIN and PUK are those of the factory |
//! | `personalise` | GUID or cardid |
//! | `generate_key` | the container's public key, where the card tells it |
//! | `write_certificate` | the container's certificate, and the GUID where it was to be another |
//! | `delete_container` | the container's certificate |
//! | `move_key` | the container's certificate, and the retired one that has it |
//! | `reset_card` | PIV: the applet has lost its name and its containers' contents. GIDS: it has the new name and no container, and its PIN was blocked and is not any more |
//! | `sign_certification_request` | nothing needs to: a signature that nobody has harms nobody |
//! | PINs and admin keys | nothing, without trying one |

use keysteward_core::piv::KeyReference;

use super::{CardInspection, Container, PinFacts, PinReference, PinTries};
use crate::{
    journal::{CardName, Mark},
    verb::{Applet, Verb},
};

/// What a look says of a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::verb) enum Verdict {
    /// It was carried out, and its answer says no more than that.
    Done,
    /// A key was made: this one.
    KeyMade { public_key: Vec<u8> },
    /// A key was moved: to this container.
    KeyMoved { container: String },
    /// The card is as it was.
    NotDone,
    /// Why nobody can know, and what to do.
    Unknown(&'static str),
    /// This is another card.
    Another,
}

/// What somebody who has the secret can do about a change that nothing shows without it.
pub(in crate::verb) const fn hidden(verb: Verb) -> Option<&'static str> {
    Some(match verb {
        Verb::ChangeAdminKey => {
            "the card has either the old admin key or the new one; ask which of the two opens it \
             (try_admin_keys), which costs nothing"
        }
        Verb::ChangeCardPin => {
            "either the old PIN or the new one is set; try the new one first, a wrong try costs \
             one of the tries left, or set the PIN again by authority (set_card_pin)"
        }
        Verb::SetCardPin => {
            "either the old PIN or the new one is set; set it again by the same authority, which \
             does no harm"
        }
        Verb::AnswerChallenge => {
            "either the old PIN or the new one is set; ask the card for another challenge and \
             answer that, which does no harm"
        }
        _ => return None,
    })
}

/// A card as it shows itself now.
pub(in crate::verb) struct Sight<'s> {
    pub(in crate::verb) seen: &'s CardInspection,
    /// It is the token that the attempt was made on, by its link.
    pub(in crate::verb) is_same: bool,
}

impl Sight<'_> {
    /// How the applet names the card now; `None`: it has no such applet.
    fn name(&self, applet: Applet) -> Option<CardName> {
        let facts = &self.seen.facts;
        name(applet, facts)
    }

    fn pin(&self, applet: Applet, reference: PinReference) -> Option<&PinFacts> {
        let facts = &self.seen.facts;
        let (pin, puk) = match applet {
            Applet::Piv => facts.piv.as_ref().map(|piv| (&piv.pin, &piv.puk))?,
            Applet::Gids => facts.gids.as_ref().map(|gids| (&gids.pin, &gids.puk))?,
        };
        Some(match reference {
            PinReference::Pin => pin,
            PinReference::Puk => puk,
        })
    }
}

/// How an applet names its card; `None`: the card has no such applet.
pub(in crate::verb) fn name(applet: Applet, facts: &super::CardFacts) -> Option<CardName> {
    let (id, serial) = match applet {
        Applet::Piv => facts.piv.as_ref().map(|piv| (&piv.guid, piv.serial))?,
        Applet::Gids => facts.gids.as_ref().map(|gids| (&gids.card_id, 0))?,
    };
    Some(CardName {
        applet,
        id: id.clone(),
        serial,
    })
}

/// Compares a card with what was written down before the step.
pub(in crate::verb) fn verdict(before: &CardName, mark: &Mark, sight: &Sight<'_>) -> Verdict {
    let Some(now) = sight.name(before.applet) else {
        return Verdict::Unknown("the card no longer answers at that applet; inspect it");
    };
    let container = |name: &str| sight.seen.containers.iter().find(|one| one.name == name);
    let holds = |name: &str, sha256: &[u8; 32]| {
        container(name).is_some_and(|one| super::sha256(&one.certificate) == *sha256)
    };
    // No other card has a use for these certificates.
    match mark {
        Mark::Certificate {
            container: name,
            sha256,
        } if holds(name, sha256) => return Verdict::Done,
        Mark::CertificateAndGuid {
            container: name,
            sha256,
            guid,
        } if holds(name, sha256) => {
            return if now.id == guid {
                Verdict::Done
            } else {
                Verdict::Unknown(
                    "the certificate is written, and the GUID is not the new one; write the \
                     certificate again, which does no harm",
                )
            };
        }
        _ => {}
    }
    let took_its_name = match mark {
        Mark::Named { id } => *id == now.id,
        Mark::Restored { card_id, .. } => now.id == card_id,
        _ => false,
    };
    let same_id = !before.id.is_empty() && before.id == now.id;
    let same_serial = before.serial != 0 && before.serial == now.serial;
    if !(sight.is_same || same_id || same_serial || took_its_name) {
        let both_have_ids = !before.id.is_empty() && !now.id.is_empty();
        let both_have_serials = before.serial != 0 && now.serial != 0;
        return if both_have_ids || both_have_serials {
            Verdict::Another
        } else {
            Verdict::Unknown(
                "a card is there, but nothing tells whether it is the one of this step; inspect it",
            )
        };
    }
    match mark {
        Mark::Blocked(reference) => match sight.pin(before.applet, *reference) {
            Some(PinFacts {
                tries_left: Some(0),
                ..
            }) => Verdict::Done,
            Some(PinFacts {
                tries_left: Some(_),
                ..
            }) => Verdict::NotDone,
            _ => Verdict::Unknown(
                "the card does not tell how many tries are left; block it again, which does no harm",
            ),
        },
        Mark::Tries(tries) => set_tries(*tries, sight, before.applet),
        // Initialising ends with a command that leaves nothing to be seen.
        Mark::Named { .. } if took_its_name && before.applet == Applet::Gids => Verdict::Unknown(
            "the card has its name, and nothing shows whether the rest was done; ask for it again: \
             a card that is done says so",
        ),
        // The name is written last.
        Mark::Named { .. } if took_its_name && now.id != before.id => Verdict::Done,
        Mark::Named { id } if *id == before.id => Verdict::Unknown(
            "the card had this name before, so nothing shows whether the rest was written; ask \
             for it again, which does no harm",
        ),
        Mark::Named { .. } => Verdict::NotDone,
        Mark::Key { tells: false, .. } => Verdict::Unknown(
            "the card does not tell its public keys, so the container may hold another key than \
             before; generate one again, and its certificate anew",
        ),
        Mark::Key {
            container: name,
            before,
            tells: true,
        } => match container(name).map(|one| one.public_key.as_slice()) {
            Some(key @ [_, ..]) if *before != Some(super::sha256(key)) => Verdict::KeyMade {
                public_key: key.to_vec(),
            },
            _ => Verdict::NotDone,
        },
        Mark::Certificate { .. } | Mark::CertificateAndGuid { .. } => Verdict::NotDone,
        Mark::Empty {
            container: name,
            had_certificate,
        } => match container(name) {
            Some(one) if !one.certificate.is_empty() => Verdict::NotDone,
            None if *had_certificate || before.applet == Applet::Gids => Verdict::Done,
            None => Verdict::Unknown(
                "the container had no certificate that could show it; delete the container again, \
                 which does no harm",
            ),
            // GIDS takes it off its list last; a PIV card without Yubico's extension keeps the key.
            Some(_) => Verdict::Unknown(
                "the certificate is gone, and the container is there still; delete the container \
                 again, which does no harm",
            ),
        },
        Mark::Moved {
            container: name,
            sha256,
        } => moved(container(name), sha256, sight.seen),
        Mark::Restored {
            counted,
            was_blocked,
            ..
        } => restored(*counted, took_its_name, *was_blocked, sight.seen),
        Mark::Erased { .. } if same_id => {
            Verdict::Unknown("the card was not erased, but its PINs may be blocked; reset it again")
        }
        Mark::Erased { containers } => {
            if !sight.seen.containers.is_empty() {
                Verdict::Unknown(
                    "the card holds something still, and its PINs may be blocked; reset it again",
                )
            } else if *containers > 0 || !before.id.is_empty() {
                Verdict::Done
            } else {
                Verdict::Unknown(
                    "the card held nothing before, so nothing shows whether it was reset; reset \
                     it again",
                )
            }
        }
    }
}

/// The certificate comes after its key, and leaves its old place last.
fn moved(from: Option<&Container>, certificate: &[u8; 32], seen: &CardInspection) -> Verdict {
    let to = seen.containers.iter().find(|one| {
        matches!(
            KeyReference::from_name(&one.name),
            Some(KeyReference::Retired(_))
        ) && super::sha256(&one.certificate) == *certificate
    });
    match (from, to) {
        (None, Some(to)) => Verdict::KeyMoved {
            container: to.name.clone(),
        },
        // Of a place without a key the card does not say where its key was made.
        (
            Some(Container {
                made_on_card: Some(_),
                ..
            }),
            None,
        ) => Verdict::NotDone,
        _ => Verdict::Unknown(
            "the key may be in a retired place already, and its certificate not; move it again, \
             which goes on where it stood",
        ),
    }
}

/// First of all the step counts a change; the PIN comes last, and shows where it was blocked.
fn restored(counted: u32, is_renamed: bool, was_blocked: bool, seen: &CardInspection) -> Verdict {
    let Some(gids) = &seen.facts.gids else {
        return Verdict::Unknown("the card no longer answers at that applet; inspect it");
    };
    if gids.containers_freshness == counted {
        Verdict::NotDone
    } else if !is_renamed || !seen.containers.is_empty() || !gids.pin.has_all_tries() {
        Verdict::Unknown(
            "a part of the card is as it was, and the rest is not; reset it again, which does no \
             harm",
        )
    } else if was_blocked {
        Verdict::Done
    } else {
        Verdict::Unknown(
            "the card has its new name and holds nothing, and nothing shows whether its PIN is \
             set, which comes last; reset it again, which does no harm",
        )
    }
}

/// Nothing but the step itself gives a card these tries and the secrets of its factory.
fn set_tries(wanted: PinTries, sight: &Sight<'_>, applet: Applet) -> Verdict {
    let told = |reference| {
        let facts = sight.pin(applet, reference)?;
        Some((facts.tries?, facts.is_default?))
    };
    match (told(PinReference::Pin), told(PinReference::Puk)) {
        (Some(pin), Some(puk)) => {
            let as_wanted = [(wanted.pin.into(), true), (wanted.puk.into(), true)];
            if [pin, puk] == as_wanted {
                Verdict::Done
            } else {
                Verdict::NotDone
            }
        }
        _ => Verdict::Unknown(
            "the card does not tell how many tries there are; PIN and PUK are either as before or \
             those of its factory: try the old PIN first, a wrong try costs one of the tries left",
        ),
    }
}

#[cfg(test)]
mod tests;
