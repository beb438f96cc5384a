//! Every request decoded, every response encoded, with all that is in them.

use core::hint::black_box;

use keysteward_core::cbor::{Encode, List, Parse, Raw};
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, GetAssertionOutputs, MakeCredentialInputs, MakeCredentialOutputs,
};
use keysteward_core::ctap2::{
    self, Command, Status, authenticator_config, bio_enrollment, client_pin, credential_management,
    get_assertion, get_info, large_blobs, make_credential,
};
use keysteward_core::webauthn::attestation::Statement;
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;

/// Reads a request down to its last member. False when it cannot be read.
#[inline(never)]
pub fn decode(message: &[u8]) -> bool {
    let Ok((command, map)) = ctap2::parse_request(message) else {
        return false;
    };
    match command {
        Command::MakeCredential => seen::<make_credential::Request<'_>>(map, |request| {
            items(&request.pub_key_cred_params)
                && request.exclude_list.is_none_or(|list| items(&list))
                && request
                    .attestation_formats_preference
                    .is_none_or(|list| items(&list))
                && members::<MakeCredentialInputs<'_>>(request.extensions)
        }),
        Command::GetAssertion => seen::<get_assertion::Request<'_>>(map, |request| {
            request.allow_list.is_none_or(|list| items(&list))
                && members::<GetAssertionInputs<'_>>(request.extensions)
        }),
        Command::ClientPin => seen::<client_pin::Request<'_>>(map, |_| true),
        Command::CredentialManagement | Command::CredentialManagementPreview => {
            seen::<credential_management::Request<'_>>(map, |request| {
                members::<credential_management::SubcommandParams<'_>>(request.sub_command_params)
            })
        }
        Command::AuthenticatorConfig => seen::<authenticator_config::Request<'_>>(map, |request| {
            members::<authenticator_config::SetMinPinLength<'_>>(request.sub_command_params)
        }),
        Command::LargeBlobs => seen::<large_blobs::Request<'_>>(map, |_| true),
        Command::GetInfo | Command::GetNextAssertion | Command::Reset | Command::Selection => {
            map.is_empty()
        }
        _ => false,
    }
}

/// Every response that a token gives, and what they are made of.
#[inline(never)]
pub fn encode() {
    response::<make_credential::Response<'_>>();
    response::<get_assertion::Response<'_>>();
    response::<get_info::Response<'_>>();
    response::<client_pin::Response<'_>>();
    response::<credential_management::Response<'_>>();
    response::<large_blobs::Response<'_>>();
    part::<MakeCredentialOutputs<'_>>();
    part::<GetAssertionOutputs<'_>>();
    part::<Statement<'_>>();
    if let Some((data, buffer)) = black_box(None::<(&AuthenticatorData<'_>, &mut [u8])>) {
        black_box(&data.encode(buffer));
    }
}

/// Reads authenticator data and the COSE key in it.
#[inline(never)]
pub fn read_authenticator_data(bytes: &[u8]) {
    black_box(&AuthenticatorData::parse(bytes));
}

/// What `ctap-types` has not: fingerprints, vendors' configuration, and what extensions answer,
/// read by a client.
#[inline(never)]
pub fn decode_further(message: &[u8]) -> bool {
    let Ok((command, map)) = ctap2::parse_request(message) else {
        return false;
    };
    match command {
        Command::BioEnrollment | Command::BioEnrollmentPreview => {
            seen::<bio_enrollment::Request<'_>>(map, |request| {
                members::<bio_enrollment::SubcommandParams<'_>>(request.sub_command_params)
            })
        }
        Command::AuthenticatorConfig => seen::<authenticator_config::Request<'_>>(map, |request| {
            members::<authenticator_config::VendorPrototype<'_>>(request.sub_command_params)
        }),
        Command::Other(_) => {
            seen::<MakeCredentialOutputs<'_>>(map, |_| true)
                && seen::<GetAssertionOutputs<'_>>(map, |_| true)
        }
        _ => decode(message),
    }
}

/// The answers to that.
#[inline(never)]
pub fn encode_further() {
    response::<bio_enrollment::Response<'_>>();
    encode();
}

fn seen<'b, T: Parse<'b>>(map: &'b [u8], more: impl FnOnce(&T) -> bool) -> bool {
    let parsed = T::parse(map);
    black_box(&parsed).as_ref().is_ok_and(more)
}

fn members<'b, T: Parse<'b>>(map: Option<Raw<'b>>) -> bool {
    map.is_none_or(|map| seen::<T>(map.bytes(), |_| true))
}

fn items<'a, T: Parse<'a> + Copy>(list: &List<'a, T>) -> bool {
    list.iter().all(|item| {
        black_box(&item);
        true
    })
}

fn response<T: Encode>() {
    // Never there, which the compiler cannot know.
    if let Some((value, buffer)) = black_box(None::<(&T, &mut [u8])>) {
        black_box(&ctap2::encode_response(Status::Ok, Some(value), buffer));
    }
}

fn part<T: Encode>() {
    if let Some((value, buffer)) = black_box(None::<(&T, &mut [u8])>) {
        black_box(&Raw::encode_in(value, buffer));
    }
}
