use super::*;
use crate::cbor::{Encode, Error, Parse, encode};
use crate::webauthn::cose::KeyAgreementKey;

fn assert_round_trip<T: Encode + for<'b> SameFor<'b>>(value: &T) {
    let mut buffer = [0; 512];
    let bytes = encode(value, &mut buffer).unwrap();
    assert!(value.same(bytes));
}

/// Parses and compares, whatever lifetime the value has.
trait SameFor<'b> {
    fn same(&self, bytes: &'b [u8]) -> bool;
}

macro_rules! same_for {
    ($($type:ident),*) => {$(
        impl<'b> SameFor<'b> for $type<'_> {
            fn same(&self, bytes: &'b [u8]) -> bool {
                $type::parse(bytes).as_ref() == Ok(self)
            }
        }
    )*};
}

same_for!(
    MakeCredentialInputs,
    MakeCredentialOutputs,
    GetAssertionInputs,
    GetAssertionOutputs,
    UnsignedGetAssertionOutputs
);

impl<'b> SameFor<'b> for UnsignedMakeCredentialOutputs {
    fn same(&self, bytes: &'b [u8]) -> bool {
        Self::parse(bytes).as_ref() == Ok(self)
    }
}

const SALTS: HmacSecretInput<'_> = HmacSecretInput {
    key_agreement: KeyAgreementKey {
        x: &[1; 32],
        y: &[2; 32],
    },
    salt_enc: &[3; 48],
    salt_auth: &[4; 32],
    pin_uv_auth_protocol: Some(2),
};

#[test]
fn all_extensions_survive_a_round_trip() {
    assert_round_trip(&MakeCredentialInputs {
        cred_blob: Some(b"blob"),
        large_blob: Some(LargeBlobCreation {
            support: LargeBlobSupport::Preferred,
        }),
        cred_protect: Some(CredProtect::UserVerificationRequired),
        hmac_secret: Some(true),
        large_blob_key: Some(true),
        min_pin_length: Some(true),
        hmac_secret_mc: Some(SALTS),
        third_party_payment: Some(true),
        pin_complexity_policy: Some(true),
    });
    assert_round_trip(&MakeCredentialOutputs {
        cred_blob: Some(true),
        cred_protect: Some(CredProtect::Other(9)),
        hmac_secret: Some(true),
        min_pin_length: Some(6),
        hmac_secret_mc: Some(&[5; 48]),
        pin_complexity_policy: Some(false),
    });
    assert_round_trip(&GetAssertionInputs {
        cred_blob: Some(true),
        large_blob: Some(LargeBlobInput {
            read: Some(true),
            write: Some(b"deflated"),
            original_size: Some(u64::MAX),
        }),
        hmac_secret: Some(SALTS),
        large_blob_key: Some(true),
        third_party_payment: Some(true),
    });
    assert_round_trip(&GetAssertionOutputs {
        cred_blob: Some(b""),
        hmac_secret: Some(&[5; 80]),
        third_party_payment: Some(false),
    });
    assert_round_trip(&UnsignedMakeCredentialOutputs {
        large_blob: Some(LargeBlobCreated { supported: true }),
    });
    assert_round_trip(&UnsignedGetAssertionOutputs {
        large_blob: Some(LargeBlobOutput {
            blob: Some(b"deflated"),
            written: Some(false),
            original_size: Some(9),
        }),
    });
}

#[test]
fn the_support_for_a_large_blob_is_a_word() {
    for (word, support) in [
        ("required", LargeBlobSupport::Required),
        ("preferred", LargeBlobSupport::Preferred),
        ("wished", LargeBlobSupport::Other("wished")),
    ] {
        assert_eq!(LargeBlobSupport::from(word), support);
        assert_eq!(<&str>::from(support), word);
    }
    let inputs = MakeCredentialInputs {
        large_blob: Some(LargeBlobCreation {
            support: LargeBlobSupport::Required,
        }),
        ..MakeCredentialInputs::default()
    };
    assert_eq!(
        encode(&inputs, &mut [0; 64]).unwrap(),
        b"\xa1\x69largeBlob\xa1\x67support\x68required"
    );
    assert_eq!(
        MakeCredentialInputs::parse(b"\xa1\x69largeBlob\xa0"),
        Err(Error::Missing {
            member: "support of largeBlob"
        })
    );
}

#[test]
fn an_unsigned_output_of_another_type_is_passed_over() {
    let odd = b"\xa2\x63new\x01\x69largeBlob\xa1\x69supported\x01";
    assert_eq!(
        UnsignedMakeCredentialOutputs::parse(odd),
        Ok(UnsignedMakeCredentialOutputs::default())
    );
    assert_eq!(
        UnsignedGetAssertionOutputs::parse(b"\xa1\x69largeBlob\x41A"),
        Ok(UnsignedGetAssertionOutputs::default())
    );
}

#[test]
fn protection_levels_survive_a_round_trip() {
    for level in 0..=u8::MAX {
        assert_eq!(u8::from(CredProtect::from(level)), level);
    }
}

#[test]
fn unknown_extensions_are_passed_over() {
    let inputs = MakeCredentialInputs::parse(b"\xa2\x63new\x81\x01\x68credBlob\x41B").unwrap();
    assert_eq!(inputs.cred_blob, Some(&b"B"[..]));
}

#[test]
fn an_input_of_another_type_is_refused_and_an_output_passed_over() {
    let odd = b"\xa1\x6bhmac-secret\x01";
    assert!(matches!(
        MakeCredentialInputs::parse(odd),
        Err(Error::Unexpected { .. })
    ));
    assert_eq!(
        MakeCredentialOutputs::parse(odd),
        Ok(MakeCredentialOutputs::default())
    );
}

#[test]
fn salts_without_their_mac_are_refused() {
    let mut buffer = [0; 256];
    let whole = encode(&SALTS, &mut buffer).unwrap();
    // Up to the MAC, as a map of two.
    let mut cut = whole[..whole.len() - 37].to_vec();
    cut[0] = 0xa2;
    assert_eq!(
        HmacSecretInput::parse(&cut),
        Err(Error::Missing {
            member: "saltAuth (0x03) of hmac-secret"
        })
    );
}
