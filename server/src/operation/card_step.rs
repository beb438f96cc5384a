//! Steps at a card: what is asked of the agent. The admin key is none of it, but for
//! the one that the card is to get: what the card asks of it is answered here.

mod authority;

pub(super) use authority::candidate;

use authority::{admin, by_authority, candidates, cipher_of, factory, factory_puk, held_puk};
use keysteward_proto::agent::v1::{self as agent, CardStep, PinReference, card_step::Verb};
use zeroize::Zeroizing;

use super::{
    StepName,
    admin_keys::Wanted,
    card_effects, card_ids, certification_request, enrolment, key_history, pins,
    plan::Scope,
    token_step::{self, Unprepared},
    work::Work,
};
use crate::{
    key_store::KeyStore,
    lifecycle::{Applet, CertificateSlot},
    store::{
        self, Write,
        card::Card,
        certificate::{self, Certificate, OnCard, State as At},
        sealed_secret::{Kind, State},
    },
};

/// Puts a step together, and writes down before it leaves what must be known after a
/// crash: the PIN or PUK it sets, the request it signs. Admin keys are put in later.
pub(super) async fn prepare(
    tx: &mut Write<'_>,
    keys: &KeyStore,
    work: &mut Work,
    step: StepName,
) -> Result<(CardStep, Wanted), Unprepared> {
    let applet = work
        .card
        .as_ref()
        .map(|card| card.applet)
        .or(work.facts().card_type.map(|card| card.applet));
    let mut wanted = Wanted::of(work);
    let verb = match step {
        StepName::InspectCard | StepName::ReadCard => Verb::InspectCard(agent::InspectCard {}),
        StepName::TryAdminKeys => {
            let candidates = candidates(keys, work)?
                .into_iter()
                .map(|source| wanted.proof(source))
                .collect::<Result<_, _>>()?;
            Verb::TryAdminKeys(agent::TryAdminKeys { candidates })
        }
        StepName::ChangeAdminKey => {
            let current = admin(&mut wanted, keys, work)?;
            let pending = wanted.pending(card_of(work)?)?;
            Verb::ChangeAdminKey(agent::ChangeAdminKey {
                current: Some(current),
                new_algorithm: pending.cipher.as_str().to_owned(),
                new_key: Vec::new(),
            })
        }
        StepName::RestorePin => {
            let new_pin = factory(keys, work)?.pin.clone();
            Verb::SetCardPin(agent::SetCardPin {
                new_pin,
                puk: held_puk(keys, work)?.to_string(),
                admin: None,
            })
        }
        StepName::RestorePuk => {
            let current = held_puk(keys, work)?;
            let new = factory_puk(tx, keys, work).await?;
            Verb::ChangeCardPin(change(PinReference::Puk, &current, &new))
        }
        StepName::RestoreAdminKey => {
            let current = admin(&mut wanted, keys, work)?;
            let new_key = factory(keys, work)?.admin_key.clone();
            Verb::ChangeAdminKey(agent::ChangeAdminKey {
                current: Some(current),
                new_algorithm: cipher_of(&new_key).as_str().to_owned(),
                new_key,
            })
        }
        StepName::SetPuk => {
            let current_pin = match work.secret(Kind::Puk, State::Current) {
                Some(held) => pins::open(keys, held)?,
                None => Zeroizing::new(factory(keys, work)?.puk.clone()),
            };
            let new_pin = pending(tx, keys, work, Kind::Puk).await?;
            Verb::ChangeCardPin(change(PinReference::Puk, &current_pin, &new_pin))
        }
        // From the new one to itself: a card that has it says yes, and changes nothing.
        StepName::CheckPuk => {
            let puk = token_step::pin(keys, work, Kind::Puk, State::Pending)?;
            Verb::ChangeCardPin(change(PinReference::Puk, &puk, &puk))
        }
        StepName::Initialise => {
            let new_pin = pending(tx, keys, work, Kind::CardPin).await?;
            wanted.pending(card_of(work)?)?;
            Verb::Personalise(agent::Personalise {
                admin: None,
                card_id: card_ids::first(tx, work).await?,
                new_pin: new_pin.to_string(),
                new_admin_key: Vec::new(),
            })
        }
        StepName::Personalise => Verb::Personalise(agent::Personalise {
            admin: Some(admin(&mut wanted, keys, work)?),
            card_id: card_ids::first(tx, work).await?,
            new_pin: String::new(),
            new_admin_key: Vec::new(),
        }),
        StepName::SetCardPin => {
            let new_pin = pending(tx, keys, work, Kind::CardPin).await?.to_string();
            let (puk, admin) = by_authority(&mut wanted, keys, work, applet)?;
            Verb::SetCardPin(agent::SetCardPin {
                new_pin,
                puk,
                admin,
            })
        }
        StepName::ChangeCardPin => {
            let current = user_pin(keys, work)?;
            let new = token_step::pin(keys, work, Kind::CardPin, State::Pending)?;
            Verb::ChangeCardPin(change(PinReference::Pin, &current, &new))
        }
        StepName::BlockCardPin => Verb::BlockCardPin(agent::BlockCardPin {
            reference: PinReference::Pin.into(),
        }),
        StepName::MoveKey => Verb::MoveKey(agent::MoveKey {
            admin: Some(admin(&mut wanted, keys, work)?),
            container: key_history::DECRYPTION.to_owned(),
        }),
        StepName::GenerateKey => {
            let slot = slot_to_generate(work)?.clone();
            Verb::GenerateKey(agent::GenerateKey {
                admin: Some(admin(&mut wanted, keys, work)?),
                pin: gids_pin(keys, work, applet)?,
                container: slot.container,
                algorithm: slot.algorithm.as_str().to_owned(),
                pin_policy: slot.pin_use.map_or("", |word| word.as_str()).to_owned(),
                touch_policy: slot.touch_use.map_or("", |word| word.as_str()).to_owned(),
            })
        }
        StepName::SignRequest => {
            let pin = user_pin(keys, work)?.to_string();
            let row = in_state(work, At::KeyMade)?;
            let filled = enrolment::fill(work, &row).map_err(Unprepared::Lacks)?;
            let info = certification_request::info(&filled.subject, &row.public_key);
            let stored = work.certificates.iter_mut().find(|own| own.id == row.id);
            if let Some(stored) = stored {
                stored.request.clone_from(&info);
                certificate::update(tx, stored).await?;
            }
            Verb::SignCertificationRequest(agent::SignCertificationRequest {
                pin,
                container: row.container,
                certification_request_info: info,
                signature_algorithm: row.algorithm.signature().to_owned(),
            })
        }
        StepName::WriteCertificate => {
            let row = to_write(work)?;
            Verb::WriteCertificate(agent::WriteCertificate {
                admin: Some(admin(&mut wanted, keys, work)?),
                pin: writing_pin(keys, work, applet)?,
                container: row.container,
                certificate: row.der,
                is_default: row.is_default,
                guid: match applet {
                    Some(Applet::Piv) => card_ids::another(tx, work).await?,
                    _ => Vec::new(),
                },
            })
        }
        StepName::DeleteContainer => {
            let container = to_delete(work)
                .map(|row| row.container.clone())
                .ok_or_else(|| Unprepared::Lacks("there is no key to delete".into()))?;
            Verb::DeleteContainer(agent::DeleteContainer {
                admin: Some(admin(&mut wanted, keys, work)?),
                pin: gids_pin(keys, work, applet)?,
                container,
            })
        }
        StepName::ResetCard => Verb::ResetCard(match applet {
            Some(Applet::Gids) => agent::ResetCard {
                admin: Some(admin(&mut wanted, keys, work)?),
                new_pin: factory(keys, work)?.pin.clone(),
                card_id: card_ids::another(tx, work).await?,
            },
            _ => agent::ResetCard::default(),
        }),
        _ => return Err(Unprepared::Lacks(format!("{step} is no step at a card"))),
    };
    let step = CardStep {
        key: None,
        timeout_ms: time_limit(step),
        applet: applet.map_or("", Applet::as_str).to_owned(),
        verb: Some(verb),
    };
    Ok((step, wanted))
}

