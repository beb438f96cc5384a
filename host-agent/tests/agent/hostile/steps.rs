//! What is done to tokens that lie, one after the other.

use keysteward_proto::agent::v1 as proto;
use proto::{StepKey, lease_request::Request, step::Verb};

use crate::harness::{PIN, RP, delete, list, make_credential, set_pin};

/// For one step, in milliseconds. The agent adds what a token is given to answer CANCEL.
pub(super) const PATIENCE_MS: u32 = 500;

/// For an enrolment whose samples have no end, which shows after the 128th: on a machine that does
/// other things too they take longer than [`PATIENCE_MS`], and it is their number that is to end it.
/// What the test itself waits for ends sooner.
const PATIENCE_WITH_SAMPLES_MS: u32 = 60_000;

/// A step by its name, made of the id of the credential that the token made, or of another.
pub(super) type Step = (&'static str, fn(&[u8]) -> Request);

/// What is done to each token, one after the other.
pub(super) const STEPS: &[Step] = &[
    ("inspect", |_| verb(Verb::Inspect(proto::Inspect {}))),
    ("make", |_| make(PIN, true)),
    ("look", |id| {
        verb(Verb::LookForCredentials(proto::LookForCredentials {
            rp_id: RP.to_owned(),
            credential_ids: vec![id.to_vec(), vec![0xBB; 32]],
        }))
    }),
    ("prove", |id| prove(PIN, id)),
    ("list", |_| verb(list())),
    ("persist", |_| {
        verb(Verb::GrantPersistentToken(proto::GrantPersistentToken {
            pin: PIN.to_owned(),
        }))
    }),
    ("rename", |id| {
        verb(Verb::UpdateUser(proto::UpdateUser {
            pin: PIN.to_owned(),
            credential_id: id.to_vec(),
            user_name: "bob".to_owned(),
            user_display_name: String::new(),
            rp_id: String::new(),
        }))
    }),
    ("select", |_| verb(Verb::Select(proto::Select {}))),
    ("wink", |_| verb(Verb::Wink(proto::Wink {}))),
    ("write_blob", |id| {
        verb(Verb::WriteLargeBlob(proto::WriteLargeBlob {
            pin: PIN.to_owned(),
            credential_id: id.to_vec(),
            data: b"a certificate, say".to_vec(),
        }))
    }),
    ("blobs", |_| {
        verb(Verb::ListLargeBlobs(proto::ListLargeBlobs {
            pin: PIN.to_owned(),
        }))
    }),
    ("read_blob", |id| {
        verb(Verb::ReadLargeBlob(proto::ReadLargeBlob {
            pin: PIN.to_owned(),
            credential_id: id.to_vec(),
        }))
    }),
    ("delete_blob", |id| {
        verb(Verb::DeleteLargeBlob(proto::DeleteLargeBlob {
            pin: PIN.to_owned(),
            credential_id: id.to_vec(),
        }))
    }),
    ("fingers", |_| {
        verb(Verb::ListFingerprints(proto::ListFingerprints {
            pin: PIN.to_owned(),
        }))
    }),
    ("delete", |id| verb(delete(id))),
    ("configure", |_| {
        verb(Verb::Configure(proto::Configure {
            pin: PIN.to_owned(),
            min_pin_length: Some(6),
            ..proto::Configure::default()
        }))
    }),
    ("change_pin", |_| {
        verb(Verb::ChangePin(proto::ChangePin {
            current_pin: PIN.to_owned(),
            new_pin: "271828".to_owned(),
        }))
    }),
    ("raw", |_| raw()),
];

/// What is done to tokens that have no PIN yet.
pub(super) const STEPS_WITHOUT_A_PIN: &[Step] = &[
    ("register", |_| make("", false)),
    ("prove", |id| prove("", id)),
    ("set_pin", |_| verb(set_pin(PIN))),
];

pub(super) const fn verb(verb: Verb) -> Request {
    Request::Step(proto::Step {
        key: None,
        timeout_ms: PATIENCE_MS,
        verb: Some(verb),
        verification: proto::step::Verification::Unspecified as i32,
    })
}

/// getInfo, as bytes.
pub(super) fn raw() -> Request {
    Request::Raw(proto::Raw {
        key: None,
        request: vec![0x04],
        timeout_ms: PATIENCE_MS,
    })
}

/// The request, under a key of its own in the journal.
pub(super) fn keyed(request: Request, token: &str, step: &str) -> Request {
    let shows_by_number = step == "enroll" && token.starts_with("samples-");
    let key = Some(StepKey {
        operation_id: token.to_owned(),
        step: step.to_owned(),
        attempt: 1,
    });
    match request {
        Request::Step(step) => Request::Step(proto::Step {
            key,
            timeout_ms: match shows_by_number {
                true => PATIENCE_WITH_SAMPLES_MS,
                false => step.timeout_ms,
            },
            ..step
        }),
        Request::Raw(raw) => Request::Raw(proto::Raw { key, ..raw }),
        other => other,
    }
}

/// A credential that may own a large blob, or one that is not discoverable.
fn make(pin: &str, discoverable: bool) -> Request {
    verb(match make_credential() {
        Verb::MakeCredential(make) => Verb::MakeCredential(proto::MakeCredential {
            pin: pin.to_owned(),
            resident_key: discoverable,
            large_blob_key: discoverable,
            ..make
        }),
        other => other,
    })
}

fn prove(pin: &str, credential_id: &[u8]) -> Request {
    verb(Verb::ProveCredential(proto::ProveCredential {
        pin: pin.to_owned(),
        rp_id: RP.to_owned(),
        credential_id: credential_id.to_vec(),
        client_data_hash: vec![6; 32],
    }))
}

/// What is done to tokens with a fingerprint sensor.
pub(super) const STEPS_WITH_A_SENSOR: &[Step] = &[
    ("sensor", |_| {
        verb(Verb::DescribeFingerprintSensor(
            proto::DescribeFingerprintSensor {},
        ))
    }),
    ("enroll", |_| {
        verb(Verb::EnrollFingerprint(proto::EnrollFingerprint {
            pin: PIN.to_owned(),
            name: "thumb".to_owned(),
        }))
    }),
    ("fingers", |_| {
        verb(Verb::ListFingerprints(proto::ListFingerprints {
            pin: PIN.to_owned(),
        }))
    }),
    ("rename", |_| {
        verb(Verb::RenameFingerprint(proto::RenameFingerprint {
            pin: PIN.to_owned(),
            template_id: vec![0x0F; 16],
            name: "index".to_owned(),
        }))
    }),
    ("remove", |_| {
        verb(Verb::RemoveFingerprint(proto::RemoveFingerprint {
            pin: PIN.to_owned(),
            template_id: vec![0x0F; 16],
        }))
    }),
    // It waits until the token is back and looked at.
    ("reset", |_| {
        Request::Step(proto::Step {
            key: None,
            timeout_ms: 4 * PATIENCE_MS,
            verb: Some(Verb::Reset(proto::Reset {})),
            verification: proto::step::Verification::Unspecified as i32,
        })
    }),
];
