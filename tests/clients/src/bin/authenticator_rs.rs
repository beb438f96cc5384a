//! Mozilla's client `authenticator` over hidraw: reset, PIN, credentials, management, settings.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use authenticator::authenticatorservice::{AuthenticatorService, RegisterArgs, SignArgs};
use authenticator::crypto::COSEAlgorithm;
use authenticator::ctap2::commands::authenticator_config::{AuthConfigCommand, SetMinPINLength};
use authenticator::ctap2::server::{
    AuthenticationExtensionsClientInputs, PublicKeyCredentialParameters,
    PublicKeyCredentialUserEntity, RelyingParty, ResidentKeyRequirement,
    UserVerificationRequirement,
};
use authenticator::statecallback::StateCallback;
use authenticator::{
    CredManagementCmd, CredentialManagementResult, InteractiveRequest, InteractiveUpdate, Pin,
    StatusPinUv, StatusUpdate,
};
use keysteward_clients::{PIN, RP_ID, area, lacks};

const TIMEOUT_MS: u64 = 30_000;

fn main() -> Result<()> {
    let mut service = AuthenticatorService::new().context("the service does not start")?;
    service.add_u2f_usb_hid_platform_transports();
    // While the key's ten seconds run.
    area("reset", || {
        let (done, outcome) = callback();
        service.reset(TIMEOUT_MS, answering(), done)?;
        outcome.recv()?.map(drop).context("reset")
    });
    area("pin", || {
        let (done, outcome) = callback();
        service.set_pin(TIMEOUT_MS, Pin::new(PIN), answering(), done)?;
        outcome.recv()?.map(drop).context("set the PIN")
    });
    area("info", || {
        let mut told = false;
        manage(&mut service, |_| {
            told = true;
            Ok(Vec::new())
        })?;
        ensure!(told, "the key was not told of");
        Ok(())
    });
    area("credentials", || {
        register(&mut service)?;
        sign(&mut service)
    });
    area("management", || management(&mut service));
    area("config", || {
        let shorter = SetMinPINLength {
            new_min_pin_length: Some(6),
            min_pin_length_rpids: None,
            force_change_pin: None,
        };
        manage(&mut service, |_| {
            Ok(vec![
                InteractiveRequest::ChangeConfig(AuthConfigCommand::ToggleAlwaysUv, None),
                InteractiveRequest::ChangeConfig(AuthConfigCommand::ToggleAlwaysUv, None),
                InteractiveRequest::ChangeConfig(AuthConfigCommand::SetMinPINLength(shorter), None),
            ])
        })
        .map(drop)
    });
    lacks("blobs", "the client knows no large blobs");
    Ok(())
}

/// Where a call's end is waited for.
fn callback<T: Send + 'static>() -> (StateCallback<T>, Receiver<T>) {
    let (tell, told) = channel();
    let callback = StateCallback::new(Box::new(move |outcome| {
        // Nobody waits any more only when this program has ended.
        let _ = tell.send(outcome);
    }));
    (callback, told)
}

/// Somebody who types the PIN whenever it is asked for.
fn answering() -> Sender<StatusUpdate> {
    let (status, heard) = channel();
    thread::spawn(move || {
        for update in heard {
            answer(update);
        }
    });
    status
}

fn answer(update: StatusUpdate) {
    match update {
        StatusUpdate::PinUvError(StatusPinUv::PinRequired(sender)) => {
            let _ = sender.send(Pin::new(PIN));
        }
        StatusUpdate::SelectResultNotice(sender, _) => {
            let _ = sender.send(Some(0));
        }
        _ => {}
    }
}

