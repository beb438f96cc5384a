//! Which attestation a credential is given.

use super::*;

#[test]
fn the_platform_chooses_the_attestation_format() {
    for (preference, fmt, statement) in [
        (None, "packed", true),
        (Some(&["packed"][..]), "packed", true),
        (Some(&["none"]), "none", false),
        (Some(&["none", "packed"]), "none", true),
        (Some(&["tpm", "none"]), "none", true),
        (Some(&["tpm"]), "packed", true),
        (Some(&["packed", "none"]), "packed", true),
    ] {
        let request = Request {
            attestation_formats_preference: preference.map(List::new),
            ..derived("ada")
        };
        let made = Platform::new().make(&request).unwrap();
        let response = Response::parse(&made).unwrap();
        assert_eq!(response.fmt, fmt, "{preference:?}");
        assert_eq!(response.att_stmt.is_some(), statement, "{preference:?}");
    }
}

#[test]
fn enterprise_attestation_wants_to_be_enabled_and_known() {
    let mut platform = Platform::new();
    let ask = |platform: &mut Platform, kind, rp_id| {
        let request = Request {
            rp: PublicKeyCredentialRpEntity {
                id: rp_id,
                name: None,
            },
            enterprise_attestation: Some(kind),
            ..derived("ada")
        };
        let made = platform.send(Command::MakeCredential, Some(&request))?;
        Ok(Response::parse(&made).unwrap().ep_att)
    };
    assert_eq!(
        ask(&mut platform, 2, RP_ID),
        Err(Status::InvalidParameter),
        "not enabled"
    );
    let enable = [0xA1, 0x01, 0x01];
    assert_eq!(
        platform.send_bytes(&[&[0x0D], &enable[..]].concat()),
        [0x00]
    );
    assert_eq!(ask(&mut platform, 2, RP_ID), Ok(Some(true)));
    assert_eq!(
        ask(&mut platform, 1, RP_ID),
        Ok(None),
        "not a name that was burned in"
    );
    assert_eq!(ask(&mut platform, 1, ENTERPRISE_RP_ID), Ok(Some(true)));
    assert_eq!(ask(&mut platform, 0, RP_ID), Err(Status::InvalidOption));
    assert_eq!(ask(&mut platform, 3, RP_ID), Err(Status::InvalidOption));
}
