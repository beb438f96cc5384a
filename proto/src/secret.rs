//! `Debug` for messages with secrets: field names and sizes, never the secret.

use core::fmt;

use crate::{agent::v1, enrolment::v1 as enrolment, server::v1 as server};

const HIDDEN: &str = "<hidden>";

macro_rules! hidden {
    ($($message:path { shows $($shown:ident),* ; hides $($secret:ident),* })*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Names every field, so a new one that nobody classified fails to compile.
                let Self { $($shown,)* $($secret: _,)* } = self;
                f.debug_struct(stringify!($message))
                    $(.field(stringify!($shown), $shown))*
                    $(.field(stringify!($secret), &HIDDEN))*
                    .finish()
            }
        }
    )*};
}

hidden! {
    v1::ListCredentials { shows rp_id; hides pin, persistent_token }
    v1::SetPin { shows ; hides new_pin }
    v1::ChangePin { shows ; hides current_pin, new_pin }
    v1::Configure {
        shows min_pin_length, min_pin_length_rp_ids, force_pin_change, always_uv,
              enable_enterprise_attestation, enable_long_touch_for_reset,
              pin_complexity_policy;
        hides pin
    }
    v1::MakeCredential {
        shows rp_id, rp_name, client_data_hash, user_id, user_name, user_display_name,
              algorithms, resident_key, exclude_credential_ids, enterprise_attestation,
              cred_protect, hmac_secret, large_blob_key, min_pin_length,
              third_party_payment, attestation_formats;
        hides pin, cred_blob
    }
    v1::DeleteCredential { shows credential_id, rp_id; hides pin }
    v1::ProveCredential { shows rp_id, credential_id, client_data_hash; hides pin }
    v1::UpdateUser { shows credential_id, user_name, user_display_name, rp_id; hides pin }
    v1::GrantPersistentToken { shows ; hides pin }
    v1::ListFingerprints { shows ; hides pin }
    v1::EnrollFingerprint { shows name; hides pin }
    v1::RenameFingerprint { shows template_id, name; hides pin }
    v1::RemoveFingerprint { shows template_id; hides pin }
    v1::ListLargeBlobs { shows ; hides pin }
    v1::ReadLargeBlob { shows credential_id; hides pin }
    v1::WriteLargeBlob { shows credential_id; hides pin, data }
    v1::DeleteLargeBlob { shows credential_id; hides pin }
    v1::ReadIdentity { shows ; hides persistent_token }
    v1::VendorConfigure { shows vendor_command_id; hides pin, parameters }
    v1::PersistentTokenGranted { shows ; hides persistent_token }
    v1::LargeBlobRead { shows ; hides data }
    v1::Raw { shows key, timeout_ms; hides request }
    v1::RawResult { shows ; hides response }
    v1::CardRaw { shows key, timeout_ms; hides command }
    v1::CardRawResult { shows ; hides response }
    v1::AdminProof { shows algorithm, asks_caller; hides key }
    v1::AdminAnswer { shows ; hides witness, challenge }
    v1::ChangeAdminKey { shows current, new_algorithm; hides new_key }
    v1::ChangeCardPin { shows reference; hides current_pin, new_pin }
    v1::SetCardPin { shows admin; hides new_pin, puk }
    v1::SetPinTries { shows admin, pin_tries, puk_tries; hides pin }
    v1::Personalise { shows admin, card_id; hides new_pin, new_admin_key }
    v1::GenerateKey {
        shows admin, container, algorithm, pin_policy, touch_policy;
        hides pin
    }
    v1::SignCertificationRequest {
        shows container, certification_request_info, signature_algorithm;
        hides pin
    }
    v1::WriteCertificate { shows admin, container, certificate, is_default, guid; hides pin }
    v1::DeleteContainer { shows admin, container; hides pin }
    v1::ResetCard { shows admin, card_id; hides new_pin }
    v1::AnswerChallenge { shows ; hides response, new_pin }
    enrolment::EnrolRequest {
        shows certificate_request, facts, agent_version;
        hides join_token
    }
    server::CreateJoinTokenResponse { shows join_token; hides secret }
    server::CreateConnectionRequest {
        shows connection;
        hides api_key, pkcs12, pkcs12_password
    }
    server::HandOverPin { shows token; hides new_pin }
    server::Revoke { shows token, reason; hides pin }
    server::SetPin { shows token, applet; hides current_pin, new_pin }
    server::RevealPinResponse { shows ; hides pin, card_pin }
    server::ReleasePukResponse { shows ; hides puk }
    server::RenewCertificates { shows token, containers; hides pin }
    server::ReissueCertificates { shows token, containers, lose_old_decryption_key; hides pin }
    server::UnblockCard { shows token; hides new_pin }
    server::FactorySecrets { shows ; hides admin_key, pin, puk }
    server::CreateTokenTypeRequest { shows token_type, factory; hides }
    server::CreateApiKeyResponse { shows api_key; hides secret }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_request_does_not_show_its_pin() {
        let request = v1::ChangePin {
            current_pin: "314159".into(),
            new_pin: "271828".into(),
        };
        let printed = format!("{request:?}");
        assert!(
            !printed.contains("314159") && !printed.contains("271828"),
            "{printed}"
        );
        assert!(printed.contains("new_pin"), "{printed}");
    }

    #[test]
    fn a_printed_reset_does_not_show_the_pin_that_a_card_is_left_with() {
        let request = v1::ResetCard {
            new_pin: "314159".into(),
            card_id: vec![171; 16],
            ..v1::ResetCard::default()
        };
        let printed = format!("{request:?}");
        assert!(!printed.contains("314159"), "{printed}");
        assert!(printed.contains("171"), "{printed}");
    }

    #[test]
    fn a_printed_answer_does_not_show_what_proves_the_admin_key() {
        let request = v1::CardLeaseRequest {
            request: Some(v1::card_lease_request::Request::AdminAnswer(
                v1::AdminAnswer {
                    witness: vec![171; 8],
                    challenge: vec![205; 8],
                },
            )),
        };
        let printed = format!("{request:?}");
        assert!(
            !printed.contains("171") && !printed.contains("205"),
            "{printed}"
        );
        assert!(printed.contains("witness"), "{printed}");
    }

    #[test]
    fn a_printed_result_does_not_show_what_a_credential_carries() {
        let result = v1::StepResult {
            result: Some(v1::step_result::Result::LargeBlobRead(v1::LargeBlobRead {
                data: vec![171; 3],
            })),
        };
        let printed = format!("{result:?}");
        assert!(!printed.contains("171"), "{printed}");
        assert!(printed.contains("data"), "{printed}");
    }
}
