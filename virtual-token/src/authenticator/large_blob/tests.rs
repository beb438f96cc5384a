use super::*;
use crate::authenticator::Touch;
use crate::authenticator::platform::{Platform, assertion, derived, raw, resident};
use crate::manufacture::Profile;
use keysteward_core::cbor::List;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::credential_management::{
    self, Subcommand, SubcommandParams, authenticated_prefix,
};
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, LargeBlobOutput, MakeCredentialInputs, UnsignedGetAssertionOutputs,
};
use keysteward_core::ctap2::get_assertion::{self, Options};
use keysteward_core::ctap2::{Command, PublicKeyCredentialDescriptor, make_credential};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;

fn key() -> Platform {
    Platform::of(Profile::LargeBlob)
}

/// Makes a credential; its id, and whether it says that it can have a blob.
fn make(
    platform: &mut Platform,
    request: &make_credential::Request<'_>,
    support: Option<LargeBlobSupport<'_>>,
) -> Result<(Vec<u8>, Option<bool>), Status> {
    let mut room = [0; 64];
    let inputs = MakeCredentialInputs {
        large_blob: support.map(|support| LargeBlobCreation { support }),
        ..MakeCredentialInputs::default()
    };
    let request = make_credential::Request {
        extensions: Some(raw(&inputs, &mut room)),
        ..request.clone()
    };
    let made = platform.make(&request)?;
    let made = make_credential::Response::parse(&made).unwrap();
    let data = AuthenticatorData::parse(made.auth_data).unwrap();
    let id = data.attested_credential.unwrap().credential_id.to_vec();
    let supported = made.unsigned_extension_outputs.map(|outputs| {
        let outputs = UnsignedMakeCredentialOutputs::parse(outputs.bytes()).unwrap();
        outputs.large_blob.unwrap().supported
    });
    Ok((id, supported))
}

/// A discoverable credential that can have a blob.
fn made(platform: &mut Platform, user: &str) -> Vec<u8> {
    let made = make(platform, &resident(user), Some(LargeBlobSupport::Required));
    let (id, supported) = made.unwrap();
    assert_eq!(supported, Some(true));
    id
}

/// blob and originalSize, and written, as they are told.
type Answer = (Option<(Vec<u8>, u64)>, Option<bool>);

/// Asserts with the credential of this id, or with any.
fn ask(
    platform: &mut Platform,
    id: Option<&[u8]>,
    up: bool,
    input: LargeBlobInput<'_>,
) -> Result<Answer, Status> {
    let named = [PublicKeyCredentialDescriptor::new(id.unwrap_or_default())];
    let inputs = GetAssertionInputs {
        large_blob: Some(input),
        ..GetAssertionInputs::default()
    };
    let mut room = vec![0; 6000];
    let request = get_assertion::Request {
        allow_list: id.map(|_| List::new(&named)),
        extensions: Some(raw(&inputs, &mut room)),
        options: Some(Options {
            up: Some(up),
            ..Options::default()
        }),
        ..assertion()
    };
    let answer = platform.send(Command::GetAssertion, Some(&request))?;
    Ok(told(&answer))
}

fn told(answer: &[u8]) -> Answer {
    let answer = get_assertion::Response::parse(answer).unwrap();
    let Some(outputs) = answer.unsigned_extension_outputs else {
        return (None, None);
    };
    let outputs = UnsignedGetAssertionOutputs::parse(outputs.bytes()).unwrap();
    let LargeBlobOutput {
        blob,
        written,
        original_size,
    } = outputs.large_blob.unwrap();
    let blob = blob.map(|blob| (blob.to_vec(), original_size.unwrap()));
    assert_eq!(blob.is_some(), original_size.is_some());
    (blob, written)
}

const READ: LargeBlobInput<'static> = LargeBlobInput {
    read: Some(true),
    write: None,
    original_size: None,
};

const fn write(blob: &[u8], original_size: u64) -> LargeBlobInput<'_> {
    LargeBlobInput {
        read: None,
        write: Some(blob),
        original_size: Some(original_size),
    }
}

#[test]
fn a_blob_is_written_and_read_replaced_and_read() {
    let mut platform = key();
    let id = made(&mut platform, "ada");
    assert_eq!(ask(&mut platform, Some(&id), true, READ), Ok((None, None)));
    for (blob, size) in [(&[7; 3000][..], 9000), (&[8; 4096], u64::MAX), (&[], 0)] {
        let written = ask(&mut platform, Some(&id), true, write(blob, size));
        assert_eq!(written, Ok((None, Some(true))));
        let stored = Ok((Some((blob.to_vec(), size)), None));
        assert_eq!(ask(&mut platform, Some(&id), true, READ), stored);
        // The credential need not be named for that, nor the key be touched.
        assert_eq!(ask(&mut platform, None, false, READ), stored);
    }
}

