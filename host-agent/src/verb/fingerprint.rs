//! A digest by which a repeated request is known, without its secret fields.
//!
//! Were a PIN part of it, a stolen disk would be an oracle: four digits are soon tried.

use sha2::{Digest as _, Sha256};

use super::{
    Request, card,
    request::{Configure, MakeCredential},
};

/// Of everything but PINs, keys and raw bytes. Two requests under one key that differ in a PIN alone are
/// taken for one.
pub(super) fn fingerprint(request: &Request) -> [u8; 32] {
    let mut digest = Fields(Sha256::new());
    digest.text("keysteward step v1");
    digest.text(request.verb().as_str());
    match request {
        Request::Inspect
        | Request::Select
        | Request::SetPin { new_pin: _ }
        | Request::ChangePin {
            current_pin: _,
            new_pin: _,
        }
        | Request::Reset
        | Request::Wink
        | Request::GrantPersistentToken { verification: _ }
        | Request::DescribeFingerprintSensor
        | Request::ListFingerprints { verification: _ }
        | Request::ListLargeBlobs { verification: _ } => {}
        Request::LookForCredentials {
            rp_id,
            credential_ids,
        } => {
            digest.text(rp_id);
            digest.list(credential_ids);
        }
        Request::ListCredentials {
            verification: _,
            persistent_token: _,
            rp_id,
        } => digest.text(rp_id.as_deref().unwrap_or_default()),
        Request::Configure(configure) => digest.configure(configure),
        Request::MakeCredential(make) => digest.make(make),
        Request::DeleteCredential {
            verification: _,
            credential_id,
            rp_id: _,
        } => digest.bytes(credential_id),
        Request::ProveCredential {
            verification: _,
            rp_id,
            credential_id,
            client_data_hash,
        } => {
            digest.text(rp_id);
            digest.bytes(credential_id);
            digest.bytes(client_data_hash);
        }
        Request::UpdateUser {
            verification: _,
            credential_id,
            rp_id: _,
            user,
        } => {
            digest.bytes(credential_id);
            digest.text(&user.name);
            digest.text(&user.display_name);
        }
        Request::EnrollFingerprint {
            verification: _,
            name,
        } => digest.text(name),
        Request::RenameFingerprint {
            verification: _,
            template_id,
            name,
        } => {
            digest.bytes(template_id);
            digest.text(name);
        }
        Request::RemoveFingerprint {
            verification: _,
            template_id,
        } => digest.bytes(template_id),
        // What is in a blob may be a secret that can be tried; its length is not.
        Request::WriteLargeBlob {
            verification: _,
            credential_id,
            data,
        } => {
            digest.bytes(credential_id);
            digest.number(data.len() as u64);
        }
        Request::ReadLargeBlob {
            verification: _,
            credential_id,
        }
        | Request::DeleteLargeBlob {
            verification: _,
            credential_id,
        } => digest.bytes(credential_id),
        Request::ReadIdentity {
            persistent_token: _,
        } => {}
        // What the parameters say may be a secret that can be tried; which there are is not.
        Request::VendorConfigure(vendor) => {
            digest.number(vendor.vendor_command_id);
            digest.number(vendor.parameters.len() as u64);
            for (key, _) in &vendor.parameters {
                digest.number((*key).into());
            }
        }
        // The rest may be a PIN in a form that can be tried.
        Request::Raw(bytes) => digest.bytes(bytes.get(..1).unwrap_or_default()),
        Request::Card(request) => card::fingerprint(&mut digest, request),
    }
    digest.0.finalize().into()
}

/// Each field with its length in front, so that no two requests give the same bytes.
pub(super) struct Fields(Sha256);

impl Fields {
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn list<T: AsRef<[u8]>>(&mut self, items: &[T]) {
        self.number(items.len() as u64);
        for item in items {
            self.bytes(item.as_ref());
        }
    }

    fn configure(&mut self, configure: &Configure) {
        let Configure {
            verification: _,
            min_pin_length,
            min_pin_length_rp_ids,
            force_pin_change,
            always_uv,
            enable_enterprise_attestation,
            enable_long_touch_for_reset,
            pin_complexity_policy,
        } = configure;
        self.number(min_pin_length.map_or(0, |length| u64::from(length) + 1));
        self.list(min_pin_length_rp_ids);
        self.number(u64::from(*force_pin_change));
        self.number(always_uv.map_or(0, |wanted| u64::from(wanted) + 1));
        self.number(u64::from(*enable_enterprise_attestation));
        // Left out where they ask for nothing: an older agent's records know no such members.
        if *enable_long_touch_for_reset || pin_complexity_policy.is_some() {
            self.number(u64::from(*enable_long_touch_for_reset));
            self.number(pin_complexity_policy.map_or(0, |wanted| u64::from(wanted) + 1));
        }
    }

