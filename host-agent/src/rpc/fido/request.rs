//! Requests of the interface become our own, checked. Every refusal names the field, what was found
//! and what is allowed; no token has seen anything then.

mod field;
mod way;

use std::mem;

use keysteward_proto::agent::v1 as proto;
use proto::step::Verb;
use zeroize::Zeroizing;

use self::{
    field::{
        checked_rp_id, client_data_hash, cred_blob, credential_id, credential_ids, finger_name,
        large_blob, no_persistent_token, optional_rp_id, persistent_token, pin, rp_id, template_id,
        user_text, vendor_parameters,
    },
    way::Way,
};
use crate::{
    rpc::step::{Ordered, key, patience},
    verb::{Configure, Failure, MakeCredential, Request, User, VendorConfigure},
};

/// What CTAPHID carries. CTAP 2.3 §11.2.4.
const RAW_MAX: usize = keysteward_core::ctaphid::MAX_MESSAGE;

/// Takes a typed step. Its secrets end in types that wipe themselves.
pub(super) fn step(step: proto::Step) -> Result<Ordered, Failure> {
    let verification = Way::of(step.verification)?;
    Ok(Ordered {
        key: key(step.key)?,
        patience: patience(step.timeout_ms)?,
        request: request(step.verb, verification)?,
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

fn request(verb: Option<Verb>, way: Way) -> Result<Request, Failure> {
    if let Some(verb) = &verb {
        way.check(verb)?;
    }
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
        Some(Verb::ListCredentials(list)) => list_credentials(list, way)?,
        Some(Verb::SetPin(mut set)) => Request::SetPin {
            new_pin: pin("new_pin", mem::take(&mut set.new_pin))?,
        },
        Some(Verb::ChangePin(mut change)) => Request::ChangePin {
            current_pin: pin("current_pin", mem::take(&mut change.current_pin))?,
            new_pin: pin("new_pin", mem::take(&mut change.new_pin))?,
        },
        Some(Verb::Configure(wanted)) => Request::Configure(configure(wanted, way)?),
        Some(Verb::MakeCredential(make)) => {
            Request::MakeCredential(Box::new(make_credential(make, way)?))
        }
        Some(Verb::DeleteCredential(mut delete)) => Request::DeleteCredential {
            verification: way.needed(mem::take(&mut delete.pin))?,
            credential_id: credential_id("credential_id", delete.credential_id)?,
            rp_id: optional_rp_id(delete.rp_id)?.unwrap_or_default(),
        },
        Some(Verb::ProveCredential(mut prove)) => Request::ProveCredential {
            verification: way.optional(mem::take(&mut prove.pin))?,
            rp_id: rp_id(prove.rp_id)?,
            credential_id: credential_id("credential_id", prove.credential_id)?,
            client_data_hash: client_data_hash(&prove.client_data_hash)?,
        },
        Some(Verb::Wink(_)) => Request::Wink,
        Some(Verb::UpdateUser(mut update)) => Request::UpdateUser {
            verification: way.needed(mem::take(&mut update.pin))?,
            credential_id: credential_id("credential_id", mem::take(&mut update.credential_id))?,
            rp_id: optional_rp_id(mem::take(&mut update.rp_id))?.unwrap_or_default(),
            user: User {
                name: user_text("user_name", mem::take(&mut update.user_name))?,
                display_name: user_text(
                    "user_display_name",
                    mem::take(&mut update.user_display_name),
                )?,
            },
        },
        Some(Verb::GrantPersistentToken(mut grant)) => Request::GrantPersistentToken {
            verification: way.needed(mem::take(&mut grant.pin))?,
        },
        Some(Verb::DescribeFingerprintSensor(_)) => Request::DescribeFingerprintSensor,
        Some(Verb::ListFingerprints(mut list)) => Request::ListFingerprints {
            verification: way.needed(mem::take(&mut list.pin))?,
        },
        Some(Verb::EnrollFingerprint(mut enroll)) => Request::EnrollFingerprint {
            verification: way.needed(mem::take(&mut enroll.pin))?,
            name: finger_name(mem::take(&mut enroll.name), 0)?,
        },
        Some(Verb::RenameFingerprint(mut rename)) => Request::RenameFingerprint {
            verification: way.needed(mem::take(&mut rename.pin))?,
            template_id: template_id(mem::take(&mut rename.template_id))?,
            name: finger_name(mem::take(&mut rename.name), 1)?,
        },
        Some(Verb::RemoveFingerprint(mut remove)) => Request::RemoveFingerprint {
            verification: way.needed(mem::take(&mut remove.pin))?,
            template_id: template_id(mem::take(&mut remove.template_id))?,
        },
        Some(Verb::ListLargeBlobs(mut list)) => Request::ListLargeBlobs {
            verification: way.needed(mem::take(&mut list.pin))?,
        },
        Some(Verb::ReadLargeBlob(mut read)) => Request::ReadLargeBlob {
            verification: way.needed(mem::take(&mut read.pin))?,
            credential_id: credential_id("credential_id", mem::take(&mut read.credential_id))?,
        },
        Some(Verb::WriteLargeBlob(mut write)) => Request::WriteLargeBlob {
            verification: way.needed(mem::take(&mut write.pin))?,
            credential_id: credential_id("credential_id", mem::take(&mut write.credential_id))?,
            data: large_blob(Zeroizing::new(mem::take(&mut write.data)))?,
        },
        Some(Verb::DeleteLargeBlob(mut delete)) => Request::DeleteLargeBlob {
            verification: way.needed(mem::take(&mut delete.pin))?,
            credential_id: credential_id("credential_id", mem::take(&mut delete.credential_id))?,
        },
        Some(Verb::ReadIdentity(mut read)) => Request::ReadIdentity {
            persistent_token: persistent_token(mem::take(&mut read.persistent_token))?
                .ok_or_else(no_persistent_token)?,
        },
        Some(Verb::VendorConfigure(vendor)) => {
            Request::VendorConfigure(vendor_configure(vendor, way)?)
        }
    })
}

fn list_credentials(mut list: proto::ListCredentials, way: Way) -> Result<Request, Failure> {
    let persistent_token = persistent_token(mem::take(&mut list.persistent_token))?;
    let pin = mem::take(&mut list.pin);
    Ok(Request::ListCredentials {
        verification: match &persistent_token {
            Some(_) => way.optional(pin)?,
            None => Some(way.needed(pin)?),
        },
        persistent_token,
        rp_id: optional_rp_id(mem::take(&mut list.rp_id))?,
    })
}

fn configure(mut wanted: proto::Configure, way: Way) -> Result<Configure, Failure> {
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
        verification: way.optional(mem::take(&mut wanted.pin))?,
        min_pin_length: wanted.min_pin_length,
        min_pin_length_rp_ids: wanted
            .min_pin_length_rp_ids
            .into_iter()
            .map(|id| checked_rp_id("min_pin_length_rp_ids", id))
            .collect::<Result<_, _>>()?,
        force_pin_change: wanted.force_pin_change,
        always_uv: wanted.always_uv,
        enable_enterprise_attestation: wanted.enable_enterprise_attestation,
        enable_long_touch_for_reset: wanted.enable_long_touch_for_reset,
        pin_complexity_policy: wanted.pin_complexity_policy,
    };
    let asks_for_nothing = configure.min_pin_length.is_none()
        && configure.min_pin_length_rp_ids.is_empty()
        && !configure.force_pin_change
        && configure.always_uv.is_none()
        && !configure.enable_enterprise_attestation
        && !configure.enable_long_touch_for_reset
        && configure.pin_complexity_policy.is_none();
    if asks_for_nothing {
        return Err(Failure::invalid(
            "configure",
            "nothing to set",
            "at least one member",
        ));
    }
    Ok(configure)
}

fn vendor_configure(
    mut vendor: proto::VendorConfigure,
    way: Way,
) -> Result<VendorConfigure, Failure> {
    Ok(VendorConfigure {
        verification: way.optional(mem::take(&mut vendor.pin))?,
        vendor_command_id: vendor.vendor_command_id,
        parameters: vendor_parameters(mem::take(&mut vendor.parameters))?,
    })
}

fn make_credential(mut make: proto::MakeCredential, way: Way) -> Result<MakeCredential, Failure> {
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
    if make.large_blob_key && !make.resident_key {
        return Err(Failure::invalid(
            "large_blob_key",
            "true without resident_key",
            "with resident_key: only discoverable credentials own large blobs",
        ));
    }
    Ok(MakeCredential {
        verification: way.optional(mem::take(&mut make.pin))?,
        hmac_secret: make.hmac_secret,
        large_blob_key: make.large_blob_key,
        cred_blob: cred_blob(Zeroizing::new(mem::take(&mut make.cred_blob)))?,
        min_pin_length: make.min_pin_length,
        third_party_payment: make.third_party_payment,
        attestation_formats: mem::take(&mut make.attestation_formats),
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