fn register(service: &mut AuthenticatorService) -> Result<()> {
    let (done, outcome) = callback();
    let arguments = RegisterArgs {
        client_data_hash: [7; 32],
        relying_party: RelyingParty {
            id: RP_ID.into(),
            name: None,
        },
        origin: format!("https://{RP_ID}"),
        user: PublicKeyCredentialUserEntity {
            id: b"user-1".to_vec(),
            name: Some("ada".into()),
            display_name: None,
        },
        pub_cred_params: vec![PublicKeyCredentialParameters {
            alg: COSEAlgorithm::ES256,
        }],
        exclude_list: Vec::new(),
        user_verification_req: UserVerificationRequirement::Required,
        resident_key_req: ResidentKeyRequirement::Required,
        extensions: AuthenticationExtensionsClientInputs::default(),
        pin: None,
        use_ctap1_fallback: false,
    };
    service.register(TIMEOUT_MS, arguments, answering(), done)?;
    outcome.recv()?.map(drop).context("register")
}

fn sign(service: &mut AuthenticatorService) -> Result<()> {
    let (done, outcome) = callback();
    let arguments = SignArgs {
        client_data_hash: [8; 32],
        origin: format!("https://{RP_ID}"),
        relying_party_id: RP_ID.into(),
        allow_list: Vec::new(),
        user_verification_req: UserVerificationRequirement::Required,
        user_presence_req: true,
        extensions: AuthenticationExtensionsClientInputs::default(),
        pin: None,
        use_ctap1_fallback: false,
    };
    service.sign(TIMEOUT_MS, arguments, answering(), done)?;
    outcome.recv()?.map(drop).context("sign")
}

fn management(service: &mut AuthenticatorService) -> Result<()> {
    let listed = manage(service, |_| {
        Ok(vec![InteractiveRequest::CredentialManagement(
            CredManagementCmd::GetCredentials,
            None,
        )])
    })?;
    let Some(CredentialManagementResult::CredentialList(list)) = listed.into_iter().next() else {
        bail!("no list came");
    };
    let party = list.credential_list.first().context("nothing is listed")?;
    let credential = party.credentials.first().context("no credential")?;
    let id = credential.credential_id.clone();
    let deleted = manage(service, |_| {
        Ok(vec![InteractiveRequest::CredentialManagement(
            CredManagementCmd::DeleteCredential(id),
            None,
        )])
    })?;
    let is_deleted = matches!(
        deleted.first(),
        Some(CredentialManagementResult::DeleteSucess)
    );
    ensure!(is_deleted, "it was not deleted: {deleted:?}");
    Ok(())
}

/// An interactive session that sends the requests one after the other and then quits; gives what
/// was said of credentials.
fn manage(
    service: &mut AuthenticatorService,
    plan: impl FnOnce(&authenticator::AuthenticatorInfo) -> Result<Vec<InteractiveRequest>>,
) -> Result<Vec<CredentialManagementResult>> {
    let (status, heard) = channel();
    let (done, outcome) = callback();
    service.manage(TIMEOUT_MS, status, done)?;
    let mut plan = Some(plan);
    let mut requests = Vec::new().into_iter();
    let mut sender = None;
    let mut said = Vec::new();
    for update in heard {
        let next = match update {
            StatusUpdate::InteractiveManagement(InteractiveUpdate::StartManagement((to, info))) => {
                sender = Some(to);
                let info = info.context("the key speaks CTAP1 alone")?;
                requests = plan.take().context("begun twice")?(&info)?.into_iter();
                true
            }
            StatusUpdate::InteractiveManagement(InteractiveUpdate::CredentialManagementUpdate(
                (result, _),
            )) => {
                said.push(result);
                true
            }
            StatusUpdate::InteractiveManagement(_) => true,
            other => {
                answer(other);
                false
            }
        };
        if next && let Some(sender) = &sender {
            let request = requests.next().unwrap_or(InteractiveRequest::Quit);
            let last = matches!(request, InteractiveRequest::Quit);
            // After the end there is an outcome, not a reader.
            let _ = sender.send(request);
            if last {
                break;
            }
        }
    }
    outcome.recv()?.map(drop).context("manage")?;
    Ok(said)
}