/// Milliseconds. RSA keys of 4096 bits take some cards more than a minute.
const fn time_limit(step: StepName) -> u32 {
    match step {
        StepName::GenerateKey => 180_000,
        _ => 60_000,
    }
}

fn card_of(work: &Work) -> Result<&Card, Unprepared> {
    let missing = || Unprepared::Lacks("the token is not registered as a card".into());
    work.card.as_ref().ok_or_else(missing)
}

fn change(reference: PinReference, current: &str, new: &str) -> agent::ChangeCardPin {
    agent::ChangeCardPin {
        reference: reference.into(),
        current_pin: current.to_owned(),
        new_pin: new.to_owned(),
    }
}

/// The secret that the card is to get: made and sealed once for all attempts, since
/// one that was cut off may have set it.
async fn pending(
    tx: &mut Write<'_>,
    keys: &KeyStore,
    work: &mut Work,
    kind: Kind,
) -> Result<Zeroizing<String>, Unprepared> {
    if let Some(held) = work.secret(kind, State::Pending) {
        return Ok(pins::open(keys, held)?);
    }
    let made = card_effects::make(kind, work);
    let place = (work.token.id, work.operation.id);
    let secret = pins::put(tx, keys, place, (kind, State::Pending), &made, work.now).await?;
    work.secrets.push(secret);
    Ok(made)
}

