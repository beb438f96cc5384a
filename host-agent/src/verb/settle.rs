//! Attempts that were cut off, and what a look at the token says of them.
//!
//! Nothing is guessed: where the token may be another one of the same model, or the change does not
//! show without a PIN, the attempt stands as unknown, with what somebody who has the PIN can do.

use std::time::Duration;

use keysteward_core::session::Facts;

use super::{
    Answer, Code, Failure, Verb, card,
    conduct::{Conduct, TokenSession, converse},
    look_for_credentials::is_there,
    read,
    steps::Steps,
};
use crate::{
    causes::Causes,
    clock,
    journal::{
        CardName, Journal, JournalError, MadeHere, Mark, Memory, Probe, Record, State, StepKey,
        TokenName,
    },
    token::{Bench, CardFacts, Likeness, Looker, Reading, likeness},
};

/// How long a look may take; nobody is asked to touch anything.
const PATIENCE: Duration = Duration::from_secs(5);

impl Looker for Steps {
    fn read(&self, bench: &mut Bench) -> Reading {
        read::fido(bench)
    }

    fn read_card(&self, bench: &mut Bench) -> Option<CardFacts> {
        read::card(bench)
    }

    fn settle(&self, bench: &mut Bench) {
        settle(self, bench);
    }
}

/// Settles what was cut off and no token can tell more about. To be called before any token is
/// looked at.
pub(crate) fn settle_without_token(journal: &Journal) -> Result<(), JournalError> {
    for (key, record) in journal.cut_off()? {
        if let Some(end) = without_look(&record) {
            write(journal, &key, end, None)?;
        }
    }
    Ok(())
}

/// Settles what was cut off and may have been this token's.
pub(super) fn settle(steps: &Steps, bench: &mut Bench) {
    let journal = &steps.journal;
    let done = settle_without_token(journal).and_then(|()| {
        let present = bench.token().name();
        for (key, record) in journal.cut_off()? {
            if likeness(&record.intent.token, &present) == Likeness::Other {
                continue;
            }
            if let Some((end, memory)) = look(journal, bench, &record)? {
                write(journal, &key, end, memory.as_ref())?;
            }
        }
        Ok(())
    });
    if let Err(error) = done {
        tracing::error!(error = %Causes(&error), "attempts that were cut off could not be settled");
    }
}

fn write(
    journal: &Journal,
    key: &StepKey,
    end: State,
    memory: Option<&Memory>,
) -> Result<(), JournalError> {
    tracing::warn!(%key, ?end, "settled a step that was cut off");
    journal.settle(key, end, memory, clock::now_us())
}

/// What is known without any token.
fn without_look(record: &Record) -> Option<State> {
    match (&record.state, &record.intent.probe) {
        (State::Waiting, _) => Some(unchanged(
            record.intent.verb,
            "the agent was stopped before the token was sent anything",
        )),
        (_, Probe::Harmless) => Some(unchanged(
            record.intent.verb,
            "the agent or the token was stopped before the answer came",
        )),
        (_, Probe::Made { rp_id, .. }) => Some(unknown(format!(
            "the token may hold a credential for {rp_id} that nobody knows; list its credentials \
             with the PIN, and delete the one of this user that is too many"
        ))),
        (_, Probe::Hidden) => Some(unknown(hidden(record.intent.verb).to_owned())),
        (
            _,
            Probe::CardRaw {
                header: [cla, ins, p1, p2],
            },
        ) => Some(unknown(format!(
            "the agent does not know what the command {cla:02X} {ins:02X} {p1:02X} {p2:02X} does; \
             inspect the card"
        ))),
        (_, Probe::Raw { command }) => Some(unknown(format!(
            "the agent does not know what command {command:#04x} does; look at the token"
        ))),
        (_, Probe::PinChanged { was_forced: false }) => Some(unknown(
            "either the old PIN or the new one is set; try the new one first, a wrong try costs \
             one of the tries left"
                .to_owned(),
        )),
        _ => None,
    }
}

