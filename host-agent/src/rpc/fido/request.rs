//! Requests of the interface become our own, checked. Every refusal names the field, what was found
//! and what is allowed; no token has seen anything then.

use std::{mem, time::Duration};

use keysteward_core::pin_protocol::Pin;
use keysteward_proto::agent::v1 as proto;
use proto::step::Verb;
use zeroize::Zeroizing;

use crate::{
    journal::StepKey,
    rpc::journal,
    verb::{Code, Configure, Failure, MakeCredential, Request, pin_refused},
};

/// For a step whose caller names no time.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(60);

/// No person is waited for longer than that, in milliseconds.
const MAX_PATIENCE_MS: u32 = 600_000;

/// Longest RP ID: a DNS name.
const RP_ID_MAX: usize = 253;

/// Longest credential id that any token has. CTAP 2.3 §6.4.
const CREDENTIAL_ID_MAX: usize = 1023;

/// More ids than any token can hold.
const CREDENTIAL_IDS_MAX: usize = 1024;

/// What CTAPHID carries. CTAP 2.3 §11.2.4.
const RAW_MAX: usize = keysteward_core::ctaphid::MAX_MESSAGE;

/// A step that somebody asks for, checked as far as that goes without a token.
pub(super) struct Ordered {
    pub(super) request: Request,
    pub(super) key: Option<StepKey>,
    pub(super) patience: Duration,
}

/// Takes a typed step. Its secrets end in types that wipe themselves.
pub(super) fn step(step: proto::Step) -> Result<Ordered, Failure> {
    Ok(Ordered {
        key: key(step.key)?,
        patience: patience(step.timeout_ms)?,
        request: request(step.verb)?,
    })
}

/// Takes a raw exchange.
pub(super) fn raw(mut raw: proto::Raw) -> Result<Ordered, Failure> {
    let bytes = Zeroizing::new(mem::take(&mut raw.request));
    if bytes.is_empty() || bytes.len() > RAW_MAX {
        return Err(Failure::invalid(
            "raw.request",
            format_args!("{} bytes", bytes.len()),
            "1 to 7,609 bytes: a command byte, then CBOR",
        ));
    }
    Ok(Ordered {
        key: key(raw.key)?,
        patience: patience(raw.timeout_ms)?,
        request: Request::Raw(bytes),
    })
}

fn request(verb: Option<Verb>) -> Result<Request, Failure> {
    Ok(match verb {
        None => {
            return Err(Failure::invalid(
                "step.verb",
                "nothing",
                "one of the verbs of this agent",
            ));
        }
        Some(Verb::Inspect(_)) => Request::Inspect,
        Some(Verb::Select(_)) => Request::Select,
        Some(Verb::Reset(_)) => Request::Reset,
        Some(Verb::LookForCredentials(look)) => Request::LookForCredentials {
            rp_id: rp_id(look.rp_id)?,
            credential_ids: credential_ids("credential_ids", look.credential_ids)?,
        },
        Some(Verb::ListCredentials(mut list)) => Request::ListCredentials {
            pin: needed_pin(mem::take(&mut list.pin))?,
            rp_id: match list.rp_id.as_str() {
                "" => None,
                _ => Some(rp_id(list.rp_id)?),
            },
        },
        Some(Verb::SetPin(mut set)) => Request::SetPin {
            new_pin: pin("new_pin", mem::take(&mut set.new_pin))?,
        },
        Some(Verb::ChangePin(mut change)) => Request::ChangePin {
            current_pin: pin("current_pin", mem::take(&mut change.current_pin))?,
            new_pin: pin("new_pin", mem::take(&mut change.new_pin))?,
        },
        Some(Verb::Configure(wanted)) => Request::Configure(configure(wanted)?),
        Some(Verb::MakeCredential(make)) => {
            Request::MakeCredential(Box::new(make_credential(make)?))
        }
        Some(Verb::DeleteCredential(mut delete)) => Request::DeleteCredential {
            pin: needed_pin(mem::take(&mut delete.pin))?,
            credential_id: credential_id("credential_id", delete.credential_id)?,
            rp_id: match delete.rp_id.as_str() {
                "" => String::new(),
                _ => rp_id(delete.rp_id)?,
            },
        },
        Some(Verb::ProveCredential(mut prove)) => Request::ProveCredential {
            pin: optional_pin(mem::take(&mut prove.pin))?,
            rp_id: rp_id(prove.rp_id)?,
            credential_id: credential_id("credential_id", prove.credential_id)?,
            client_data_hash: client_data_hash(&prove.client_data_hash)?,
        },
    })
}

