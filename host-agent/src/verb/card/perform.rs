//! A step at a card, from the applet's selection to its answer, with the journal around it where it
//! changes the card.

use std::time::Duration;

use super::{
    Applet, Ask, CardFacts, CardInspection, Request, admin_keys, challenge, delete_container,
    generate_key, inspect, move_key, personalise, pins, probe, raw, reset,
    session::{Card, GidsSession, PivSession, choose, with_gids, with_gids_as_it_is, with_piv},
    set_pin_tries, sign_certification_request, write_certificate,
};
use crate::{
    journal::{CardName, Intent, Mark, Probe, State, StepKey},
    token::Bench,
    verb::{
        Answer, Code, Failure, Outcome, Steps, attempt::Ended, conduct::Conduct, read,
        watched::Effect,
    },
};

/// A step at a card.
pub(in crate::verb) struct CardStep<'r> {
    pub(in crate::verb) request: &'r Request,
    pub(in crate::verb) fingerprint: [u8; 32],
    /// `None` for what changes nothing.
    pub(in crate::verb) key: Option<StepKey>,
    pub(in crate::verb) caller: String,
}

impl Steps {
    pub(in crate::verb) fn card(
        &self,
        bench: &mut Bench,
        conduct: &Conduct,
        step: &CardStep<'_>,
    ) -> Result<Outcome, Failure> {
        match &step.key {
            None => look_at(bench, conduct, step.request).map(Outcome::Answer),
            Some(key) => self.change_card(bench, conduct, step, key),
        }
    }

    fn change_card(
        &self,
        bench: &mut Bench,
        conduct: &Conduct,
        step: &CardStep<'_>,
        key: &StepKey,
    ) -> Result<Outcome, Failure> {
        let intent = |probe| Intent {
            verb: step.request.verb(),
            fingerprint: step.fingerprint,
            caller: step.caller.clone(),
            token: bench.token().name(),
            probe,
        };
        let harmless = intent(Probe::Harmless);
        let mut attempt = None;
        let mut begin = |probe| {
            let intent = Intent {
                probe,
                ..harmless.clone()
            };
            attempt = Some(self.begin(key, intent, State::Started)?);
            Ok(())
        };
        let (result, effect) = self.at_card(bench, conduct, step.request, &mut begin);
        let (result, raw) = match result {
            Ok(Done::Answer(answer)) => (Ok(answer.into()), None),
            Ok(Done::Raw(bytes)) => (Ok(Ended::from(Answer::RawExchanged)), Some(bytes)),
            Err(failure) => (Err(failure), None),
        };
        let answer = self.conclude(bench, attempt, result, effect, refresh(step.request))?;
        Ok(raw.map_or(Outcome::Answer(answer), Outcome::Raw))
    }

    /// Does it. Beside the result: what it did to the card.
    fn at_card(
        &self,
        bench: &mut Bench,
        conduct: &Conduct,
        request: &Request,
        begin: &mut dyn FnMut(Probe) -> Result<(), Failure>,
    ) -> (Result<Done, Failure>, Effect) {
        let listed = bench.token().card();
        let link = match &request.ask {
            Ask::AnswerChallenge { .. } => bench.held_card().ok_or_else(challenge::dead),
            _ => bench.card(conduct.deadline()).map_err(Failure::from),
        };
        let link = match link {
            Ok(link) => link,
            Err(failure) => return (Err(failure), Effect::default()),
        };
        let uses_up = matches!(request.ask, Ask::BlockPin { .. } | Ask::Reset { .. });
        let mut card = Card::new(link, conduct, uses_up);
        let result = self.say(&mut card, listed.as_deref(), conduct, request, begin);
        (result, card.effect())
    }

