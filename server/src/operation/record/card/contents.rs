//! What is in a card, as it was told and as it was changed since: the record follows
//! every verb, so that nobody has to look at the card to know what is on it.

use keysteward_proto::agent::v1 as agent;

use crate::{
    lifecycle::Applet,
    operation::{StepName, card_step, key_history, recognise, work::Work},
    store::{
        self, Write,
        card::{self, Container},
        certificate::{self, OnCard},
        token::{self, CardFacts},
    },
};

/// What the card said of itself, into its rows.
pub(super) async fn inspected(
    tx: &mut Write<'_>,
    work: &mut Work,
    seen: &agent::CardInspected,
) -> store::Result<()> {
    let told = seen.facts.clone().unwrap_or_default();
    work.token.facts.card = Some(recognise::card_facts(&told));
    token::update(tx, &work.token).await?;
    let Some(row) = &mut work.card else {
        return Ok(());
    };
    row.shown_id = recognise::card_id(&told);
    if !row.shown_id.is_empty() {
        row.next_id.clear();
    }
    row.inspected_at = Some(work.now);
    row.containers = seen
        .containers
        .iter()
        .take(MOST_CONTAINERS)
        .map(|container| Container {
            name: container.name.clone(),
            algorithm: container.algorithm.clone(),
            public_key: hex::encode(&container.public_key),
            certificate: hex::encode(&container.certificate),
            made_on_card: container.made_on_card,
        })
        .collect();
    card::put(tx, row).await?;
    // A key that was moved, and whose new place nobody told, is where its certificate is.
    let there = row.containers.clone();
    for row in &mut work.certificates {
        let shows = |held: &&Container| held.certificate == hex::encode(&row.der);
        let counts = row.on_card == OnCard::Present && row.container == key_history::DECRYPTION;
        if let Some(held) = there.iter().find(shows).filter(|_| counts)
            && held.name != row.container
        {
            row.container.clone_from(&held.name);
            certificate::update(tx, row).await?;
        }
    }
    Ok(())
}

/// The key that decrypts has another place now, and its certificate with it.
pub(super) async fn moved(tx: &mut Write<'_>, work: &mut Work, place: &str) -> store::Result<()> {
    if let Some(row) = &mut work.card {
        for held in &mut row.containers {
            if held.name == key_history::DECRYPTION {
                place.clone_into(&mut held.name);
            }
        }
        card::put(tx, row).await?;
    }
    for row in &mut work.certificates {
        if row.container == key_history::DECRYPTION && row.on_card == OnCard::Present {
            place.clone_into(&mut row.container);
            certificate::update(tx, row).await?;
        }
    }
    Ok(())
}

/// A step changed the card. Called before the certificates' rows say so: they tell
/// which container it was.
pub(super) async fn changed(
    tx: &mut Write<'_>,
    work: &mut Work,
    step: StepName,
) -> store::Result<()> {
    let Some(mut row) = work.card.clone() else {
        return Ok(());
    };
    let facts = work.token.facts.card.get_or_insert_default();
    match step {
        StepName::BlockCardPin => facts.pin_tries = Some(0),
        // How many there are again, only the card knows.
        StepName::SetCardPin | StepName::ChangeCardPin | StepName::RestorePin => {
            facts.pin_tries = None;
        }
        StepName::SetPuk | StepName::CheckPuk | StepName::RestorePuk => {
            facts.puk_tries = None;
            facts.puk_is_default = Some(step == StepName::RestorePuk);
        }
        StepName::ChangeAdminKey | StepName::Initialise => {
            facts.admin_key_is_default = Some(false);
        }
        StepName::RestoreAdminKey => facts.admin_key_is_default = Some(true),
        StepName::ResetCard => {
            row.containers.clear();
            match row.applet {
                Applet::Gids => facts.pin_tries = None,
                Applet::Piv => {
                    row.shown_id.clear();
                    *facts = CardFacts {
                        atr: core::mem::take(&mut facts.atr),
                        reader: core::mem::take(&mut facts.reader),
                        label: core::mem::take(&mut facts.label),
                        version: core::mem::take(&mut facts.version),
                        ..CardFacts::default()
                    };
                }
            }
        }
        StepName::GenerateKey => {
            if let Some(made) = work.certificates.last() {
                row.containers.retain(|held| held.name != made.container);
                row.containers.push(Container {
                    name: made.container.clone(),
                    algorithm: made.algorithm.as_str().to_owned(),
                    public_key: hex::encode(&made.public_key),
                    certificate: String::new(),
                    made_on_card: Some(true),
                });
            }
        }
        StepName::WriteCertificate => {
            if let Ok(written) = card_step::to_write(work)
                && let Some(held) = row
                    .containers
                    .iter_mut()
                    .find(|held| held.name == written.container)
            {
                held.certificate = hex::encode(&written.der);
            }
        }
        StepName::DeleteContainer => {
            let gone = card_step::to_delete(work).map(|gone| gone.container.clone());
            row.containers
                .retain(|held| Some(&held.name) != gone.as_ref());
        }
        _ => return Ok(()),
    }
    card::put(tx, &row).await?;
    work.card = Some(row);
    token::update(tx, &work.token).await
}

/// Of PIV: four slots, twenty retired ones, and the attestation key.
const MOST_CONTAINERS: usize = 32;