/// What somebody who has the PIN can do about a change that nothing shows without it.
const fn hidden(verb: Verb) -> &'static str {
    if let Some(words) = card::hidden(verb) {
        return words;
    }
    match verb {
        Verb::UpdateUser => {
            "the credential's user has either the old names or the new ones; list the credentials \
             with the PIN, or ask for the new names again, which does no harm"
        }
        Verb::EnrollFingerprint => {
            "the token may hold one finger more; list the fingerprints with the PIN, and remove \
             the one that is too many"
        }
        Verb::RenameFingerprint => {
            "the fingerprint has either the old name or the new one; ask for the new name again, \
             which does no harm"
        }
        Verb::RemoveFingerprint => {
            "the fingerprint may be there still; list the fingerprints with the PIN"
        }
        _ => {
            "the large blob is either as before or as asked; ask for the same again, which does no \
             harm"
        }
    }
}

/// What this token says; `None` if it does not answer, and the next sight of it has to tell.
fn look(
    journal: &Journal,
    bench: &mut Bench,
    record: &Record,
) -> Result<Option<(State, Option<Memory>)>, JournalError> {
    if let Probe::Card { card, mark } = &record.intent.probe {
        return Ok(look_at_card(bench, record, card, mark).map(|end| (end, None)));
    }
    let recorded = &record.intent.token;
    let present = bench.token().name();
    let known = made_on(journal, recorded)?;
    let mut conduct = Conduct::silent(PATIENCE);
    let (found, _) = converse(bench, &mut conduct, |session| {
        // Those that a silent look shows tell whether this is the token.
        let mut seen = Vec::new();
        for (id, made) in known.iter().filter(|(_, made)| made.visible) {
            if is_there(session, &made.rp_id, id)? {
                seen.push(id);
            }
        }
        let sight = Sight {
            facts: session.facts()?,
            is_same: likeness(recorded, &present) == Likeness::Same || !seen.is_empty(),
            known_visible: known.iter().filter(|(_, made)| made.visible).count(),
            seen: seen.len(),
        };
        compare(session, record, &sight)
    });
    Ok(match found {
        Ok(state) => {
            let memory = forgets(record, &state, &known);
            Some((state, memory))
        }
        Err(failure) => {
            tracing::warn!(%failure, "a step that was cut off waits for its token");
            None
        }
    })
}

/// What the card at the reader says; `None` if it does not answer, or is another one.
fn look_at_card(
    bench: &mut Bench,
    record: &Record,
    before: &CardName,
    mark: &Mark,
) -> Option<State> {
    let is_same = likeness(&record.intent.token, &bench.token().name()) == Likeness::Same;
    let conduct = Conduct::silent(PATIENCE);
    let seen = match card::look(bench, Some(before.applet), &conduct) {
        Ok(seen) => seen,
        Err(failure) => {
            tracing::warn!(%failure, "a step that was cut off waits for its card");
            return None;
        }
    };
    // It may be there still, and have another name since.
    read::list_anew(bench, &seen.facts);
    let sight = card::Sight {
        seen: &seen,
        is_same,
    };
    match card::verdict(before, mark, &sight) {
        card::Verdict::Done => Some(State::Done(Answer::Done)),
        card::Verdict::KeyMade { public_key } => Some(State::Done(Answer::KeyGenerated {
            public_key,
            attestation: Vec::new(),
            attestation_issuer: Vec::new(),
        })),
        card::Verdict::KeyMoved { container } => Some(State::Done(Answer::KeyMoved { container })),
        card::Verdict::NotDone => Some(unchanged(
            record.intent.verb,
            "a look at the card shows that it was not carried out",
        )),
        card::Verdict::Unknown(why) => Some(unknown(why.to_owned())),
        card::Verdict::Another => None,
    }
}

/// A token as it shows itself.
struct Sight {
    facts: Facts,
    /// It is the recorded token, not only one of its model.
    is_same: bool,
    /// Credentials that were made on the recorded token and would show.
    known_visible: usize,
    /// Those of them that do.
    seen: usize,
}