#[test]
fn a_blob_outlives_the_power_and_not_a_reset() {
    let mut platform = key();
    let id = made(&mut platform, "ada");
    ask(&mut platform, Some(&id), true, write(b"blob", 9)).unwrap();
    platform.key.replug();
    let (blob, _) = ask(&mut platform, Some(&id), true, READ).unwrap();
    assert_eq!(blob, Some((b"blob".to_vec(), 9)));
    assert_eq!(platform.send_bytes(&[0x07]), [0x00]);
    let record = Record::CredentialBlob(0);
    assert_eq!(platform.storage.read(record, 0, &mut []), Ok(None));
}

#[test]
fn each_account_has_its_own_and_every_assertion_tells_it() {
    let mut platform = key();
    let (ada, bob) = (made(&mut platform, "ada"), made(&mut platform, "bob"));
    ask(&mut platform, Some(&ada), true, write(b"ada's", 5)).unwrap();
    ask(&mut platform, Some(&bob), true, write(b"bob's", 5)).unwrap();
    let newest = ask(&mut platform, None, true, READ);
    assert_eq!(newest, Ok((Some((b"bob's".to_vec(), 5)), None)));
    let next = platform.send(Command::GetNextAssertion, None).unwrap();
    assert_eq!(told(&next), (Some((b"ada's".to_vec(), 5)), None));
}

#[test]
fn nothing_is_written_unless_the_credential_is_named_touched_and_large_enough() {
    let mut platform = key();
    let (plain, supported) = make(&mut platform, &resident("bob"), None).unwrap();
    assert_eq!(supported, None, "nobody asked");
    // The newest, which answers where none is named.
    let id = made(&mut platform, "ada");
    let (unstored, _) = make(&mut platform, &derived("eve"), None).unwrap();
    ask(&mut platform, Some(&id), true, write(b"first", 5)).unwrap();
    let too_long = [0; 4097];
    for (named, up, blob, why) in [
        (None, true, &b"second"[..], "not named"),
        (Some(&id), false, b"second", "not touched"),
        (Some(&id), true, &too_long, "too long"),
        (Some(&plain), true, b"second", "not made for it"),
        (Some(&unstored), true, b"second", "not stored"),
    ] {
        let named = named.map(Vec::as_slice);
        let answer = ask(&mut platform, named, up, write(blob, 6));
        assert_eq!(answer, Ok((None, Some(false))), "{why}");
    }
    let (blob, _) = ask(&mut platform, Some(&id), true, READ).unwrap();
    assert_eq!(blob, Some((b"first".to_vec(), 5)));
    for none in [plain, unstored] {
        let answer = ask(&mut platform, Some(&none), true, READ);
        assert_eq!(answer, Ok((None, None)));
    }
}

#[test]
fn without_agreement_nothing_is_written() {
    let mut platform = key();
    let id = made(&mut platform, "ada");
    platform.next_touch(Touch::Refused);
    let refused = ask(&mut platform, Some(&id), true, write(b"blob", 4));
    assert_eq!(refused, Err(Status::OperationDenied));
    assert_eq!(ask(&mut platform, Some(&id), true, READ), Ok((None, None)));
}

#[test]
fn a_failing_medium_is_no_full_one() {
    let mut platform = key();
    let id = made(&mut platform, "ada");
    platform.storage.set_worn_out(true);
    let failed = ask(&mut platform, Some(&id), true, write(b"blob", 4));
    assert_eq!(failed, Err(Status::OtherError));
}

#[test]
fn who_requires_a_blob_gets_no_credential_that_cannot_have_one() {
    let mut platform = key();
    for (support, outcome) in [
        (
            LargeBlobSupport::Required,
            Err(Status::LargeBlobStorageFull),
        ),
        (LargeBlobSupport::Preferred, Ok(None)),
    ] {
        let made = make(&mut platform, &derived("ada"), Some(support));
        assert_eq!(made.map(|(_, supported)| supported), outcome);
    }
    let preferred = Some(LargeBlobSupport::Preferred);
    let (_, supported) = make(&mut platform, &resident("ada"), preferred).unwrap();
    assert_eq!(supported, Some(true));
    let mut without = Platform::new();
    let made = make(&mut without, &resident("ada"), preferred);
    assert_eq!(made.map(|(_, supported)| supported), Ok(None), "unknown");
}

