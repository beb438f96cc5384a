//! authenticator-rs, of Firefox: a client, so it encodes requests and decodes responses. It parses
//! authenticator data.

use std::fmt::Debug;
use std::hint::black_box;

use authenticator::ctap2::client_data::ClientDataHash;
use authenticator::ctap2::commands::get_assertion::{
    GetAssertion, GetAssertionExtensions, GetAssertionOptions, GetAssertionResponse,
};
use authenticator::ctap2::commands::make_credentials::{
    HmacCreateSecretOrPrf, MakeCredentials, MakeCredentialsExtensions, MakeCredentialsOptions,
};
use authenticator::ctap2::server::{
    CredentialProtectionPolicy, PublicKeyCredentialParameters, PublicKeyCredentialUserEntity,
    RelyingParty,
};
use authenticator::{AuthenticatorInfo, MakeCredentialsResult};
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2;
use serde::{Deserialize, Serialize};

use super::Direction;
use crate::exchange::{Exchange, Message};
use crate::measure::Entry;

pub(super) fn enter(
    direction: Direction,
    message: Message,
    exchange: &'static Exchange,
) -> Option<Entry> {
    let bytes = exchange.bytes(message);
    match (direction, message) {
        (Direction::Decode, Message::Info) => Some(decode::<AuthenticatorInfo>(bytes)),
        (Direction::Decode, Message::MakeResponse) => Some(decode::<MakeCredentialsResult>(bytes)),
        (Direction::Decode, Message::GetResponse) => Some(decode::<GetAssertionResponse>(bytes)),
        (Direction::Encode, Message::MakeRequest) => Some(encode(make_request(bytes)?).but(
            "writes less: it has no credBlob, and a pinUvAuthParam only from a token of its own",
        )),
        (Direction::Encode, Message::GetRequest) => Some(
            encode(get_request(bytes)?)
                .but("writes less: no pinUvAuthParam but from a token of its own"),
        ),
        _ => None,
    }
}

fn decode<T: Deserialize<'static> + 'static>(bytes: &'static [u8]) -> Entry {
    Entry::of(move || serde_cbor::from_slice::<T>(black_box(bytes)))
}

fn encode(request: impl Serialize + Debug + 'static) -> Entry {
    Entry::of(move || serde_cbor::to_vec(black_box(&request)))
}

fn make_request(bytes: &[u8]) -> Option<MakeCredentials> {
    let asked = ctap2::make_credential::Request::parse(bytes).ok()?;
    Some(MakeCredentials::new(
        ClientDataHash(*asked.client_data_hash),
        RelyingParty {
            id: asked.rp.id.to_owned(),
            name: asked.rp.name.map(str::to_owned),
        },
        Some(PublicKeyCredentialUserEntity {
            id: asked.user.id.to_owned(),
            name: asked.user.name.map(str::to_owned),
            display_name: asked.user.display_name.map(str::to_owned),
        }),
        vec![PublicKeyCredentialParameters::try_from(-7).ok()?],
        Vec::new(),
        MakeCredentialsOptions {
            resident_key: Some(true),
            user_verification: None,
        },
        MakeCredentialsExtensions {
            cred_protect: Some(
                CredentialProtectionPolicy::UserVerificationOptionalWithCredentialIDList,
            ),
            hmac_secret: Some(HmacCreateSecretOrPrf::HmacCreateSecret(true)),
            ..MakeCredentialsExtensions::default()
        },
    ))
}

fn get_request(bytes: &[u8]) -> Option<GetAssertion> {
    let asked = ctap2::get_assertion::Request::parse(bytes).ok()?;
    Some(GetAssertion::new(
        ClientDataHash(*asked.client_data_hash),
        RelyingParty {
            id: asked.rp_id.to_owned(),
            name: None,
        },
        Vec::new(),
        GetAssertionOptions {
            user_verification: None,
            user_presence: None,
        },
        GetAssertionExtensions::default(),
    ))
}
