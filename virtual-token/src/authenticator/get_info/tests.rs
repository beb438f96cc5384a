use super::*;
use crate::authenticator::platform::{Platform, resident};
use crate::in_process::InProcess;
use crate::manufacture::{Manufacturer, Order};
use keysteward_core::cbor::Parse;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::Command;
use keysteward_core::ctap2::get_info::FIDO_2_3;
use rand_core::OsRng;

fn info(platform: &mut Platform) -> Vec<u8> {
    platform.send(Command::GetInfo, None).unwrap()
}

#[test]
fn options_tell_what_is_set_up() {
    let mut platform = Platform::new();
    let bytes = info(&mut platform);
    let response = Response::parse(&bytes).unwrap();
    assert!(response.passed_over.is_empty());
    assert!(response.has_version(FIDO_2_3));
    let options = response.options;
    assert_eq!((options.client_pin(), options.uv()), (Some(false), None));
    assert_eq!(
        (options.ep(), options.always_uv()),
        (Some(false), Some(false))
    );
    assert_eq!(options.make_cred_uv_not_rqd(), Some(true));
    assert_eq!(
        (options.large_blobs(), options.bio_enroll()),
        (Some(true), None)
    );

    assert_eq!(platform.set_pin("1234"), keysteward_core::ctap2::Status::Ok);
    let bytes = info(&mut platform);
    assert_eq!(
        Response::parse(&bytes).unwrap().options.client_pin(),
        Some(true)
    );
}

#[test]
fn always_uv_takes_make_cred_uv_not_rqd_back() {
    let mut platform = Platform::new();
    assert_eq!(platform.send_bytes(&[0x0D, 0xA1, 0x01, 0x02]), [0x00]);
    let bytes = info(&mut platform);
    let options = Response::parse(&bytes).unwrap().options;
    assert_eq!(options.always_uv(), Some(true));
    assert_eq!(options.make_cred_uv_not_rqd(), Some(false));
}

#[test]
fn a_key_without_a_serial_number_offers_no_enterprise_attestation() {
    let manufacturer = Manufacturer::found().unwrap();
    let (key, storage) =
        InProcess::manufacture(&manufacturer, &Order::default(), RustCrypto(OsRng)).unwrap();
    let mut platform = Platform {
        key,
        storage,
        crypto: RustCrypto(OsRng),
    };
    let bytes = info(&mut platform);
    let response = Response::parse(&bytes).unwrap();
    assert_eq!(response.options.ep(), None);
    let commands = response.authenticator_config_commands.unwrap();
    assert_eq!(commands.iter().collect::<Vec<_>>(), [0x02, 0x03, 0x04]);
    assert_eq!(platform.send_bytes(&[0x0D, 0xA1, 0x01, 0x01]), [0x3E]);
}

#[test]
fn room_for_credentials_is_counted() {
    let mut platform = Platform::with_pin();
    platform.make(&resident("ada")).unwrap();
    let bytes = info(&mut platform);
    let response = Response::parse(&bytes).unwrap();
    assert_eq!(response.remaining_discoverable_credentials, Some(99));
}

/// The plaintexts, as the holder of the persistent token reads them.
fn decrypted(platform: &mut Platform) -> ([u8; 16], [u8; 16]) {
    let bytes = info(platform);
    let response = Response::parse(&bytes).unwrap();
    let token = platform.state().owner.persistent_token.0;
    let members = [
        (&b"encIdentifier"[..], response.enc_identifier.unwrap()),
        (b"encCredStoreState", response.enc_cred_store_state.unwrap()),
    ];
    let [identifier, store_state] = members.map(|(name, value)| {
        let mut key = [0; 16];
        platform
            .crypto
            .hkdf_sha256(&[0; 32], &token, name, &mut key)
            .unwrap();
        let mut block = *value[16..].first_chunk().unwrap();
        platform.crypto.aes128_decrypt_block(&key, &mut block);
        std::array::from_fn(|i| block[i] ^ value[i])
    });
    (identifier, store_state)
}

#[test]
fn the_identifier_stays_and_the_store_state_follows_the_store() {
    let mut platform = Platform::with_pin();
    let (identifier, store_state) = decrypted(&mut platform);
    assert_eq!(decrypted(&mut platform), (identifier, store_state));
    assert_eq!(identifier, platform.state().owner.device_identifier);
    platform.make(&resident("ada")).unwrap();
    let (same, other) = decrypted(&mut platform);
    assert_eq!(same, identifier);
    assert_ne!(other, store_state);
}

#[test]
fn strangers_see_another_identifier_each_time() {
    let mut platform = Platform::new();
    let (one, two) = (info(&mut platform), info(&mut platform));
    let (one, two) = (
        Response::parse(&one).unwrap(),
        Response::parse(&two).unwrap(),
    );
    assert_ne!(one.enc_identifier, two.enc_identifier);
    assert_ne!(one.enc_cred_store_state, two.enc_cred_store_state);
}