    fn make(&mut self, make: &MakeCredential) {
        let MakeCredential {
            verification: _,
            rp_id,
            rp_name,
            client_data_hash,
            user_id,
            user_name,
            user_display_name,
            algorithms,
            resident_key,
            exclude_credential_ids,
            enterprise_attestation,
            cred_protect,
            hmac_secret,
            large_blob_key,
            cred_blob,
            min_pin_length,
            third_party_payment,
            attestation_formats,
        } = make;
        for text in [rp_id, rp_name, user_name, user_display_name] {
            self.text(text);
        }
        self.bytes(client_data_hash);
        self.bytes(user_id);
        self.number(algorithms.len() as u64);
        for algorithm in algorithms {
            self.bytes(&algorithm.to_be_bytes());
        }
        self.number(u64::from(*resident_key));
        self.list(exclude_credential_ids);
        self.number(enterprise_attestation.map_or(0, u64::from));
        self.number(cred_protect.map_or(0, u64::from));
        let extensions = [
            *hmac_secret,
            *large_blob_key,
            *min_pin_length,
            *third_party_payment,
            !cred_blob.is_empty(),
            !attestation_formats.is_empty(),
        ];
        // As above.
        if extensions.contains(&true) {
            for wanted in extensions {
                self.number(u64::from(wanted));
            }
            // What is in a blob may be a secret that can be tried; its length is not.
            self.number(cred_blob.len() as u64);
            self.list(attestation_formats);
        }
    }
}

#[cfg(test)]
mod tests {
    use keysteward_core::pin_protocol::Pin;
    use zeroize::Zeroizing;

    use super::*;
    use crate::verb::Verification;

    fn pin(text: &str) -> Pin {
        Pin::new(text).unwrap()
    }

    fn delete(pin_text: &str, id: u8) -> Request {
        Request::DeleteCredential {
            verification: Verification::Pin(pin(pin_text)),
            credential_id: vec![id],
            rp_id: String::new(),
        }
    }

    fn look(rp_id: &str, ids: &[&[u8]]) -> Request {
        Request::LookForCredentials {
            rp_id: rp_id.to_owned(),
            credential_ids: ids.iter().map(|id| id.to_vec()).collect(),
        }
    }

    #[test]
    fn a_pin_leaves_no_mark() {
        assert_eq!(
            fingerprint(&delete("1234", 1)),
            fingerprint(&delete("9999", 1))
        );
        let change = |current: &str, new: &str| {
            fingerprint(&Request::ChangePin {
                current_pin: pin(current),
                new_pin: pin(new),
            })
        };
        assert_eq!(change("1234", "5678"), change("8765", "4321"));
        let raw = |bytes: &[u8]| fingerprint(&Request::Raw(Zeroizing::new(bytes.to_vec())));
        assert_eq!(raw(&[6, 1, 2]), raw(&[6, 3, 4]));
    }

    #[test]
    fn any_other_field_tells_requests_apart() {
        assert_ne!(
            fingerprint(&delete("1234", 1)),
            fingerprint(&delete("1234", 2))
        );
        assert_ne!(
            fingerprint(&Request::Inspect),
            fingerprint(&Request::Select)
        );
        assert_ne!(
            fingerprint(&look("a.example", &[b"12", b"3"])),
            fingerprint(&look("a.example", &[b"1", b"23"]))
        );
        let raw = |bytes: &[u8]| fingerprint(&Request::Raw(Zeroizing::new(bytes.to_vec())));
        assert_ne!(raw(&[1]), raw(&[2]));
    }

    #[test]
    fn every_member_of_a_configuration_counts() {
        let configure = |change: fn(&mut Configure)| {
            let mut configure = Configure {
                verification: None,
                min_pin_length: None,
                min_pin_length_rp_ids: Vec::new(),
                force_pin_change: false,
                always_uv: None,
                enable_enterprise_attestation: false,
                enable_long_touch_for_reset: false,
                pin_complexity_policy: None,
            };
            change(&mut configure);
            fingerprint(&Request::Configure(configure))
        };
        let all = [
            configure(|_| {}),
            configure(|c| c.min_pin_length = Some(0)),
            configure(|c| c.min_pin_length = Some(6)),
            configure(|c| c.min_pin_length_rp_ids = vec!["a.example".into()]),
            configure(|c| c.force_pin_change = true),
            configure(|c| c.always_uv = Some(false)),
            configure(|c| c.always_uv = Some(true)),
            configure(|c| c.enable_enterprise_attestation = true),
            configure(|c| c.enable_long_touch_for_reset = true),
            configure(|c| c.pin_complexity_policy = Some(false)),
            configure(|c| c.pin_complexity_policy = Some(true)),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
