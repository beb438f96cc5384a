//! Every message, with any of its members, is read back as it was written.

#![allow(clippy::unwrap_used)]

use std::fmt::Debug;

use keysteward_core::cbor::{Encode, List, Parse, Raw, encode};
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, HmacSecretInput, LargeBlobCreated, LargeBlobCreation, LargeBlobInput,
    LargeBlobOutput, MakeCredentialInputs, UnsignedGetAssertionOutputs,
    UnsignedMakeCredentialOutputs,
};
use keysteward_core::ctap2::{
    LargeBlobKey, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity, authenticator_config,
    bio_enrollment, client_pin, credential_management, get_assertion, large_blobs, make_credential,
};
use keysteward_core::webauthn::attestation::Statement;
use keysteward_core::webauthn::cose::{Algorithm, Ec2Key, KeyAgreementKey, PublicKey, RsaKey};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// What the members of a message are made of. Each is there or not by a bit of `present`.
#[derive(Clone, Debug)]
struct Parts {
    present: u32,
    small: u8,
    number: u32,
    flag: bool,
    id: Vec<u8>,
    bytes: Vec<u8>,
    a: [u8; 32],
    b: [u8; 32],
    text: String,
    name: String,
    alg: i64,
    display_name: Option<String>,
    raw: Vec<u8>,
}

impl Parts {
    fn opt<T>(&self, bit: u32, value: T) -> Option<T> {
        (self.present >> bit & 1 == 1).then_some(value)
    }

    fn descriptor(&self) -> PublicKeyCredentialDescriptor<'_> {
        PublicKeyCredentialDescriptor {
            transports: self.opt(30, List::new(&["usb", "smart-card"])),
            ..PublicKeyCredentialDescriptor::new(&self.id)
        }
    }

    fn rp(&self) -> PublicKeyCredentialRpEntity<'_> {
        PublicKeyCredentialRpEntity {
            id: &self.text,
            name: self.opt(29, &self.name),
        }
    }

    fn user(&self) -> PublicKeyCredentialUserEntity<'_> {
        PublicKeyCredentialUserEntity {
            id: &self.id,
            name: self.opt(28, &self.name),
            display_name: self.display_name.as_deref(),
        }
    }

    fn agreement(&self) -> KeyAgreementKey<'_> {
        KeyAgreementKey {
            x: &self.a,
            y: &self.b,
        }
    }

    fn raw(&self) -> Raw<'_> {
        Raw::parse(&self.raw).unwrap()
    }
}

prop_compose! {
    fn parts()(
        (present, small, number, flag) in any::<(u32, u8, u32, bool)>(),
        id in vec(any::<u8>(), 1..300),
        bytes in vec(any::<u8>(), 0..300),
        (a, b) in any::<([u8; 32], [u8; 32])>(),
        text in ".{0,40}",
        name in ".{0,70}",
        alg in any::<i64>(),
        display_name in of(".{0,70}"),
        raw in prop_oneof![Just(vec![0xa0]), Just(b"\xa1\x68credBlob\xf5".to_vec())],
    ) -> Parts {
        Parts {
            present, small, number, flag, id, bytes, a, b, text, name, alg, display_name, raw,
        }
    }
}

fn survives<'b, T>(message: &T, buffer: &'b mut [u8])
where
    T: Encode + Parse<'b> + PartialEq + Debug,
{
    let bytes = encode(message, buffer).unwrap();
    assert_eq!(T::parse(bytes).as_ref(), Ok(message));
}

