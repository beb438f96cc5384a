//! What the flows make of tokens that are old, odd or wrong. What they make of
//! proper ones is tested against other people's firmware.

mod answers;
mod configurations;
mod extensions;
mod fake;
mod fingerprints;
mod hostile;
mod identities;
mod large_blobs;
mod lists;
mod pins;
mod pre_flight;
mod tokens;
mod touches;
mod user_verification;

use super::*;
use crate::cbor;
use crate::cbor::Parse;
use crate::ctap2::client_pin::{Permissions, Subcommand};
use crate::ctap2::credential_management::{self, Response};
use crate::ctap2::{
    Command, PublicKeyCredentialDescriptor, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, Status, authenticator_config, client_pin,
};
use crate::pin_protocol::PinProtocol;
use core::ops::ControlFlow;
use fake::{
    CTAP_2_0, CTAP_2_1, CTAP_2_1_PRE, CTAP_2_1_WITHOUT_PIN, CTAP_2_3, Fake, Info, Lost, Outcome,
    answer, given, ok, pin,
};
use std::string::{String, ToString};
use std::vec::Vec;

fn token(fake: &mut Fake) -> Outcome<()> {
    let permissions = Permissions::CREDENTIAL_MANAGEMENT;
    fake.session(|session| session.token(&pin("1234"), permissions, None).map(drop))
}
