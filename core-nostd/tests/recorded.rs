//! The recorded exchanges of `tests/vectors`: every member read, and written back to the same
//! bytes; the signatures checked.

#![allow(clippy::unwrap_used)]

use keysteward_core::cbor::{Encode, Parse};
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::extension::{CredProtect, MakeCredentialInputs, MakeCredentialOutputs};
use keysteward_core::ctap2::{self, Command, Status, get_assertion, get_info, make_credential};
use keysteward_core::webauthn::attestation::{AttestationObject, Statement, VerifyError};
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};
use keysteward_core::webauthn::cose::{self, Algorithm, PublicKey};
use rand_core::OsRng;

/// A firmware's getInfo, makeCredential and getAssertion.
struct Recording {
    info: [&'static [u8]; 2],
    mc: [&'static [u8]; 2],
    ga: [&'static [u8]; 2],
}

macro_rules! exchange {
    ($name:literal) => {
        [
            include_bytes!(concat!("vectors/", $name, "_req.bin")),
            include_bytes!(concat!("vectors/", $name, "_rsp.bin")),
        ]
    };
}

const OPENSK: Recording = Recording {
    info: exchange!("opensk_info"),
    mc: exchange!("opensk_mc"),
    ga: exchange!("opensk_ga"),
};

const TRUSSED: Recording = Recording {
    info: exchange!("trussed_info"),
    mc: exchange!("trussed_mc"),
    ga: exchange!("trussed_ga"),
};

/// Reads a request; checks that it is written to the same bytes.
fn request<'b, T: Parse<'b> + Encode>(bytes: &'b [u8], command: Command) -> T {
    let (found, parameters) = ctap2::parse_request(bytes).unwrap();
    assert_eq!(found, command);
    let request = T::parse(parameters).unwrap();
    let mut buffer = [0; 2048];
    let again = ctap2::request(command, Some(&request), &mut buffer).unwrap();
    assert_eq!(again, bytes);
    request
}

/// Reads a response; checks that it is written to the same bytes.
fn response<'b, T: Parse<'b> + Encode>(bytes: &'b [u8]) -> T {
    let (status, map) = ctap2::response(bytes).unwrap();
    assert_eq!(status, Status::Ok);
    let response = T::parse(map).unwrap();
    let mut buffer = [0; 2048];
    let again = ctap2::encode_response(status, Some(&response), &mut buffer).unwrap();
    assert_eq!(again, bytes);
    response
}

fn crypto() -> RustCrypto<OsRng> {
    RustCrypto(OsRng)
}

#[test]
fn opensk_says_what_it_can() {
    let [request, bytes] = OPENSK.info;
    assert_eq!(
        ctap2::parse_request(request),
        Ok((Command::GetInfo, &[][..]))
    );
    let info: get_info::Response = response(bytes);
    assert!(info.passed_over.is_empty());
    assert!(info.versions.iter().eq(["U2F_V2", "FIDO_2_0", "FIDO_2_1"]));
    assert!(info.has_version(get_info::FIDO_2_1));
    assert!(!info.has_version(get_info::FIDO_2_3));
    assert!(info.has_extension("largeBlobKey"));
    assert_eq!(info.aaguid, &[0; 16]);
    assert_eq!(info.options.rk(), Some(true));
    assert_eq!(info.options.client_pin(), Some(false));
    assert_eq!(info.options.ep(), None);
    assert_eq!(info.max_msg_size, Some(7609));
    assert!(info.pin_uv_auth_protocols.unwrap().iter().eq([2, 1]));
    assert_eq!(info.max_credential_id_length, Some(0xf1));
    let algorithms = info.algorithms.unwrap();
    assert!(
        algorithms
            .iter()
            .any(|parameters| parameters.alg == Algorithm::Es256)
    );
    assert_eq!(info.force_pin_change, Some(false));
    assert_eq!(info.min_pin_length, Some(4));
    assert_eq!(info.max_rp_ids_for_set_min_pin_length, Some(8));
    assert_eq!(info.remaining_discoverable_credentials, Some(150));
    assert_eq!(info.attestation_formats, None);
}

#[test]
fn fido_authenticator_says_what_it_can() {
    let info: get_info::Response = response(TRUSSED.info[1]);
    assert!(info.passed_over.is_empty());
    assert!(info.has_version(get_info::FIDO_2_3));
    assert_eq!(info.options.plat(), Some(false));
    assert_eq!(info.max_msg_size, Some(3072));
    assert_eq!(info.firmware_version, Some(0));
    assert!(info.attestation_formats.unwrap().iter().eq(["packed"]));
    assert_eq!(info.long_touch_for_reset, Some(false));
    assert!(
        info.authenticator_config_commands
            .unwrap()
            .iter()
            .eq([2, 3])
    );
}

#[test]
fn both_make_a_credential_as_asked() {
    for Recording { mc, .. } in [OPENSK, TRUSSED] {
        let asked: make_credential::Request = request(mc[0], Command::MakeCredential);
        assert_eq!(asked.rp.id, "example.com");
        assert_eq!(asked.user.id, b"u1");
        assert_eq!(asked.user.display_name, Some("Alice"));
        assert_eq!(asked.options.unwrap().rk, Some(true));
        assert_eq!(asked.pin_uv_auth_protocol, Some(1));
        let inputs = MakeCredentialInputs::parse(asked.extensions.unwrap().bytes()).unwrap();
        assert_eq!(inputs.cred_blob, Some(&b"blob"[..]));
        assert_eq!(inputs.hmac_secret, Some(true));

        let made: make_credential::Response = response(mc[1]);
        assert_eq!(made.fmt, "packed");
        let data = AuthenticatorData::parse(made.auth_data).unwrap();
        assert_eq!(data.flags, Flags::USER_PRESENT | Flags::USER_VERIFIED);
        assert_eq!(data.sign_count, 1);
        let outputs = MakeCredentialOutputs::parse(data.extensions.unwrap().bytes()).unwrap();
        assert_eq!(outputs.cred_blob, Some(true));
        assert_eq!(
            outputs.cred_protect,
            Some(CredProtect::UserVerificationOptionalWithCredentialIdList)
        );
        assert_eq!(data.encode(&mut [0; 512]).unwrap(), made.auth_data);

        let object = made.attestation_object();
        let mut buffer = [0; 2048];
        let bytes = keysteward_core::cbor::encode(&object, &mut buffer).unwrap();
        assert_eq!(AttestationObject::parse(bytes), Ok(object));
    }
}

#[test]
fn opensk_attests_itself() {
    let asked: make_credential::Request = request(OPENSK.mc[0], Command::MakeCredential);
    let made: make_credential::Response = response(OPENSK.mc[1]);
    let statement = made.attestation_object().statement().unwrap();
    let hash = asked.client_data_hash;
    let data = made.auth_data;
    assert!(statement.verify_self(&crypto(), data, hash).is_ok());

    let wrong_signature = Err(VerifyError::Signature(cose::VerifyError::WrongSignature));
    let mut other = data.to_vec();
    other[33] ^= 1; // the counter
    assert_eq!(
        statement.verify_self(&crypto(), &other, hash),
        wrong_signature
    );
    assert_eq!(
        statement.verify_self(&crypto(), data, &[0; 32]),
        wrong_signature
    );
    let key = AuthenticatorData::parse(data).unwrap();
    let key = key.attested_credential.unwrap().public_key;
    assert_eq!(
        statement.verify(&crypto(), &key, data, hash),
        Err(VerifyError::NoCertificate),
        "who wants a certificate does not get away with none"
    );
}

#[test]
fn fido_authenticator_is_attested_by_its_maker() {
    let asked: make_credential::Request = request(TRUSSED.mc[0], Command::MakeCredential);
    let made: make_credential::Response = response(TRUSSED.mc[1]);
    let statement = made.attestation_object().statement().unwrap();
    let Statement::Packed { x5c: Some(x5c), .. } = statement else {
        panic!("not packed with certificates: {statement:?}");
    };
    assert_eq!(x5c.len(), 1);
    let certificate = x5c.iter().next().unwrap();
    // BIT STRING of 66 bytes, none unused, an uncompressed point.
    let head = [0x03, 0x42, 0x00, 0x04];
    let at = certificate
        .windows(head.len())
        .position(|window| window == head)
        .unwrap();
    let (x, rest) = certificate[at + head.len()..].split_first_chunk().unwrap();
    let y = rest.first_chunk().unwrap();
    let key = PublicKey::Es256 { x, y };

    let (data, hash) = (made.auth_data, asked.client_data_hash);
    assert!(statement.verify(&crypto(), &key, data, hash).is_ok());
    assert_eq!(
        statement.verify(&crypto(), &key, data, &[0; 32]),
        Err(VerifyError::Signature(cose::VerifyError::WrongSignature))
    );
    assert_eq!(
        statement.verify_self(&crypto(), data, hash),
        Err(VerifyError::HasCertificates)
    );
    let okp = PublicKey::Ed25519 { x };
    assert_eq!(
        statement.verify(&crypto(), &okp, data, hash),
        Err(VerifyError::AlgorithmMismatch {
            statement: Algorithm::Es256,
            key: Algorithm::EdDsa
        })
    );
}

#[test]
fn both_sign_in_with_the_credential_they_made() {
    for Recording { mc, ga, .. } in [OPENSK, TRUSSED] {
        let made: make_credential::Response = response(mc[1]);
        let made = AuthenticatorData::parse(made.auth_data).unwrap();
        let made = made.attested_credential.unwrap();

        let asked: get_assertion::Request = request(ga[0], Command::GetAssertion);
        assert_eq!(asked.rp_id, "example.com");
        let answer: get_assertion::Response = response(ga[1]);
        assert_eq!(answer.credential.unwrap().id, made.credential_id);
        assert_eq!(answer.user.unwrap().id, b"u1");
        let data = AuthenticatorData::parse(answer.auth_data).unwrap();
        assert!(data.flags.contains(Flags::USER_VERIFIED));
        assert!(data.attested_credential.is_none());

        let signed = [answer.auth_data, asked.client_data_hash];
        let verified = made.public_key.verify(&crypto(), &signed, answer.signature);
        assert!(verified.is_ok());
        let swapped = [asked.client_data_hash.as_slice(), answer.auth_data];
        let refused = made
            .public_key
            .verify(&crypto(), &swapped, answer.signature);
        assert_eq!(refused, Err(cose::VerifyError::WrongSignature));
    }
}

/// Every beginning of the bytes is refused, and so are the bytes with one more.
fn has_one_end<'b, T: Parse<'b>>(bytes: &'b [u8], and_one: &'b [u8]) {
    for cut in 0..bytes.len() {
        assert!(T::parse(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    assert!(T::parse(bytes).is_ok());
    assert!(T::parse(and_one).is_err());
}

#[test]
fn every_recorded_message_ends_where_it_ends() {
    for Recording { info, mc, ga } in [OPENSK, TRUSSED] {
        let [info, mc, mc_request, ga, ga_request] = [info[1], mc[1], mc[0], ga[1], ga[0]]
            .map(|bytes| [bytes.to_vec(), [bytes, &[0]].concat()]);
        has_one_end::<get_info::Response>(&info[0][1..], &info[1][1..]);
        has_one_end::<make_credential::Response>(&mc[0][1..], &mc[1][1..]);
        has_one_end::<make_credential::Request>(&mc_request[0][1..], &mc_request[1][1..]);
        has_one_end::<get_assertion::Response>(&ga[0][1..], &ga[1][1..]);
        has_one_end::<get_assertion::Request>(&ga_request[0][1..], &ga_request[1][1..]);
        let made: make_credential::Response = response(&mc[0]);
        for cut in 0..made.auth_data.len() {
            assert!(AuthenticatorData::parse(&made.auth_data[..cut]).is_err());
        }
    }
}
