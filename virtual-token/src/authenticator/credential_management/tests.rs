mod authorization;

use super::*;
use crate::authenticator::credential::stored::STORED_ID_LEN;
use crate::authenticator::platform::{End, PIN, Platform, RP_ID, raw, resident};
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::{Command, PublicKeyCredentialRpEntity, make_credential};
use keysteward_core::pin_protocol::{PinProtocol, PinUvAuthToken};

/// Asks with a MAC of `token`.
fn ask(
    platform: &mut Platform,
    command: Command,
    token: &PinUvAuthToken,
    sub_command: Subcommand,
    params: Option<&SubcommandParams<'_>>,
) -> Result<Vec<u8>, Status> {
    let mut room = [0; 512];
    let params = params.map(|params| raw(params, &mut room));
    let bytes = params.map_or(&[][..], |params| params.bytes());
    let mac = platform.mac(token, &[&authenticated_prefix(sub_command), bytes]);
    let request = Request {
        sub_command,
        sub_command_params: params,
        pin_uv_auth_protocol: Some(token.protocol().id()),
        pin_uv_auth_param: Some(&mac),
    };
    platform.send(command, Some(&request))
}

/// As [`ask`], with a fresh token that permits cm.
fn manage(
    platform: &mut Platform,
    sub_command: Subcommand,
    params: Option<&SubcommandParams<'_>>,
) -> Result<Vec<u8>, Status> {
    let token = platform.token(0x04, None);
    ask(
        platform,
        Command::CredentialManagement,
        &token,
        sub_command,
        params,
    )
}

/// Without a MAC.
fn next(platform: &mut Platform, sub_command: Subcommand) -> Result<Vec<u8>, Status> {
    let request = Request {
        sub_command,
        sub_command_params: None,
        pin_uv_auth_protocol: None,
        pin_uv_auth_param: None,
    };
    platform.send(Command::CredentialManagement, Some(&request))
}

fn make(platform: &mut Platform, rp_id: &str, user: &str) -> [u8; STORED_ID_LEN] {
    let rp = PublicKeyCredentialRpEntity {
        id: rp_id,
        name: Some(rp_id),
    };
    platform
        .make(&make_credential::Request {
            rp,
            ..resident(user)
        })
        .unwrap();
    platform.state().owner.credentials.last().unwrap().id
}

fn hash(platform: &Platform, rp_id: &str) -> [u8; 32] {
    platform.crypto.sha256(&[rp_id.as_bytes()])
}

fn naming(id: &[u8]) -> SubcommandParams<'_> {
    SubcommandParams {
        credential_id: Some(PublicKeyCredentialDescriptor::new(id)),
        ..SubcommandParams::default()
    }
}

fn of_rp(rp_id_hash: &[u8; 32]) -> SubcommandParams<'_> {
    SubcommandParams {
        rp_id_hash: Some(rp_id_hash),
        ..SubcommandParams::default()
    }
}

/// Parameters that fit every subcommand.
fn whole<'a>(id: &'a [u8], rp_id_hash: &'a [u8; 32]) -> SubcommandParams<'a> {
    SubcommandParams {
        rp_id_hash: Some(rp_id_hash),
        credential_id: Some(PublicKeyCredentialDescriptor::new(id)),
        user: Some(PublicKeyCredentialUserEntity {
            id: b"ada",
            name: Some("Ada"),
            display_name: None,
        }),
    }
}

#[test]
fn an_empty_key_counts_nothing_and_lists_nothing() {
    let mut platform = Platform::with_pin();
    let metadata = manage(&mut platform, Subcommand::CredsMetadata, None).unwrap();
    let metadata = Response::parse(&metadata).unwrap();
    assert_eq!(metadata.existing_resident_credentials_count, Some(0));
    assert_eq!(
        metadata.max_possible_remaining_resident_credentials_count,
        Some(100)
    );
    let rps = manage(&mut platform, Subcommand::EnumerateRpsBegin, None);
    assert_eq!(rps, Err(Status::NoCredentials));
    let of_rp = of_rp(&[7; 32]);
    let listed = manage(
        &mut platform,
        Subcommand::EnumerateCredentialsBegin,
        Some(&of_rp),
    );
    assert_eq!(listed, Err(Status::NoCredentials));
}

