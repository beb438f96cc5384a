//! Who may do what: MACs, permissions, and what a stranger is told.

use super::*;

const WITH_MAC: [Subcommand; 5] = [
    Subcommand::CredsMetadata,
    Subcommand::EnumerateRpsBegin,
    Subcommand::EnumerateCredentialsBegin,
    Subcommand::DeleteCredential,
    Subcommand::UpdateUserInformation,
];

#[test]
fn a_mac_is_wanted_right_and_by_a_protocol_that_exists() {
    let mut platform = Platform::with_pin();
    let id = make(&mut platform, RP_ID, "ada");
    let rp_id_hash = hash(&platform, RP_ID);
    let mut room = [0; 512];
    let params = raw(&whole(&id, &rp_id_hash), &mut room);
    for sub_command in WITH_MAC {
        let token = platform.token(0x04, None);
        let mac = platform.mac(
            &token,
            &[&authenticated_prefix(sub_command), params.bytes()],
        );
        let elsewhere = platform.mac(&token, &[&[0xFF], params.bytes()]);
        let bare = platform.mac(&token, &[&authenticated_prefix(sub_command)]);
        for (param, protocol, refusal) in [
            (None, None, Status::PuatRequired),
            (None, Some(2), Status::PuatRequired),
            (Some(&mac), None, Status::MissingParameter),
            (Some(&mac), Some(3), Status::InvalidParameter),
            (Some(&mac), Some(1), Status::PinAuthInvalid),
            (Some(&elsewhere), Some(2), Status::PinAuthInvalid),
            (Some(&bare), Some(2), Status::PinAuthInvalid),
        ] {
            let request = Request {
                sub_command,
                sub_command_params: Some(params),
                pin_uv_auth_protocol: protocol,
                pin_uv_auth_param: param.map(|mac| mac.as_slice()),
            };
            let status = platform.status(Command::CredentialManagement, &request);
            assert_eq!(status, refusal, "{sub_command:?} under {protocol:?}");
        }
    }
    assert_eq!(platform.state().owner.credentials.len(), 1);
}

#[test]
fn a_token_reaches_as_far_as_its_permissions_and_rp_id() {
    for (permissions, bound, reaches) in [
        (0x04, None, &WITH_MAC[..]),
        (0x04, Some(RP_ID), &WITH_MAC[2..]),
        (0x04, Some("other.example"), &[]),
        (0x40, None, &WITH_MAC[..3]),
        (0x20, None, &[]),
        (0x03, Some(RP_ID), &[]),
    ] {
        for sub_command in WITH_MAC {
            let mut platform = Platform::with_pin();
            let id = make(&mut platform, RP_ID, "ada");
            let rp_id_hash = hash(&platform, RP_ID);
            let token = platform.token(permissions, bound);
            let command = Command::CredentialManagement;
            let params = whole(&id, &rp_id_hash);
            let answer = ask(&mut platform, command, &token, sub_command, Some(&params));
            let expected = (!reaches.contains(&sub_command)).then_some(Status::PinAuthInvalid);
            assert_eq!(
                answer.err(),
                expected,
                "{sub_command:?} {permissions:#x} {bound:?}"
            );
        }
    }
}

#[test]
fn what_is_not_there_is_told_only_to_who_may_know() {
    let mut platform = Platform::with_pin();
    make(&mut platform, RP_ID, "ada");
    let unknown = naming(&[7; 32]);
    let command = Command::CredentialManagement;
    for (permissions, bound, refusal) in [
        (0x04, None, Status::NoCredentials),
        (0x04, Some(RP_ID), Status::PinAuthInvalid),
        (0x40, None, Status::PinAuthInvalid),
    ] {
        let token = platform.token(permissions, bound);
        let answer = ask(
            &mut platform,
            command,
            &token,
            Subcommand::DeleteCredential,
            Some(&unknown),
        );
        assert_eq!(answer, Err(refusal), "{permissions:#x} {bound:?}");
    }
}

#[test]
fn a_member_that_is_missing_is_missed() {
    let mut platform = Platform::with_pin();
    let id = make(&mut platform, RP_ID, "ada");
    let without_user = naming(&id);
    let empty = SubcommandParams::default();
    for (sub_command, params) in [
        (Subcommand::EnumerateCredentialsBegin, None),
        (Subcommand::EnumerateCredentialsBegin, Some(&without_user)),
        (Subcommand::DeleteCredential, None),
        (Subcommand::DeleteCredential, Some(&empty)),
        (Subcommand::UpdateUserInformation, Some(&empty)),
        (Subcommand::UpdateUserInformation, Some(&without_user)),
    ] {
        let answer = manage(&mut platform, sub_command, params);
        assert_eq!(answer, Err(Status::MissingParameter), "{sub_command:?}");
    }
}