#[test]
fn every_kind_of_attestation_tells_that_a_blob_can_be_kept() {
    let mut platform = key();
    for formats in [None, Some(&["none"][..]), Some(&["none", "packed"])] {
        let request = make_credential::Request {
            attestation_formats_preference: formats.map(List::new),
            ..resident("ada")
        };
        let support = Some(LargeBlobSupport::Preferred);
        let (_, supported) = make(&mut platform, &request, support).unwrap();
        assert_eq!(supported, Some(true), "{formats:?}");
    }
}

#[test]
fn inputs_of_another_shape_are_no_cbor_of_this_extension() {
    let mut platform = key();
    let id = made(&mut platform, "ada");
    let named = [PublicKeyCredentialDescriptor::new(&id)];
    // {"largeBlob": ..}, the value in hexadecimal.
    let input = |value: &str| hex::decode(format!("a1696c61726765426c6f62{value}")).unwrap();
    let word = |word: &str| hex::encode(word);
    let (support, read, size) = (word("support"), word("read"), word("originalSize"));
    for (what, value) in [
        ("no map", "f5".to_owned()),
        ("empty", "a0".into()),
        ("unknown word", format!("a167{support}66{}", word("maybe?"))),
        ("no text", format!("a167{support}f5")),
        (
            "one member too many",
            format!("a267{support}68{}6178f5", word("required")),
        ),
    ] {
        let bytes = input(&value);
        let request = make_credential::Request {
            extensions: Some(Raw::parse(&bytes).unwrap()),
            ..resident("bob")
        };
        let status = platform.status(Command::MakeCredential, &request);
        assert_eq!(status, Status::InvalidCbor, "{what}");
    }
    for (what, value) in [
        ("no map", "f5".to_owned()),
        ("empty", "a0".into()),
        ("not to read", format!("a164{read}f4")),
        ("no truth", format!("a164{read}01")),
        ("no size", format!("a165{}4101", word("write"))),
        ("nothing to write", format!("a16c{size}01")),
        (
            "both",
            format!("a364{read}f565{}41016c{size}01", word("write")),
        ),
        (
            "one member too many",
            format!("a2617801 64{read}f5").replace(' ', ""),
        ),
    ] {
        let bytes = input(&value);
        let request = get_assertion::Request {
            allow_list: Some(List::new(&named)),
            extensions: Some(Raw::parse(&bytes).unwrap()),
            ..assertion()
        };
        let status = platform.status(Command::GetAssertion, &request);
        assert_eq!(status, Status::InvalidCbor, "{what}");
    }
}

#[test]
fn a_blob_goes_with_its_credential() {
    let mut platform = key();
    let record = Record::CredentialBlob(0);
    let stored = |platform: &Platform| platform.storage.read(record, 0, &mut []).unwrap();
    // A credential that takes the place of another.
    for _ in 0..2 {
        let id = made(&mut platform, "ada");
        assert_eq!(stored(&platform), None);
        ask(&mut platform, Some(&id), true, write(b"blob", 4)).unwrap();
        assert!(stored(&platform).is_some());
    }
    // One that is deleted.
    assert_eq!(platform.set_pin("1234"), Status::Ok);
    let id = platform.state().owner.credentials[0].id;
    let params = SubcommandParams {
        credential_id: Some(PublicKeyCredentialDescriptor::new(&id)),
        ..SubcommandParams::default()
    };
    let mut room = [0; 128];
    let params = raw(&params, &mut room);
    let sub_command = Subcommand::DeleteCredential;
    let token = platform.token(Permissions::CREDENTIAL_MANAGEMENT.0, None);
    let prefix = authenticated_prefix(sub_command);
    let mac = platform.mac(&token, &[&prefix, params.bytes()]);
    let request = credential_management::Request {
        sub_command,
        sub_command_params: Some(params),
        pin_uv_auth_protocol: Some(2),
        pin_uv_auth_param: Some(&mac),
    };
    let status = platform.status(Command::CredentialManagement, &request);
    assert_eq!(status, Status::Ok);
    assert_eq!(stored(&platform), None);
}

#[test]
fn the_key_offers_one_kind_of_large_blobs_and_not_both() {
    for profile in Profile::ALL {
        let features = profile.features();
        let own = features.has_extension(LARGE_BLOB);
        let array = features.large_blobs || features.has_extension("largeBlobKey");
        assert!(!(own && array), "{profile}");
    }
}