    fn say(
        &self,
        card: &mut Card<'_>,
        listed: Option<&CardFacts>,
        conduct: &Conduct,
        request: &Request,
        begin: &mut dyn FnMut(Probe) -> Result<(), Failure>,
    ) -> Result<Done, Failure> {
        let deadline = conduct.deadline();
        match &request.ask {
            Ask::Raw(command) => {
                begin(Probe::CardRaw {
                    header: raw::header(command),
                })?;
                return raw::run(card, command, deadline).map(Done::Raw);
            }
            Ask::AnswerChallenge { response, new_pin } => {
                if request.applet == Some(Applet::Piv) {
                    return Err(challenge::not_for_piv());
                }
                begin(Probe::Hidden)?;
                return with_gids_as_it_is(card, deadline, |session| {
                    challenge::answer(session, response, new_pin)
                })
                .map(Done::Answer);
            }
            _ => {}
        }
        let applet = choose(card, request.applet, deadline)?;
        let left = || conduct.left();
        match applet {
            Applet::Piv => with_piv(card, deadline, |session| {
                let probe = probe::piv(session, listed, &request.ask)?;
                let before = Before {
                    guid: match &probe {
                        Probe::Card { card, .. } => card.id.clone(),
                        _ => Vec::new(),
                    },
                    made_here: self.made_here(&probe, &request.ask)?,
                };
                begin(probe)?;
                piv(session, conduct, &request.ask, &before, left)
            }),
            Applet::Gids => with_gids(card, deadline, |session| {
                let probe = probe::gids(session, listed, &request.ask)?;
                begin(probe)?;
                gids(session, &request.ask, left)
            }),
        }
        .map(Done::Answer)
    }

    /// The key that this agent made last in the container that a certificate goes to, as the
    /// journal has it.
    fn made_here(&self, probe: &Probe, ask: &Ask) -> Result<Option<Vec<u8>>, Failure> {
        let (Probe::Card { card, .. }, Ask::WriteCertificate { container, .. }) = (probe, ask)
        else {
            return Ok(None);
        };
        let is_it = |name: &CardName| {
            name.applet == card.applet
                && (!card.id.is_empty() && name.id == card.id
                    || card.serial != 0 && name.serial == card.serial)
        };
        let records = self.journal.list(true)?.into_iter();
        Ok(records
            .filter_map(|(_, record)| match (record.intent.probe, record.state) {
                (
                    Probe::Card {
                        card,
                        mark: Mark::Key { container: at, .. },
                    },
                    State::Done(Answer::KeyGenerated { public_key, .. }),
                ) if is_it(&card) && at == *container => Some(public_key),
                _ => None,
            })
            .next_back())
    }
}

/// What to read anew after a change: of the applet that was changed, if it tells anything else
/// then.
const fn refresh(request: &Request) -> fn(&mut Bench) {
    match (request.applet, &request.ask) {
        (
            Some(Applet::Piv),
            Ask::GenerateKey { .. }
            | Ask::DeleteContainer { .. }
            | Ask::MoveKey { .. }
            | Ask::WriteCertificate { guid: None, .. },
        ) => read::leave_piv,
        (Some(Applet::Piv), _) => read::refresh_piv,
        (Some(Applet::Gids), _) => read::refresh_gids,
        (None, _) => read::refresh_card,
    }
}

/// A PIV card as it stood, as far as a verb has to know it.
struct Before {
    /// Empty: it had none, or nobody asked.
    guid: Vec<u8>,
    /// The key that this agent made in the container.
    made_here: Option<Vec<u8>>,
}

/// What came of a step.
enum Done {
    Answer(Answer),
    Raw(zeroize::Zeroizing<Vec<u8>>),
}

/// What changes nothing, and is not journaled.
fn look_at(bench: &mut Bench, conduct: &Conduct, request: &Request) -> Result<Answer, Failure> {
    let deadline = conduct.deadline();
    let left = || conduct.left();
    if matches!(request.ask, Ask::Inspect) {
        let seen = look(bench, request.applet, conduct)?;
        return Ok(Answer::CardInspected(Box::new(seen)));
    }
    let mut card = Card::new(bench.card(conduct.deadline())?, conduct, false);
    let applet = choose(&mut card, request.applet, deadline)?;
    match (&request.ask, applet) {
        (Ask::TryAdminKeys { candidates }, Applet::Piv) => {
            with_piv(&mut card, deadline, |session| {
                admin_keys::try_piv(session, candidates, left)
            })
        }
        (Ask::TryAdminKeys { candidates }, Applet::Gids) => {
            with_gids(&mut card, deadline, |session| {
                admin_keys::try_gids(session, candidates, left)
            })
        }
        (Ask::GiveChallenge, Applet::Gids) => with_gids(&mut card, deadline, challenge::give),
        (Ask::GiveChallenge, Applet::Piv) => Err(challenge::not_for_piv()),
        _ => Err(Failure::new(
            Code::Internal,
            "this verb changes the card and came without a key",
        )),
    }
}

/// Everything that the card tells without a secret.
pub(in crate::verb) fn look(
    bench: &mut Bench,
    applet: Option<Applet>,
    conduct: &Conduct,
) -> Result<CardInspection, Failure> {
    let known = bench.token().card();
    let mut card = Card::new(bench.card(conduct.deadline())?, conduct, false);
    let mut seen = inspect::run(&mut card, applet, known.as_deref(), conduct.deadline())?;
    let token = bench.token();
    seen.facts.atr = token.description().atr.clone();
    seen.facts.reader = token.description().reader.clone();
    Ok(seen)
}