proptest! {
    #[test]
    fn make_credential_requests(p in parts(), q in parts()) {
        let parameters = [
            PublicKeyCredentialParameters::new(Algorithm::Es256),
            PublicKeyCredentialParameters::new(p.alg.into()),
        ];
        let excluded = [p.descriptor(), q.descriptor()];
        let request = make_credential::Request {
            client_data_hash: &p.a,
            rp: p.rp(),
            user: q.user(),
            pub_key_cred_params: List::new(&parameters),
            exclude_list: p.opt(0, List::new(&excluded)),
            extensions: p.opt(1, p.raw()),
            options: p.opt(2, make_credential::Options {
                rk: p.opt(3, p.flag),
                up: p.opt(4, q.flag),
                uv: q.opt(5, p.flag),
            }),
            pin_uv_auth_param: p.opt(6, &p.bytes),
            pin_uv_auth_protocol: p.opt(7, p.small),
            enterprise_attestation: p.opt(8, q.small),
            attestation_formats_preference: p.opt(9, List::new(&["packed", "none"])),
        };
        survives(&request, &mut [0; 8192]);
    }

    #[test]
    fn make_credential_responses(p in parts()) {
        let response = make_credential::Response {
            fmt: &p.text,
            auth_data: &p.bytes,
            att_stmt: p.opt(0, p.raw()),
            ep_att: p.opt(1, p.flag),
            large_blob_key: p.opt(2, LargeBlobKey(&p.a)),
            unsigned_extension_outputs: p.opt(3, p.raw()),
        };
        survives(&response, &mut [0; 8192]);
    }

    #[test]
    fn get_assertion_requests(p in parts(), q in parts()) {
        let allowed = [p.descriptor(), q.descriptor()];
        let request = get_assertion::Request {
            rp_id: &p.text,
            client_data_hash: &p.b,
            allow_list: p.opt(0, List::new(&allowed)),
            extensions: p.opt(1, q.raw()),
            options: p.opt(2, get_assertion::Options { rk: None, up: Some(false), uv: None }),
            pin_uv_auth_param: p.opt(3, &p.bytes),
            pin_uv_auth_protocol: p.opt(4, p.small),
        };
        survives(&request, &mut [0; 8192]);
    }

    #[test]
    fn get_assertion_responses(p in parts()) {
        let response = get_assertion::Response {
            credential: p.opt(0, p.descriptor()),
            auth_data: &p.bytes,
            signature: &p.id,
            user: p.opt(1, p.user()),
            number_of_credentials: p.opt(2, p.number),
            user_selected: p.opt(3, p.flag),
            large_blob_key: p.opt(4, LargeBlobKey(&p.b)),
            unsigned_extension_outputs: p.opt(5, p.raw()),
        };
        survives(&response, &mut [0; 8192]);
    }

    #[test]
    fn client_pin_requests(p in parts()) {
        let request = client_pin::Request {
            pin_uv_auth_protocol: p.opt(0, p.small),
            sub_command: p.small.into(),
            key_agreement: p.opt(1, p.agreement()),
            pin_uv_auth_param: p.opt(2, &p.a),
            new_pin_enc: p.opt(3, &p.bytes),
            pin_hash_enc: p.opt(4, &p.id),
            permissions: p.opt(5, Permissions(p.number)),
            rp_id: p.opt(6, &p.text),
        };
        survives(&request, &mut [0; 8192]);
    }

    #[test]
    fn client_pin_responses(p in parts()) {
        let response = client_pin::Response {
            key_agreement: p.opt(0, p.agreement()),
            pin_uv_auth_token: p.opt(1, &p.bytes),
            pin_retries: p.opt(2, p.small),
            power_cycle_state: p.opt(3, p.flag),
            uv_retries: p.opt(4, p.small),
        };
        survives(&response, &mut [0; 8192]);
    }

    #[test]
    fn credential_management_requests(p in parts(), q in parts()) {
        let params = credential_management::SubcommandParams {
            rp_id_hash: p.opt(0, &p.a),
            credential_id: p.opt(1, p.descriptor()),
            user: p.opt(2, q.user()),
        };
        survives(&params, &mut [0; 8192]);
        let mut buffer = [0; 8192];
        let params = Raw::encode_in(&params, &mut buffer).unwrap();
        let request = credential_management::Request {
            sub_command: p.small.into(),
            sub_command_params: p.opt(3, params),
            pin_uv_auth_protocol: p.opt(4, q.small),
            pin_uv_auth_param: p.opt(5, &p.b),
        };
        survives(&request, &mut [0; 8192]);
    }

    #[test]
    fn credential_management_responses(p in parts(), q in parts()) {
        let key = match p.small % 4 {
            0 => PublicKey::Es256 { x: &p.a, y: &p.b },
            1 => PublicKey::Ed25519 { x: &p.a },
            2 => PublicKey::Ec2(Ec2Key::new(Algorithm::Esp256, &p.a, &p.b).unwrap()),
            _ => PublicKey::Rsa(RsaKey::new(Algorithm::Rs256, &p.bytes, &p.id).unwrap()),
        };
        let response = credential_management::Response {
            existing_resident_credentials_count: p.opt(0, p.number),
            max_possible_remaining_resident_credentials_count: p.opt(1, q.number),
            rp: p.opt(2, p.rp()),
            rp_id_hash: p.opt(3, &p.a),
            total_rps: p.opt(4, p.number),
            user: p.opt(5, p.user()),
            credential_id: p.opt(6, q.descriptor()),
            public_key: p.opt(7, key),
            total_credentials: p.opt(8, q.number),
            cred_protect: p.opt(9, p.small),
            large_blob_key: p.opt(10, LargeBlobKey(&p.b)),
            third_party_payment: p.opt(11, p.flag),
        };
        survives(&response, &mut [0; 8192]);
    }

    #[test]
    fn bio_enrollment_requests(p in parts(), q in parts()) {
        let params = bio_enrollment::SubcommandParams {
            template_id: p.opt(0, &p.id),
            template_friendly_name: p.opt(1, &p.name),
            timeout_milliseconds: p.opt(2, p.number),
        };
        survives(&params, &mut [0; 8192]);
        let mut buffer = [0; 8192];
        let params = Raw::encode_in(&params, &mut buffer).unwrap();
        let request = bio_enrollment::Request {
            modality: p.opt(3, p.small.into()),
            sub_command: p.opt(4, q.small.into()),
            sub_command_params: p.opt(5, params),
            pin_uv_auth_protocol: p.opt(6, q.small),
            pin_uv_auth_param: p.opt(7, &p.b),
            get_modality: p.opt(8, p.flag),
        };
        survives(&request, &mut [0; 8192]);
    }

    #[test]
    fn bio_enrollment_responses(p in parts(), q in parts()) {
        let infos = [&p, &q].map(|one| bio_enrollment::TemplateInfo {
            template_id: &one.id,
            template_friendly_name: one.opt(0, &one.name),
        });
        let response = bio_enrollment::Response {
            modality: p.opt(1, p.small.into()),
            fingerprint_kind: p.opt(2, q.small.into()),
            max_capture_samples_required_for_enroll: p.opt(3, p.number),
            template_id: p.opt(4, &p.bytes),
            last_enroll_sample_status: p.opt(5, q.small.into()),
            remaining_samples: p.opt(6, q.number),
            template_infos: p.opt(7, List::new(&infos)),
            max_template_friendly_name: p.opt(8, p.number),
        };
        survives(&response, &mut [0; 8192]);
    }

    #[test]
    fn large_blobs_requests(p in parts(), q in parts()) {
        let request = large_blobs::Request {
            get: p.opt(0, p.number),
            set: p.opt(1, &p.bytes),
            offset: q.number,
            length: p.opt(2, q.number),
            pin_uv_auth_param: p.opt(3, &p.b),
            pin_uv_auth_protocol: p.opt(4, p.small),
        };
        survives(&request, &mut [0; 8192]);
        let response = large_blobs::Response { config: p.opt(5, &q.bytes) };
        survives(&response, &mut [0; 8192]);
    }

    #[test]
    fn extensions(p in parts(), q in parts()) {
        let salts = HmacSecretInput {
            key_agreement: p.agreement(),
            salt_enc: &p.bytes,
            salt_auth: &q.bytes,
            pin_uv_auth_protocol: p.opt(0, p.small),
        };
        survives(&MakeCredentialInputs {
            cred_blob: p.opt(1, &p.bytes),
            large_blob: p.opt(2, LargeBlobCreation { support: p.text.as_str().into() }),
            cred_protect: p.opt(3, p.small.into()),
            hmac_secret: p.opt(4, p.flag),
            large_blob_key: p.opt(5, q.flag),
            min_pin_length: p.opt(6, p.flag),
            hmac_secret_mc: p.opt(7, salts),
            third_party_payment: p.opt(8, q.flag),
            pin_complexity_policy: p.opt(9, p.flag),
        }, &mut [0; 8192]);
        survives(&GetAssertionInputs {
            cred_blob: q.opt(1, p.flag),
            large_blob: q.opt(2, LargeBlobInput {
                read: q.opt(3, q.flag),
                write: q.opt(4, &p.bytes),
                original_size: q.opt(5, p.number.into()),
            }),
            hmac_secret: q.opt(6, salts),
            large_blob_key: q.opt(7, q.flag),
            third_party_payment: q.opt(8, p.flag),
        }, &mut [0; 8192]);
        survives(&UnsignedMakeCredentialOutputs {
            large_blob: p.opt(10, LargeBlobCreated { supported: p.flag }),
        }, &mut [0; 64]);
        survives(&UnsignedGetAssertionOutputs {
            large_blob: p.opt(11, LargeBlobOutput {
                blob: p.opt(12, &p.bytes),
                written: p.opt(13, p.flag),
                original_size: p.opt(14, u64::MAX),
            }),
        }, &mut [0; 8192]);
    }

    #[test]
    fn attestation_statements(p in parts(), q in parts()) {
        let chain: [&[u8]; 2] = [&p.id, &q.id];
        let x5c = List::new(&chain[..usize::from(p.flag) + 1]);
        let (alg, sig) = (Algorithm::from(p.alg), &*p.bytes);
        for statement in [
            Statement::Packed { alg, sig, x5c: p.opt(0, x5c) },
            Statement::FidoU2f { sig, x5c },
            Statement::Tpm { ver: &p.text, alg, sig, x5c, cert_info: &q.bytes, pub_area: &q.id },
            Statement::AndroidKey { alg, sig, x5c },
            Statement::Apple { x5c },
        ] {
            let mut buffer = [0; 8192];
            let raw = Raw::encode_in(&statement, &mut buffer).unwrap();
            prop_assert_eq!(Statement::parse(statement.fmt(), raw), Ok(statement));
        }
    }

    #[test]
    fn authenticator_config_requests(p in parts(), q in parts()) {
        let rp_ids = [&*p.text, &*q.text];
        let params = authenticator_config::SetMinPinLength {
            new_min_pin_length: p.opt(0, p.number),
            min_pin_length_rp_ids: p.opt(1, List::new(&rp_ids)),
            force_change_pin: p.opt(2, p.flag),
            pin_complexity_policy: p.opt(3, q.flag),
        };
        survives(&params, &mut [0; 8192]);
        let mut buffer = [0; 8192];
        let params = Raw::encode_in(&params, &mut buffer).unwrap();
        let request = authenticator_config::Request {
            sub_command: p.small.into(),
            sub_command_params: p.opt(4, params),
            pin_uv_auth_protocol: p.opt(5, q.small),
            pin_uv_auth_param: p.opt(6, &p.b),
        };
        survives(&request, &mut [0; 8192]);
    }
}
