//! The client `ctap-hid-fido2` over hidraw: PIN, credentials, management, settings.

use anyhow::{Context, Result, ensure};
use ctap_hid_fido2::fidokey::{GetAssertionArgsBuilder, MakeCredentialArgsBuilder};
use ctap_hid_fido2::public_key_credential_descriptor::PublicKeyCredentialDescriptor;
use ctap_hid_fido2::public_key_credential_user_entity::PublicKeyCredentialUserEntity;
use ctap_hid_fido2::{FidoKeyHid, FidoKeyHidFactory, LibCfg, verifier};
use keysteward_clients::{NEW_PIN, PIN, RP_ID, area, lacks};

fn main() -> Result<()> {
    let mut settings = LibCfg::init();
    settings.enable_keep_alive_msg = false;
    // By default it sends the commands of CTAP 2.1-PRE, with a token that carries no permission
    // for them.
    settings.use_pre_credential_management = false;
    let mut key = FidoKeyHidFactory::create(&settings)?;
    area("info", || key.get_info().map(drop));
    area("pin", || pin(&key));
    let two = key.set_pin_uv_auth_protocol_two()?;
    area("credentials", || {
        ensure!(two, "the key does not offer PIN/UV auth protocol two");
        credentials(&key)
    });
    area("management", || management(&key));
    area("config", || config(&key));
    lacks(
        "blobs",
        "the client reads the first 1,024 bytes and no more",
    );
    lacks("reset", "the client has no reset");
    Ok(())
}

fn pin(key: &FidoKeyHid) -> Result<()> {
    key.set_new_pin(PIN)?;
    ensure!(key.get_pin_retries()? == 8, "not 8 tries");
    key.change_pin(PIN, NEW_PIN)?;
    ensure!(key.change_pin(PIN, NEW_PIN).is_err(), "the old PIN works");
    ensure!(key.get_pin_retries()? == 7, "a wrong PIN cost no try");
    key.change_pin(NEW_PIN, PIN)
}

fn credentials(key: &FidoKeyHid) -> Result<()> {
    let challenge = verifier::create_challenge();
    let user = PublicKeyCredentialUserEntity::new(Some(b"user-1"), Some("ada"), Some("Ada"));
    let made = key.make_credential_with_args(
        &MakeCredentialArgsBuilder::new(RP_ID, &challenge)
            .pin(PIN)
            .user_entity(&user)
            .resident_key()
            .build(),
    )?;
    let attested = verifier::verify_attestation(RP_ID, &challenge, &made);
    ensure!(attested.is_success, "the attestation does not verify");
    let challenge = verifier::create_challenge();
    let assertions = key.get_assertion_with_args(
        &GetAssertionArgsBuilder::new(RP_ID, &challenge)
            .pin(PIN)
            .build(),
    )?;
    let assertion = assertions.first().context("no assertion")?;
    let public_key = &attested.credential_public_key;
    let verified = verifier::verify_assertion(RP_ID, public_key, &challenge, assertion);
    ensure!(verified, "the assertion does not verify");
    Ok(())
}

fn management(key: &FidoKeyHid) -> Result<()> {
    let count = key.credential_management_get_creds_metadata(Some(PIN))?;
    ensure!(
        count.existing_resident_credentials_count == 1,
        "{} credentials counted, one was made",
        count.existing_resident_credentials_count
    );
    let parties = key.credential_management_enumerate_rps(Some(PIN))?;
    let party = parties.first().context("no relying party is listed")?;
    let listed = key.credential_management_enumerate_credentials(Some(PIN), &party.rpid_hash)?;
    let credential = listed.first().context("no credential is listed")?;
    let descriptor = PublicKeyCredentialDescriptor {
        id: credential.public_key_credential_descriptor.id.clone(),
        ctype: "public-key".into(),
    };
    let user = PublicKeyCredentialUserEntity::new(Some(b"user-1"), Some("bob"), Some("Bob"));
    key.credential_management_update_user_information(Some(PIN), descriptor.clone(), user)?;
    key.credential_management_delete_credential(Some(PIN), descriptor)?;
    let left = key.credential_management_get_creds_metadata(Some(PIN))?;
    ensure!(
        left.existing_resident_credentials_count == 0,
        "it is still there"
    );
    Ok(())
}

fn config(key: &FidoKeyHid) -> Result<()> {
    key.toggle_always_uv(Some(PIN))?;
    key.toggle_always_uv(Some(PIN))?;
    key.set_min_pin_length(6, Some(PIN))?;
    key.force_change_pin(Some(PIN))?;
    key.change_pin(PIN, NEW_PIN)
}