fn compare(
    session: &mut TokenSession<'_, '_>,
    record: &Record,
    sight: &Sight,
) -> Result<State, Failure> {
    let verb = record.intent.verb;
    let not_done = || {
        unchanged(
            verb,
            "a look at the token shows that it was not carried out",
        )
    };
    let facts = &sight.facts;
    Ok(match &record.intent.probe {
        // The only look that is sure of a token which may be another: the credential is there.
        Probe::Deleted {
            rp_id,
            credential_id,
            was_visible,
        } => {
            if !rp_id.is_empty() && is_there(session, rp_id, credential_id)? {
                not_done()
            } else if sight.is_same && *was_visible {
                State::Done(Answer::Done)
            } else {
                unknown(format!(
                    "the credential does not show, but it did not before or the token may be \
                     another one; list the token's credentials for {rp_id} with the PIN"
                ))
            }
        }
        _ if !sight.is_same => unknown(format!(
            "a token of the same model is plugged in, but without a serial number nothing tells \
             whether it is the one; look at its {}",
            match verb {
                Verb::SetPin | Verb::ChangePin => "PIN",
                _ => "settings and credentials",
            }
        )),
        Probe::PinSet { was_set: true } => not_done(),
        Probe::PinSet { was_set: false } if facts.client_pin == Some(true) => {
            State::Done(Answer::Done)
        }
        Probe::PinSet { was_set: false } => not_done(),
        Probe::PinChanged { .. } if facts.force_pin_change => not_done(),
        Probe::PinChanged { .. } => State::Done(Answer::Done),
        Probe::Configured { .. } | Probe::Settings(_) => configured(record, facts),
        Probe::Reset { pin_was_set } => {
            let pin_is_set = facts.client_pin == Some(true);
            match (pin_was_set, pin_is_set) {
                (true, true) => not_done(),
                (true, false) => State::Done(Answer::Done),
                (false, _) if sight.seen > 0 => not_done(),
                (false, false) if sight.known_visible > 0 => State::Done(Answer::Done),
                (false, _) => unknown(
                    "the token had no PIN and no credential that this agent knows, so nothing \
                     shows whether it was reset; reset it again"
                        .to_owned(),
                ),
            }
        }
        // Settled without a look.
        Probe::Harmless
        | Probe::Made { .. }
        | Probe::Raw { .. }
        | Probe::Hidden
        | Probe::Card { .. }
        | Probe::CardRaw { .. } => unknown("nothing on the token shows it".to_owned()),
    })
}

fn configured(record: &Record, facts: &Facts) -> State {
    let Some(settings) = record.intent.probe.settings() else {
        return unknown("nothing on the token shows it".to_owned());
    };
    let rp_ids = settings.rp_ids;
    let asked_and_shown = [
        settings
            .min_pin_length
            .map(|length| facts.min_pin_length == length),
        settings.force_pin_change.then_some(facts.force_pin_change),
        settings.always_uv.map(|on| facts.always_uv == Some(on)),
        settings
            .enterprise_attestation
            .then_some(facts.ep == Some(true)),
        settings
            .long_touch_for_reset
            .then_some(facts.long_touch_for_reset == Some(true)),
        settings
            .pin_complexity_policy
            .map(|on| facts.pin_complexity_policy == Some(on)),
    ];
    let asked = asked_and_shown.iter().flatten();
    let (shown, missing): (Vec<bool>, Vec<bool>) = asked.copied().partition(|shown| *shown);
    match (shown.len(), missing.len()) {
        (_, 0) if !rp_ids => State::Done(Answer::Done),
        (0, 1..) => unchanged(
            record.intent.verb,
            "a look at the token shows that it was not carried out",
        ),
        _ => unknown(
            "a part of the settings is as asked, the rest is not or does not show; configure the \
             token again, which does no harm"
                .to_owned(),
        ),
    }
}

/// What need not be remembered any more.
fn forgets(
    record: &Record,
    end: &State,
    known: &[(Vec<u8>, crate::journal::MadeHere)],
) -> Option<Memory> {
    match (&record.intent.probe, end) {
        (Probe::Deleted { credential_id, .. }, State::Done(_)) => Some(Memory::Deleted {
            credential_id: credential_id.clone(),
        }),
        (Probe::Reset { .. }, State::Done(_)) => Some(Memory::Erased {
            credential_ids: known.iter().map(|(id, _)| id.clone()).collect(),
        }),
        _ => None,
    }
}

/// The credentials that this agent made on a token.
pub(super) fn made_on(
    journal: &Journal,
    token: &TokenName,
) -> Result<Vec<(Vec<u8>, MadeHere)>, JournalError> {
    journal.credentials_where(|holder| likeness(holder, token) == Likeness::Same)
}

fn unchanged(verb: Verb, why: &str) -> State {
    State::Failed(Failure::new(
        Code::CutOff,
        format!("{verb} was cut off, and the token is as it was: {why}; ask for it again"),
    ))
}

const fn unknown(explanation: String) -> State {
    State::Unknown { explanation }
}