fn configure(mut wanted: proto::Configure) -> Result<Configure, Failure> {
    if let Some(length) = wanted.min_pin_length
        && !(4..=63).contains(&length)
    {
        return Err(Failure::invalid(
            "min_pin_length",
            length,
            "4 to 63 characters",
        ));
    }
    let configure = Configure {
        pin: optional_pin(mem::take(&mut wanted.pin))?,
        min_pin_length: wanted.min_pin_length,
        min_pin_length_rp_ids: wanted
            .min_pin_length_rp_ids
            .into_iter()
            .map(|id| checked_rp_id("min_pin_length_rp_ids", id))
            .collect::<Result<_, _>>()?,
        force_pin_change: wanted.force_pin_change,
        always_uv: wanted.always_uv,
        enable_enterprise_attestation: wanted.enable_enterprise_attestation,
    };
    let asks_for_nothing = configure.min_pin_length.is_none()
        && configure.min_pin_length_rp_ids.is_empty()
        && !configure.force_pin_change
        && configure.always_uv.is_none()
        && !configure.enable_enterprise_attestation;
    if asks_for_nothing {
        return Err(Failure::invalid(
            "configure",
            "nothing to set",
            "at least one member",
        ));
    }
    Ok(configure)
}

fn make_credential(mut make: proto::MakeCredential) -> Result<MakeCredential, Failure> {
    if !(1..=64).contains(&make.user_id.len()) {
        return Err(Failure::invalid(
            "user_id",
            format_args!("{} bytes", make.user_id.len()),
            "1 to 64 bytes",
        ));
    }
    if make.algorithms.is_empty() {
        return Err(Failure::invalid(
            "algorithms",
            "none",
            "COSE algorithm numbers, best first, such as -7",
        ));
    }
    Ok(MakeCredential {
        pin: optional_pin(mem::take(&mut make.pin))?,
        rp_id: rp_id(make.rp_id)?,
        rp_name: make.rp_name,
        client_data_hash: client_data_hash(&make.client_data_hash)?,
        user_id: make.user_id,
        user_name: make.user_name,
        user_display_name: make.user_display_name,
        algorithms: make.algorithms,
        resident_key: make.resident_key,
        exclude_credential_ids: credential_ids(
            "exclude_credential_ids",
            make.exclude_credential_ids,
        )?,
        enterprise_attestation: match make.enterprise_attestation {
            0 => None,
            1 => Some(1),
            2 => Some(2),
            other => {
                return Err(Failure::invalid(
                    "enterprise_attestation",
                    other,
                    "0, 1 or 2",
                ));
            }
        },
        cred_protect: match make.cred_protect {
            0 => None,
            1 => Some(1),
            2 => Some(2),
            3 => Some(3),
            other => return Err(Failure::invalid("cred_protect", other, "0 to 3")),
        },
    })
}

fn key(key: Option<proto::StepKey>) -> Result<Option<StepKey>, Failure> {
    let Some(key) = key else {
        return Ok(None);
    };
    journal::key(Some(key))
        .map(Some)
        .map_err(|wrong| Failure::invalid(wrong.field, wrong.found, wrong.allowed))
}

fn patience(timeout_ms: u32) -> Result<Duration, Failure> {
    match timeout_ms {
        0 => Ok(DEFAULT_PATIENCE),
        1..=MAX_PATIENCE_MS => Ok(Duration::from_millis(timeout_ms.into())),
        _ => Err(Failure::invalid(
            "timeout_ms",
            timeout_ms,
            "0 (60 seconds) to 600,000 (10 minutes)",
        )),
    }
}

fn rp_id(id: String) -> Result<String, Failure> {
    checked_rp_id("rp_id", id)
}

fn checked_rp_id(field: &str, id: String) -> Result<String, Failure> {
    if id.is_empty() || id.len() > RP_ID_MAX || id.contains(|c: char| c.is_whitespace()) {
        let found = format!("{:?}", id.chars().take(64).collect::<String>());
        return Err(Failure::invalid(
            field,
            found,
            "a relying party id of 1 to 253 bytes, such as login.example.com",
        ));
    }
    Ok(id)
}

fn credential_id(field: &str, id: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if !(1..=CREDENTIAL_ID_MAX).contains(&id.len()) {
        return Err(Failure::invalid(
            field,
            format_args!("{} bytes", id.len()),
            "1 to 1,023 bytes",
        ));
    }
    Ok(id)
}

fn credential_ids(field: &str, ids: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Failure> {
    if ids.len() > CREDENTIAL_IDS_MAX {
        return Err(Failure::invalid(
            field,
            format_args!("{} ids", ids.len()),
            "at most 1,024",
        ));
    }
    ids.into_iter().map(|id| credential_id(field, id)).collect()
}

fn client_data_hash(hash: &[u8]) -> Result<[u8; 32], Failure> {
    hash.try_into().map_err(|_| {
        Failure::invalid(
            "client_data_hash",
            format_args!("{} bytes", hash.len()),
            "32 bytes",
        )
    })
}

fn pin(field: &str, text: String) -> Result<Pin, Failure> {
    let text = Zeroizing::new(text);
    Pin::new(&text).map_err(|error| pin_refused(field, error))
}

/// For a token that may have none.
fn optional_pin(text: String) -> Result<Option<Pin>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    pin("pin", text).map(Some)
}

fn needed_pin(text: String) -> Result<Pin, Failure> {
    optional_pin(text)?.ok_or_else(|| Failure {
        field: "pin".to_owned(),
        ..Failure::new(
            Code::PinRequired,
            "the token's PIN is needed for this; give it in pin",
        )
    })
}
