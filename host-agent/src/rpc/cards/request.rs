//! Requests of the interface become our own, checked. Every refusal names the field, what was found
//! and what is allowed; no card has seen anything then.

mod field;

use std::{mem, sync::Arc};

use keysteward_proto::agent::v1 as proto;
use proto::card_step::Verb;
use zeroize::Zeroizing;

use self::field::{
    applet, certificate, certification_request_info, container, dedicated_proof, named, needed_pin,
    new_key, optional_name, optional_pin, optional_proof, pin_reference, response, sixteen, tries,
};
use super::admin::Line;
use crate::{
    rpc::step::{Ordered, key, patience},
    verb::{
        self, Failure,
        card::{
            Ask, Authority, KeyAlgorithm, LeftWith, NewCard, PinPolicy, PinTries, Request,
            SignatureAlgorithm, TouchPolicy,
        },
    },
};

/// Header, Lc, 65,535 bytes, Le: the longest command APDU. ISO/IEC 7816-4 §5.2.
const RAW_MAX: usize = 4 + 3 + 65_535 + 2;

/// Most keys that one question may try.
const CANDIDATES_MAX: usize = 4;

/// Takes a typed step. Its secrets end in types that wipe themselves; those that stay with the
/// caller are asked for over `line`.
pub(super) fn step(step: proto::CardStep, line: &Arc<Line>) -> Result<Ordered, Failure> {
    // Taken apart first: whatever is wrong below, the secrets are in types that wipe themselves.
    let ask = ask(step.verb, line);
    Ok(Ordered {
        key: key(step.key)?,
        patience: patience(step.timeout_ms)?,
        request: verb::Request::Card(Box::new(Request {
            applet: applet(&step.applet)?,
            ask: ask?,
        })),
    })
}

/// Takes a raw exchange.
pub(super) fn raw(mut raw: proto::CardRaw) -> Result<Ordered, Failure> {
    let bytes = Zeroizing::new(mem::take(&mut raw.command));
    if !(4..=RAW_MAX).contains(&bytes.len()) {
        return Err(Failure::invalid(
            "raw.command",
            format_args!("{} bytes", bytes.len()),
            "a command APDU of 4 to 65,544 bytes",
        ));
    }
    if let Err(error) = keysteward_core::iso7816::Command::parse(&bytes) {
        return Err(Failure::invalid("raw.command", error, "a command APDU"));
    }
    Ok(Ordered {
        key: key(raw.key)?,
        patience: patience(raw.timeout_ms)?,
        request: verb::Request::Card(Box::new(Request {
            applet: None,
            ask: Ask::Raw(bytes),
        })),
    })
}

fn ask(verb: Option<Verb>, line: &Arc<Line>) -> Result<Ask, Failure> {
    Ok(match verb {
        None => {
            return Err(Failure::invalid(
                "step.verb",
                "nothing",
                "one of the verbs of this agent",
            ));
        }
        Some(Verb::InspectCard(_)) => Ask::Inspect,
        Some(Verb::TryAdminKeys(question)) => try_admin_keys(question, line)?,
        Some(Verb::ChangeAdminKey(mut change)) => {
            let new_key = new_key(
                &change.new_algorithm,
                Zeroizing::new(mem::take(&mut change.new_key)),
            );
            Ask::ChangeAdminKey {
                current: dedicated_proof("current", change.current, line, 0)?,
                new_key: new_key?,
            }
        }
        Some(Verb::ChangeCardPin(mut change)) => {
            let current_pin = needed_pin("current_pin", mem::take(&mut change.current_pin));
            let new_pin = needed_pin("new_pin", mem::take(&mut change.new_pin));
            Ask::ChangePin {
                reference: pin_reference(change.reference)?,
                current_pin: current_pin?,
                new_pin: new_pin?,
            }
        }
        Some(Verb::SetCardPin(set)) => set_pin(set, line)?,
        Some(Verb::BlockCardPin(block)) => Ask::BlockPin {
            reference: pin_reference(block.reference)?,
        },
        Some(Verb::SetPinTries(mut set)) => {
            let pin = needed_pin("pin", mem::take(&mut set.pin));
            Ask::SetPinTries {
                admin: dedicated_proof("admin", set.admin, line, 0)?,
                pin: pin?,
                tries: PinTries {
                    pin: tries("pin_tries", set.pin_tries)?,
                    puk: tries("puk_tries", set.puk_tries)?,
                },
            }
        }
        Some(Verb::Personalise(personalise)) => self::personalise(personalise, line)?,
        Some(Verb::GenerateKey(mut generate)) => {
            let pin = optional_pin(mem::take(&mut generate.pin));
            Ask::GenerateKey {
                admin: optional_proof("admin", generate.admin, line)?,
                pin: pin?,
                container: container(generate.container)?,
                algorithm: named("algorithm", &generate.algorithm, KeyAlgorithm::NAMES)?,
                pin_policy: optional_name("pin_policy", &generate.pin_policy, PinPolicy::NAMES)?,
                touch_policy: optional_name(
                    "touch_policy",
                    &generate.touch_policy,
                    TouchPolicy::NAMES,
                )?,
            }
        }
        Some(Verb::SignCertificationRequest(mut sign)) => {
            let pin = optional_pin(mem::take(&mut sign.pin));
            Ask::SignCertificationRequest {
                pin: pin?,
                container: container(sign.container)?,
                info: certification_request_info(sign.certification_request_info)?,
                algorithm: named(
                    "signature_algorithm",
                    &sign.signature_algorithm,
                    SignatureAlgorithm::NAMES,
                )?,
            }
        }
        Some(Verb::WriteCertificate(mut write)) => {
            let pin = optional_pin(mem::take(&mut write.pin));
            Ask::WriteCertificate {
                admin: optional_proof("admin", write.admin, line)?,
                pin: pin?,
                container: container(write.container)?,
                certificate: certificate(write.certificate)?,
                is_default: write.is_default,
                guid: match write.guid.as_slice() {
                    [] => None,
                    guid => Some(sixteen("guid", guid)?),
                },
            }
        }
        Some(Verb::DeleteContainer(mut delete)) => {
            let pin = optional_pin(mem::take(&mut delete.pin));
            Ask::DeleteContainer {
                admin: optional_proof("admin", delete.admin, line)?,
                pin: pin?,
                container: container(delete.container)?,
            }
        }
        Some(Verb::MoveKey(moved)) => Ask::MoveKey {
            admin: dedicated_proof("admin", moved.admin, line, 0)?,
            container: container(moved.container)?,
        },
        Some(Verb::ResetCard(reset)) => self::reset(reset, line)?,
        Some(Verb::GiveChallenge(_)) => Ask::GiveChallenge,
        Some(Verb::AnswerChallenge(mut answer)) => {
            let new_pin = needed_pin("new_pin", mem::take(&mut answer.new_pin));
            Ask::AnswerChallenge {
                response: response(Zeroizing::new(mem::take(&mut answer.response)))?,
                new_pin: new_pin?,
            }
        }
    })
}

