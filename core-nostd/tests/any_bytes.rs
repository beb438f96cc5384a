//! Bytes that nobody meant: no reader panics, and what one makes of them it makes of its own
//! writing, too.

#![allow(clippy::unwrap_used)]

use std::fmt::Debug;

use keysteward_core::cbor::{Encode, Parse, Raw, encode};
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, GetAssertionOutputs, MakeCredentialInputs, MakeCredentialOutputs,
    UnsignedGetAssertionOutputs, UnsignedMakeCredentialOutputs,
};
use keysteward_core::ctap2::large_blobs::array::LargeBlobMap;
use keysteward_core::ctap2::{
    authenticator_config, bio_enrollment, client_pin, credential_management, get_assertion,
    get_info, large_blobs, make_credential,
};
use keysteward_core::webauthn::attestation::{
    ANDROID_KEY, APPLE, AttestationObject, FIDO_U2F, PACKED, Statement, TPM, tpm,
};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{KeyAgreementKey, PublicKey};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn written(message: &dyn Encode) -> Vec<u8> {
    encode(message, &mut [0; 8192]).unwrap().to_vec()
}

fn same<T: Debug + PartialEq, E: Debug + PartialEq>(first: &T, again: Result<T, E>) {
    assert_eq!(again.as_ref(), Ok(first));
}

macro_rules! survive {
    ($readers:ident, $bytes:expr => $($type:ty),* $(,)?) => {$(
        if let Ok(first) = <$type>::parse($bytes) {
            $readers += 1;
            same(&first, <$type>::parse(&written(&first)));
        }
    )*};
}

/// Answers how many readers found something to read.
fn read_as_everything(bytes: &[u8]) -> usize {
    let mut readers = 0;
    survive!(readers, bytes =>
        authenticator_config::Request<'_>,
        authenticator_config::SetMinPinLength<'_>,
        authenticator_config::VendorPrototype<'_>,
        bio_enrollment::Request<'_>,
        bio_enrollment::SubcommandParams<'_>,
        bio_enrollment::Response<'_>,
        client_pin::Request<'_>,
        client_pin::Response<'_>,
        credential_management::Request<'_>,
        credential_management::SubcommandParams<'_>,
        credential_management::Response<'_>,
        get_assertion::Request<'_>,
        get_assertion::Response<'_>,
        large_blobs::Request<'_>,
        large_blobs::Response<'_>,
        LargeBlobMap<'_>,
        make_credential::Request<'_>,
        make_credential::Response<'_>,
        MakeCredentialInputs<'_>,
        MakeCredentialOutputs<'_>,
        UnsignedMakeCredentialOutputs,
        GetAssertionInputs<'_>,
        GetAssertionOutputs<'_>,
        UnsignedGetAssertionOutputs<'_>,
        KeyAgreementKey<'_>,
        PublicKey<'_>,
        AttestationObject<'_>,
    );
    // What was passed over is not written again.
    if let Ok(mut first) = get_info::Response::parse(bytes) {
        readers += 1;
        first.passed_over = get_info::PassedOver::default();
        let again = written(&first);
        let mut again = get_info::Response::parse(&again).unwrap();
        again.passed_over = get_info::PassedOver::default();
        assert_eq!(again, first);
    }
    if let Ok(data) = AuthenticatorData::parse(bytes) {
        readers += 1;
        let mut buffer = [0; 8192];
        same(
            &data,
            AuthenticatorData::parse(data.encode(&mut buffer).unwrap()),
        );
    }
    if let Ok(statement) = Raw::parse(bytes) {
        for fmt in [PACKED, FIDO_U2F, TPM, ANDROID_KEY, APPLE] {
            if let Ok(first) = Statement::parse(fmt, statement) {
                readers += 1;
                let again = written(&first);
                same(&first, Statement::parse(fmt, Raw::parse(&again).unwrap()));
            }
        }
    }
    readers += usize::from(tpm::CertInfo::parse(bytes).is_ok());
    readers += usize::from(tpm::PublicArea::parse(bytes).is_ok());
    readers
}

/// Messages of real keys, and some of ours for what those keys did not say.
fn real() -> Vec<Vec<u8>> {
    macro_rules! recorded {
        ($($name:literal),*) => {
            [$(&include_bytes!(concat!("vectors/", $name, ".bin"))[1..]),*]
        };
    }
    let recorded = recorded!(
        "opensk_ga_req",
        "opensk_ga_rsp",
        "opensk_info_rsp",
        "opensk_mc_req",
        "opensk_mc_rsp",
        "trussed_ga_req",
        "trussed_ga_rsp",
        "trussed_info_rsp",
        "trussed_mc_req",
        "trussed_mc_rsp"
    );
    let objects = [
        include_str!("vectors/webauthn/tpm_es256.hex"),
        include_str!("vectors/webauthn/android_key_es256.hex"),
        include_str!("vectors/webauthn/apple_es256.hex"),
    ]
    .map(|hex| hex::decode(hex.trim()).unwrap());
    let ours: [&[u8]; 7] = [
        // enrollBegin with a token, the answer to it, and to enumerateEnrollments
        b"\xa5\x01\x01\x02\x01\x03\xa1\x03\x19\x3a\x98\x04\x02\x05\x50sixteen bytes ..",
        b"\xa3\x04\x41\x07\x05\x0e\x06\x04",
        b"\xa1\x07\x82\xa2\x01\x41\x07\x02\x65Index\xa1\x01\x41\x08",
        // A first fragment
        b"\xa5\x02\x46\x80\x76\xbe\x8b\x52\x8d\x03\x00\x04\x11\x05\x50sixteen bytes ..\x06\x02",
        // A large-blob map
        b"\xa3\x01\x50sixteen bytes ..\x02\x4cnonce of 12b\x03\x18\x28",
        // vendorPrototype
        b"\xa4\x01\x18\xff\x02\xa2\x01\x1a\xde\xad\xbe\xef\x02\x42PQ\x03\x02\x04\x50sixteen bytes ..",
        // largeBlob read and written
        b"\xa1\x69largeBlob\xa2\x64blob\x43abc\x6coriginalSize\x18\x28",
    ];
    let statements = objects.iter().flat_map(|object| {
        let object = AttestationObject::parse(object).unwrap();
        [object.att_stmt.bytes().to_vec(), object.auth_data.to_vec()]
    });
    let mut all: Vec<Vec<u8>> = recorded
        .iter()
        .chain(&ours)
        .map(|one| one.to_vec())
        .collect();
    all.extend(statements);
    all.extend(objects.clone());
    all
}

#[test]
fn real_messages_are_read_by_their_own_readers_and_by_others() {
    for message in real() {
        assert!(read_as_everything(&message) > 0, "{message:02x?}");
    }
}

proptest! {
    #[test]
    fn noise(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn damaged_messages(
        mut message in select(real()),
        damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..5),
        cut in proptest::option::of(any::<Index>()),
    ) {
        for (index, byte) in damage {
            let index = index.index(message.len());
            message[index] = byte;
        }
        if let Some(cut) = cut {
            message.truncate(cut.index(message.len()));
        }
        read_as_everything(&message);
    }
}