#[test]
fn relying_parties_and_their_credentials_are_listed() {
    let mut platform = Platform::with_pin();
    make(&mut platform, "a.example", "ada");
    let bob = make(&mut platform, "b.example", "bob");
    make(&mut platform, "a.example", "eve");
    let first = manage(&mut platform, Subcommand::EnumerateRpsBegin, None).unwrap();
    let second = next(&mut platform, Subcommand::EnumerateRpsGetNextRp).unwrap();
    assert_eq!(
        next(&mut platform, Subcommand::EnumerateRpsGetNextRp),
        Err(Status::NotAllowed)
    );
    let mut seen = Vec::new();
    for (answer, total) in [(&first, Some(2)), (&second, None)] {
        let answer = Response::parse(answer).unwrap();
        let rp = answer.rp.unwrap();
        assert_eq!(answer.total_rps, total);
        assert_eq!(*answer.rp_id_hash.unwrap(), hash(&platform, rp.id));
        assert_eq!(rp.name, Some(rp.id));
        seen.push(rp.id);
    }
    seen.sort_unstable();
    assert_eq!(seen, ["a.example", "b.example"]);

    let rp_id_hash = hash(&platform, "a.example");
    let of_a = of_rp(&rp_id_hash);
    let first = manage(
        &mut platform,
        Subcommand::EnumerateCredentialsBegin,
        Some(&of_a),
    )
    .unwrap();
    let second = next(
        &mut platform,
        Subcommand::EnumerateCredentialsGetNextCredential,
    )
    .unwrap();
    assert_eq!(
        next(
            &mut platform,
            Subcommand::EnumerateCredentialsGetNextCredential
        ),
        Err(Status::NotAllowed)
    );
    for (answer, total) in [(&first, Some(2)), (&second, None)] {
        let answer = Response::parse(answer).unwrap();
        assert_eq!(answer.total_credentials, total);
        assert_eq!(answer.cred_protect, Some(1));
        assert_ne!(answer.credential_id.unwrap().id, bob);
        let stored = platform.state().owner.credentials;
        let stored = stored
            .iter()
            .find(|kept| kept.id == answer.credential_id.unwrap().id);
        let stored = stored.unwrap();
        assert_eq!(answer.user, Some(stored.user.entity()));
        let public = stored
            .algorithm
            .public(&mut platform.crypto, &stored.key.private())
            .unwrap();
        assert_eq!(answer.public_key, Some(public.cose()));
    }
}

#[test]
fn a_list_ends_by_time_or_by_any_other_command() {
    let ends: [(&str, Option<Status>, End); 5] = [
        ("nothing", None, |_| {}),
        ("30 s", None, |platform| platform.pass(30_000)),
        ("more than 30 s", Some(Status::NotAllowed), |platform| {
            platform.pass(30_001)
        }),
        ("getInfo", Some(Status::NotAllowed), |platform| {
            platform.send(Command::GetInfo, None).unwrap();
        }),
        ("a power cycle", Some(Status::NotAllowed), |platform| {
            platform.key.replug()
        }),
    ];
    for (name, refusal, end) in ends {
        let mut platform = Platform::with_pin();
        make(&mut platform, "a.example", "ada");
        make(&mut platform, "a.example", "bob");
        make(&mut platform, "b.example", "ada");
        manage(&mut platform, Subcommand::EnumerateRpsBegin, None).unwrap();
        end(&mut platform);
        let rp = next(&mut platform, Subcommand::EnumerateRpsGetNextRp);
        assert_eq!(rp.err(), refusal, "{name}");
        let rp_id_hash = hash(&platform, "a.example");
        let of_a = of_rp(&rp_id_hash);
        manage(
            &mut platform,
            Subcommand::EnumerateCredentialsBegin,
            Some(&of_a),
        )
        .unwrap();
        end(&mut platform);
        let credential = next(
            &mut platform,
            Subcommand::EnumerateCredentialsGetNextCredential,
        );
        assert_eq!(credential.err(), refusal, "{name}");
    }
}

#[test]
fn each_answer_of_a_list_starts_its_time_anew() {
    let mut platform = Platform::with_pin();
    for rp_id in ["a.example", "b.example", "c.example"] {
        make(&mut platform, rp_id, "ada");
        make(&mut platform, RP_ID, rp_id);
    }
    manage(&mut platform, Subcommand::EnumerateRpsBegin, None).unwrap();
    for _ in 0..2 {
        platform.pass(20_000);
        assert!(next(&mut platform, Subcommand::EnumerateRpsGetNextRp).is_ok());
    }
    let rp_id_hash = hash(&platform, RP_ID);
    let of_rp = of_rp(&rp_id_hash);
    manage(
        &mut platform,
        Subcommand::EnumerateCredentialsBegin,
        Some(&of_rp),
    )
    .unwrap();
    for _ in 0..2 {
        platform.pass(20_000);
        let credential = Subcommand::EnumerateCredentialsGetNextCredential;
        assert!(next(&mut platform, credential).is_ok());
    }
}

#[test]
fn one_list_does_not_continue_the_other() {
    let mut platform = Platform::with_pin();
    make(&mut platform, "a.example", "ada");
    make(&mut platform, "b.example", "ada");
    manage(&mut platform, Subcommand::EnumerateRpsBegin, None).unwrap();
    let credential = next(
        &mut platform,
        Subcommand::EnumerateCredentialsGetNextCredential,
    );
    assert_eq!(credential, Err(Status::NotAllowed));
}