fn try_admin_keys(question: proto::TryAdminKeys, line: &Arc<Line>) -> Result<Ask, Failure> {
    let count = question.candidates.len();
    let candidates = (0..)
        .zip(question.candidates)
        .map(|(place, candidate)| dedicated_proof("candidates", Some(candidate), line, place))
        .collect::<Result<Vec<_>, _>>()?;
    if !(1..=CANDIDATES_MAX).contains(&count) {
        return Err(Failure::invalid(
            "candidates",
            format_args!("{count} keys"),
            "1 to 4",
        ));
    }
    Ok(Ask::TryAdminKeys { candidates })
}

fn set_pin(mut set: proto::SetCardPin, line: &Arc<Line>) -> Result<Ask, Failure> {
    let new_pin = needed_pin("new_pin", mem::take(&mut set.new_pin));
    let puk = optional_pin(mem::take(&mut set.puk))?;
    let admin = optional_proof("admin", set.admin, line)?;
    let by = match (puk, admin) {
        (Some(puk), None) => Authority::Puk(puk),
        (None, Some(admin)) => Authority::Admin(admin),
        (None, None) => {
            return Err(Failure::invalid(
                "puk",
                "nothing",
                "a PUK, or admin instead",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Failure::invalid("puk", "a PUK and admin", "one of the two"));
        }
    };
    Ok(Ask::SetPin {
        new_pin: new_pin?,
        by,
    })
}

fn personalise(mut ask: proto::Personalise, line: &Arc<Line>) -> Result<Ask, Failure> {
    let new_pin = optional_pin(mem::take(&mut ask.new_pin))?;
    let new_admin_key = Zeroizing::new(mem::take(&mut ask.new_admin_key));
    let new = match (new_pin, new_admin_key.is_empty()) {
        (None, true) => None,
        (Some(pin), false) => Some(NewCard {
            pin,
            admin_key: field::new_gids_key(&new_admin_key)?,
        }),
        (Some(_), true) => {
            return Err(Failure::invalid(
                "new_admin_key",
                "nothing",
                "24 bytes beside new_pin",
            ));
        }
        (None, false) => {
            return Err(Failure::invalid(
                "new_pin",
                "nothing",
                "a PIN beside new_admin_key",
            ));
        }
    };
    Ok(Ask::Personalise {
        admin: optional_proof("admin", ask.admin, line)?,
        card_id: sixteen("card_id", &ask.card_id)?,
        new,
    })
}

fn reset(mut reset: proto::ResetCard, line: &Arc<Line>) -> Result<Ask, Failure> {
    let new_pin = optional_pin(mem::take(&mut reset.new_pin))?;
    let left_with = match (new_pin, reset.card_id.as_slice()) {
        (None, []) => None,
        (Some(pin), card_id) => Some(LeftWith {
            pin,
            card_id: sixteen("card_id", card_id)?,
        }),
        (None, _) => {
            return Err(Failure::invalid(
                "new_pin",
                "nothing",
                "a PIN beside card_id",
            ));
        }
    };
    Ok(Ask::Reset {
        admin: optional_proof("admin", reset.admin, line)?,
        left_with,
    })
}