/// The PIN that the card has: as its user typed it, else the one we hold.
fn user_pin(keys: &KeyStore, work: &Work) -> Result<Zeroizing<String>, Unprepared> {
    token_step::pin(keys, work, Kind::GivenPin, State::Current)
        .or_else(|_| token_step::pin(keys, work, Kind::CardPin, State::Current))
}

/// GIDS writes with the PIN, PIV with the admin key alone.
fn gids_pin(keys: &KeyStore, work: &Work, applet: Option<Applet>) -> Result<String, Unprepared> {
    match applet {
        Some(Applet::Gids) => Ok(user_pin(keys, work)?.to_string()),
        _ => Ok(String::new()),
    }
}

/// As above; and a PIV card that tells nothing of its keys proves with the PIN that it
/// has the certificate's.
fn writing_pin(keys: &KeyStore, work: &Work, applet: Option<Applet>) -> Result<String, Unprepared> {
    let told = work.token.facts.card.as_ref();
    let tells = told.is_some_and(|card| !card.admin_algorithm.is_empty());
    match applet {
        Some(Applet::Piv) if !tells => Ok(user_pin(keys, work)?.to_string()),
        _ => gids_pin(keys, work, applet),
    }
}

/// The first slot without a key of this operation.
pub(super) fn slot_to_generate(work: &Work) -> Result<&CertificateSlot, Unprepared> {
    let facts = work.facts();
    let section = work
        .template
        .as_ref()
        .and_then(|row| row.definition.card.as_ref());
    let asked = &work.parameters.containers;
    section
        .into_iter()
        .flat_map(|section| &section.certificates)
        .filter(|slot| asked.is_empty() || asked.contains(&slot.container))
        .find(|slot| facts.own_certificate(&slot.container).is_none())
        .ok_or_else(|| Unprepared::Lacks("the template has no further key".into()))
}

fn in_state(work: &Work, state: At) -> Result<Certificate, Unprepared> {
    work.facts()
        .certificates_of(Scope::Own)
        .find(|row| row.state == state)
        .cloned()
        .ok_or_else(|| Unprepared::Lacks(format!("no certificate is {state}")))
}

pub(super) fn to_write(work: &Work) -> Result<Certificate, Unprepared> {
    work.facts()
        .certificates_of(Scope::Own)
        .find(|row| row.state == At::Valid && row.on_card == OnCard::Key)
        .cloned()
        .ok_or_else(|| Unprepared::Lacks("there is no certificate to write".into()))
}

/// The first key that is to go.
pub(super) fn to_delete(work: &Work) -> Option<&Certificate> {
    work.certificates
        .iter()
        .find(|row| row.on_card == OnCard::ToDelete)
}

impl From<store::UnknownWord> for Unprepared {
    fn from(word: store::UnknownWord) -> Self {
        Self::Lacks(word.to_string())
    }
}