#[test]
fn a_deleted_credential_is_gone_and_the_others_stay() {
    let mut platform = Platform::with_pin();
    let ada = make(&mut platform, RP_ID, "ada");
    let bob = make(&mut platform, RP_ID, "bob");
    let store_state = platform.state().owner.store_state;
    manage(
        &mut platform,
        Subcommand::DeleteCredential,
        Some(&naming(&ada)),
    )
    .unwrap();
    let owner = platform.state().owner;
    assert_eq!(
        owner
            .credentials
            .iter()
            .map(|kept| kept.id)
            .collect::<Vec<_>>(),
        [bob]
    );
    assert_ne!(owner.store_state, store_state);
    let again = manage(
        &mut platform,
        Subcommand::DeleteCredential,
        Some(&naming(&ada)),
    );
    assert_eq!(again, Err(Status::NoCredentials));
}

#[test]
fn an_update_changes_names_of_the_same_user_only() {
    let mut platform = Platform::with_pin();
    let id = make(&mut platform, RP_ID, "ada");
    let entity = |id, name| PublicKeyCredentialUserEntity {
        id,
        name,
        display_name: Some(""),
    };
    let update = |platform: &mut Platform, user| {
        let params = SubcommandParams {
            user: Some(user),
            ..naming(&id)
        };
        manage(platform, Subcommand::UpdateUserInformation, Some(&params)).err()
    };
    let stranger = entity(b"bob", Some("Bob"));
    assert_eq!(
        update(&mut platform, stranger),
        Some(Status::InvalidParameter)
    );
    assert_eq!(
        platform.state().owner.credentials[0].user.name.as_deref(),
        Some("ada")
    );
    assert_eq!(
        update(&mut platform, entity(b"ada", Some("Lovelace"))),
        None
    );
    let user = platform.state().owner.credentials.remove(0).user;
    assert_eq!(
        (user.name.as_deref(), user.display_name),
        (Some("Lovelace"), None)
    );
    assert_eq!(update(&mut platform, entity(b"ada", None)), None);
    assert_eq!(platform.state().owner.credentials[0].user.name, None);
}

#[test]
fn the_preview_takes_old_tokens_and_cannot_update() {
    let mut platform = Platform::with_pin();
    let id = make(&mut platform, RP_ID, "ada");
    let rp_id_hash = hash(&platform, RP_ID);
    let params = whole(&id, &rp_id_hash);
    let preview = Command::CredentialManagementPreview;
    let legacy = platform
        .token_over(PinProtocol::One, PIN, None, None)
        .unwrap();
    let mut under = |command, sub_command| {
        ask(&mut platform, command, &legacy, sub_command, Some(&params)).err()
    };
    let update = Subcommand::UpdateUserInformation;
    assert_eq!(under(preview, update), Some(Status::InvalidSubcommand));
    assert_eq!(
        under(Command::CredentialManagement, Subcommand::CredsMetadata),
        Some(Status::PinAuthInvalid)
    );
    assert_eq!(under(preview, Subcommand::CredsMetadata), None);
    assert_eq!(under(preview, Subcommand::DeleteCredential), None);
    make(&mut platform, RP_ID, "ada");
    for (permissions, rp_id, refusal) in [
        (0x04, None, None),
        (0x04, Some(RP_ID), None),
        (0x03, Some(RP_ID), Some(Status::PinAuthInvalid)),
    ] {
        let token = platform.token(permissions, rp_id);
        let begin = Subcommand::EnumerateCredentialsBegin;
        let answer = ask(&mut platform, preview, &token, begin, Some(&params));
        assert_eq!(answer.err(), refusal, "{permissions:#x}");
    }
}

#[test]
fn subcommands_that_do_not_exist_are_refused() {
    let mut platform = Platform::with_pin();
    let answer = manage(&mut platform, Subcommand::Other(0x08), None);
    assert_eq!(answer, Err(Status::InvalidSubcommand));
}

#[test]
fn storage_that_fails_deletes_nothing() {
    let mut platform = Platform::with_pin();
    let id = make(&mut platform, RP_ID, "ada");
    let token = platform.token(0x04, None);
    platform.storage.set_worn_out(true);
    let command = Command::CredentialManagement;
    let delete = Subcommand::DeleteCredential;
    let params = naming(&id);
    let answer = ask(&mut platform, command, &token, delete, Some(&params));
    assert_eq!(answer, Err(Status::OtherError));
    platform.storage.set_worn_out(false);
    assert_eq!(platform.key.authenticator().contents().credentials.len(), 1);
    assert!(ask(&mut platform, command, &token, delete, Some(&params)).is_ok());
}
