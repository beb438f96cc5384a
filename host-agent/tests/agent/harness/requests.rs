//! What is asked for in many tests.

use keysteward_proto::agent::v1 as proto;
use proto::{StepKey, step::Verb};

use super::{PIN, RP, USER};

/// First attempt of `step`, of the one operation of these tests.
pub(crate) fn key(step: &str) -> StepKey {
    StepKey {
        operation_id: "operation".to_owned(),
        step: step.to_owned(),
        attempt: 1,
    }
}

pub(crate) fn set_pin(pin: &str) -> Verb {
    Verb::SetPin(proto::SetPin {
        new_pin: pin.to_owned(),
    })
}

pub(crate) fn make_credential() -> Verb {
    Verb::MakeCredential(proto::MakeCredential {
        pin: PIN.to_owned(),
        rp_id: RP.to_owned(),
        rp_name: "Example".to_owned(),
        client_data_hash: vec![5; 32],
        user_id: USER.to_vec(),
        user_name: "alice".to_owned(),
        user_display_name: "Alice".to_owned(),
        algorithms: vec![-7],
        resident_key: true,
        ..proto::MakeCredential::default()
    })
}

pub(crate) fn delete(credential_id: &[u8]) -> Verb {
    Verb::DeleteCredential(proto::DeleteCredential {
        pin: PIN.to_owned(),
        credential_id: credential_id.to_vec(),
        rp_id: RP.to_owned(),
    })
}

pub(crate) fn list() -> Verb {
    Verb::ListCredentials(proto::ListCredentials {
        pin: PIN.to_owned(),
        rp_id: String::new(),
        ..proto::ListCredentials::default()
    })
}