fn piv(
    session: &mut PivSession<'_, '_>,
    conduct: &Conduct,
    ask: &Ask,
    before: &Before,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    match ask {
        Ask::ChangeAdminKey { current, new_key } => {
            admin_keys::change_piv(session, current, new_key, left)
        }
        Ask::ChangePin {
            reference,
            current_pin,
            new_pin,
        } => pins::change_piv(session, *reference, current_pin, new_pin),
        Ask::SetPin { new_pin, by } => pins::set_piv(session, new_pin, by),
        Ask::BlockPin { reference } => pins::block_piv(session, *reference),
        Ask::SetPinTries { admin, pin, tries } => {
            set_pin_tries::piv(session, admin, pin, *tries, left)
        }
        Ask::Personalise {
            admin,
            card_id,
            new,
        } => personalise::piv(session, admin.as_ref(), card_id, new.as_ref(), left),
        Ask::GenerateKey { admin, .. } => match generate_key::Wanted::of(ask) {
            Some(wanted) => generate_key::piv(session, admin.as_ref(), wanted, left),
            None => Err(misplaced()),
        },
        Ask::SignCertificationRequest { pin, .. } => {
            match sign_certification_request::Wanted::of(ask) {
                Some(wanted) => sign_certification_request::piv(
                    session,
                    pin.as_ref(),
                    wanted,
                    &conduct.teller(),
                ),
                None => Err(misplaced()),
            }
        }
        Ask::WriteCertificate { admin, pin, .. } => match write_certificate::Wanted::of(ask) {
            Some(wanted) => {
                let (admin, pin) = (admin.as_ref(), pin.as_ref());
                let made_here = before.made_here.as_deref();
                write_certificate::piv(session, admin, pin, wanted, made_here, left)
            }
            None => Err(misplaced()),
        },
        Ask::DeleteContainer {
            admin, container, ..
        } => delete_container::piv(session, admin.as_ref(), container, left),
        Ask::MoveKey { admin, container } => move_key::piv(session, admin, container, left),
        Ask::Reset { left_with, .. } => reset::piv(session, &before.guid, left_with.as_ref()),
        _ => Err(misplaced()),
    }
}

fn gids(
    session: &mut GidsSession<'_, '_>,
    ask: &Ask,
    left: impl Fn() -> Duration + Copy,
) -> Result<Answer, Failure> {
    match ask {
        Ask::ChangeAdminKey { current, new_key } => {
            admin_keys::change_gids(session, current, new_key, left)
        }
        Ask::ChangePin {
            reference,
            current_pin,
            new_pin,
        } => pins::change_gids(session, *reference, current_pin, new_pin),
        Ask::SetPin { new_pin, by } => pins::set_gids(session, new_pin, by, left),
        Ask::BlockPin { reference } => pins::block_gids(session, *reference),
        Ask::SetPinTries { .. } => Err(set_pin_tries::gids()),
        Ask::Personalise { card_id, new, .. } => personalise::gids(session, card_id, new.as_ref()),
        Ask::GenerateKey { pin, .. } => match generate_key::Wanted::of(ask) {
            Some(wanted) => generate_key::gids(session, pin.as_ref(), wanted),
            None => Err(misplaced()),
        },
        Ask::SignCertificationRequest { pin, .. } => {
            match sign_certification_request::Wanted::of(ask) {
                Some(wanted) => sign_certification_request::gids(session, pin.as_ref(), wanted),
                None => Err(misplaced()),
            }
        }
        Ask::WriteCertificate { admin, pin, .. } => match write_certificate::Wanted::of(ask) {
            Some(wanted) => {
                write_certificate::gids(session, admin.as_ref(), pin.as_ref(), wanted, left)
            }
            None => Err(misplaced()),
        },
        Ask::DeleteContainer {
            admin,
            pin,
            container,
        } => delete_container::gids(session, admin.as_ref(), pin.as_ref(), container, left),
        Ask::MoveKey { .. } => Err(move_key::gids()),
        Ask::Reset { admin, left_with } => {
            reset::gids(session, admin.as_ref(), left_with.as_ref(), left)
        }
        _ => Err(misplaced()),
    }
}

fn misplaced() -> Failure {
    Failure::new(Code::Internal, "this verb is not a plain change of a card")
}
