//! A security key as far as operations can tell: a PIN, credentials, refusals.

use keysteward_core::{
    cbor::{Encode as _, List, Writer},
    crypto::{Crypto as _, RustCrypto},
    ctap2::get_info,
};
use keysteward_proto::agent::v1::{
    self as agent, StepError, StepResult, step::Verb, step_error::Code, step_result::Result as Told,
};
use rand::{RngCore as _, rngs::OsRng};
use sha2::{Digest as _, Sha256};

pub(super) const AAGUID: [u8; 16] = *b"keysteward-tests";

/// What a key says of itself that tells its holder who it is. CTAP 2.3 section 6.4.
fn told() -> Vec<u8> {
    let versions = List::new(&["FIDO_2_3"]);
    let mut response = get_info::Response::new(versions, &AAGUID);
    response.enc_identifier = Some(&[7; 32]);
    let mut buffer = [0; 256];
    let mut writer = Writer::new(&mut buffer);
    response.encode(&mut writer).unwrap();
    writer.written().to_vec()
}

/// What is on the key.
#[derive(Default)]
pub(super) struct Key {
    pub(super) pin: Option<String>,
    pub(super) credentials: Vec<agent::Credential>,
    pub(super) retries: u32,
    pub(super) min_pin_length: u32,
    pub(super) force_change: bool,
    /// Enterprise attestation is there, and switched on. Yet it gives none.
    pub(super) ep: Option<bool>,
    /// No credentialManagement.
    pub(super) cannot_list: bool,
    /// Every PIN it ever had, for the search of the database.
    pub(super) pins: Vec<String>,
    /// Credentials ever made.
    pub(super) made: usize,
}

pub(super) fn refusal(code: Code, message: &str) -> StepError {
    StepError {
        code: code.into(),
        message: message.into(),
        ..StepError::default()
    }
}

impl Key {
    pub(super) fn new() -> Self {
        Self {
            retries: 8,
            min_pin_length: 4,
            ..Self::default()
        }
    }

    /// Does what an agent would have it do.
    pub(super) fn handle(&mut self, verb: Verb) -> Result<StepResult, StepError> {
        let told = match verb {
            Verb::Inspect(_) => Told::Inspected(agent::Inspected {
                pin_retries: self.retries,
                power_cycle_needed: false,
                pin_set: self.pin.is_some(),
                get_info: told(),
                uv_retries: Some(3),
            }),
            Verb::LookForCredentials(asked) => Told::FoundCredentials(agent::FoundCredentials {
                credential_ids: self
                    .credentials
                    .iter()
                    .map(|c| c.credential_id.clone())
                    .filter(|id| asked.credential_ids.contains(id))
                    .collect(),
            }),
            Verb::ListCredentials(_) if self.cannot_list => {
                return Err(refusal(Code::NotSupported, "the key lists no credentials"));
            }
            Verb::ListCredentials(asked) => {
                self.verify(&asked.pin)?;
                let listed =
                    |c: &&agent::Credential| asked.rp_id.is_empty() || c.rp_id == asked.rp_id;
                Told::CredentialList(agent::CredentialList {
                    credentials: self.credentials.iter().filter(listed).cloned().collect(),
                    existing: 0,
                    max_remaining: 20,
                })
            }
            Verb::SetPin(asked) => {
                if self.pin.is_some() {
                    return Err(refusal(Code::PinAlreadySet, "the key has a PIN"));
                }
                self.take_pin(asked.new_pin)?;
                done()
            }
            Verb::ChangePin(asked) => {
                self.verify(&asked.current_pin)?;
                self.take_pin(asked.new_pin)?;
                self.force_change = false;
                done()
            }
            Verb::Configure(asked) => {
                self.verify(&asked.pin)?;
                self.min_pin_length = asked.min_pin_length.unwrap_or(self.min_pin_length);
                self.force_change |= asked.force_pin_change;
                if asked.enable_enterprise_attestation {
                    self.ep = Some(true);
                }
                done()
            }
            Verb::MakeCredential(asked) => self.make(&asked)?,
            Verb::DeleteCredential(asked) => {
                self.verify(&asked.pin)?;
                let before = self.credentials.len();
                self.credentials
                    .retain(|c| c.credential_id != asked.credential_id);
                if self.credentials.len() == before {
                    return Err(refusal(Code::CredentialNotFound, "no such credential"));
                }
                done()
            }
            Verb::Reset(_) => {
                *self = Self {
                    pins: std::mem::take(&mut self.pins),
                    made: self.made,
                    ..Self::new()
                };
                done()
            }
            _ => {
                return Err(refusal(Code::NotSupported, "not asked of it here"));
            }
        };
        Ok(StepResult { result: Some(told) })
    }

    fn verify(&mut self, pin: &str) -> Result<(), StepError> {
        if self.retries == 0 {
            return Err(refusal(Code::PinBlocked, "the PIN is blocked"));
        }
        match &self.pin {
            None => Err(refusal(Code::PinNotSet, "the key has no PIN")),
            Some(own) if own == pin => {
                self.retries = 8;
                Ok(())
            }
            Some(_) => {
                self.retries -= 1;
                Err(StepError {
                    pin_retries: Some(self.retries),
                    ..refusal(Code::PinInvalid, "the PIN is wrong")
                })
            }
        }
    }

    fn take_pin(&mut self, pin: String) -> Result<(), StepError> {
        if pin.len() < self.min_pin_length as usize {
            return Err(StepError {
                rule: "minimum length".into(),
                ..refusal(Code::PinPolicyViolation, "the PIN is too short")
            });
        }
        self.pins.push(pin.clone());
        self.pin = Some(pin);
        Ok(())
    }

    fn make(&mut self, asked: &agent::MakeCredential) -> Result<Told, StepError> {
        self.verify(&asked.pin)?;
        let excluded =
            |c: &agent::Credential| asked.exclude_credential_ids.contains(&c.credential_id);
        if self.credentials.iter().any(excluded) {
            return Err(refusal(Code::CredentialExcluded, "there already"));
        }
        let mut crypto = RustCrypto(OsRng);
        let private = crypto.p256_generate().unwrap();
        let public = crypto.p256_public(&private).unwrap();
        let mut cose = vec![0xA5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend_from_slice(&public.x);
        cose.extend_from_slice(&[0x22, 0x58, 0x20]);
        cose.extend_from_slice(&public.y);
        let mut id = vec![0; 32];
        OsRng.fill_bytes(&mut id);
        let mut data = Sha256::digest(asked.rp_id.as_bytes()).to_vec();
        // User present, verified, attested credential data.
        data.push(0x45);
        data.extend_from_slice(&1_u32.to_be_bytes());
        data.extend_from_slice(&AAGUID);
        data.extend_from_slice(&32_u16.to_be_bytes());
        data.extend_from_slice(&id);
        data.extend_from_slice(&cose);
        let mut object = b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend_from_slice(&data);
        // As CTAP has it: one credential per relying party and user.
        self.credentials
            .retain(|c| c.rp_id != asked.rp_id || c.user_id != asked.user_id);
        self.credentials.push(agent::Credential {
            rp_id: asked.rp_id.clone(),
            credential_id: id.clone(),
            user_id: asked.user_id.clone(),
            public_key: cose,
            ..agent::Credential::default()
        });
        self.made += 1;
        Ok(Told::CredentialMade(agent::CredentialMade {
            attestation_object: object,
            credential_id: id,
            enterprise_attestation: false,
        }))
    }
}

fn done() -> Told {
    Told::Done(agent::Done {})
}
