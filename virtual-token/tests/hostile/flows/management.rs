//! Settings, extensions, fingers, blobs, and who the key is.

use super::{
    ASSERTION, Error, Flow, PIN, RP_IDS, Talk, done, finish_listing, flow, manager, pin, request,
};

use keysteward_core::ctap2::authenticator_config::VendorPrototype;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{CredProtect, GetAssertionInputs, MakeCredentialInputs};
use keysteward_core::ctap2::{
    LargeBlobKey, PublicKeyCredentialParameters, PublicKeyCredentialUserEntity,
};
use keysteward_core::session::{LargeBlob, Salts};
use keysteward_core::webauthn::cose::Algorithm;

use std::ops::ControlFlow;

pub(super) const FLOWS: &[Flow] = &[
    flow("switch", switch),
    flow("force_change", |talk| {
        let token = configurer(talk)?;
        talk.force_pin_change(Some(&token)).map(done)
    }),
    flow("vendor", |talk| {
        let token = configurer(talk)?;
        let command = VendorPrototype::new(0x1234, &[]);
        talk.vendor_prototype(&command, Some(&token)).map(done)
    }),
    flow("rename", |talk| {
        let token = manager(talk)?;
        let user = PublicKeyCredentialUserEntity {
            id: b"1",
            name: Some("bob"),
            display_name: None,
        };
        talk.update_user(&token, &[0xAA; 16], user).map(done)
    }),
    flow("extend", extend),
    flow("derive", derive),
    flow("identity", |talk| {
        let token = talk.persistent_token(&pin(PIN))?;
        let who = talk.identity(&token)?;
        let state = who.cred_store_state.is_some();
        Ok(format!("device {}, state {state}", who.device.is_some()))
    }),
    flow("list_by_persistent_token", |talk| {
        let persistent = talk.persistent_token(&pin(PIN))?;
        talk.read_credentials(Some(&persistent), manager, |talk, token| {
            finish_listing(talk, token)
        })
    }),
    flow("blob", blob),
    flow("erase_blobs", |talk| {
        let token = manager(talk)?;
        talk.erase_large_blobs(Some(&token)).map(done)
    }),
    flow("sensor", |talk| {
        let sensor = talk.fingerprint_sensor()?;
        Ok(format!("{:?}", sensor.kind))
    }),
    flow("rename_finger", |talk| {
        let token = manager(talk)?;
        talk.rename_fingerprint(&token, &[0x0F; 16], "index")
            .map(done)
    }),
    flow("remove_finger", |talk| {
        let token = manager(talk)?;
        talk.remove_fingerprint(&token, &[0x0F; 16]).map(done)
    }),
    flow("uv_retries", |talk| {
        talk.uv_retries().map(|retries| format!("{retries}"))
    }),
    flow("token_by_finger", |talk| {
        talk.token_by_user_verification(Permissions::CREDENTIAL_MANAGEMENT, None, &mut |_| {
            ControlFlow::Continue(())
        })
        .map(drop)
        .map(done)
    }),
    flow("persistent_token_by_finger", |talk| {
        talk.persistent_token_by_user_verification(&mut |_| ControlFlow::Continue(()))
            .map(drop)
            .map(done)
    }),
];

fn configurer(
    talk: &mut Talk<'_, '_>,
) -> Result<keysteward_core::pin_protocol::PinUvAuthToken, Error> {
    talk.token(&pin(PIN), Permissions::AUTHENTICATOR_CONFIG, None)
}

/// Everything that can be switched on.
fn switch(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let token = configurer(talk)?;
    talk.enable_enterprise_attestation(Some(&token))?;
    talk.enable_long_touch_for_reset(Some(&token))?;
    talk.set_always_uv(true, Some(&token))?;
    talk.enforce_pin_complexity(Some(&token))?;
    Ok("done".into())
}

const SALTS: Salts<'static> = Salts {
    first: &[1; 32],
    second: Some(&[2; 32]),
};

/// A credential with extensions, and secrets derived while it is made.
fn extend(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let token = talk.token(&pin(PIN), Permissions::MAKE_CREDENTIAL, Some(RP_IDS[0]))?;
    let algorithms = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
    let inputs = MakeCredentialInputs {
        cred_protect: Some(CredProtect::UserVerificationRequired),
        min_pin_length: Some(true),
        ..MakeCredentialInputs::default()
    };
    let request = request(RP_IDS[0], &algorithms, b"extended");
    let made = talk.make_credential_with(&request, &inputs, Some(SALTS), Some(token))?;
    let level = made.outputs.cred_protect;
    Ok(format!("{level:?}, secrets {}", made.secrets.is_some()))
}

/// Secrets of each of the credentials of a relying party, which have none.
fn derive(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let token = talk.token(&pin(PIN), Permissions::GET_ASSERTION, Some(RP_IDS[0]))?;
    let inputs = GetAssertionInputs::default();
    let first = talk.get_assertion_with(&ASSERTION, &inputs, Some(SALTS), Some(token))?;
    let total = first.response.number_of_credentials.unwrap_or(1);
    let mut derived = usize::from(first.secrets.is_some());
    for _ in 1..total.min(3) {
        derived += usize::from(talk.next_assertion_with()?.secrets.is_some());
    }
    Ok(format!("{derived} of {total}"))
}

/// Stored, read, removed.
fn blob(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let token = talk.token(&pin(PIN), Permissions::LARGE_BLOB_WRITE, None)?;
    let key = LargeBlobKey(&[0x42; 32]);
    let mut room = vec![0; 3 * 4096];
    let blob = LargeBlob {
        deflated: &[7; 100],
        orig_size: 100,
    };
    talk.store_large_blob(Some(&token), key, blob, &mut room)?;
    let stored = talk.large_blob(key, &mut room)?.is_some();
    let removed = talk.remove_large_blob(Some(&token), key, &mut room)?;
    Ok(format!("stored {stored}, removed {removed}"))
}
