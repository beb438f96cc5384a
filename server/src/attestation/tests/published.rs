//! Attestations that others published: the test vectors of WebAuthn Level 3, and
//! what real tokens, phones and laptops said. Each names its source in
//! `published.json`; `root` is a root of its maker, or the last certificate of its
//! own chain where no root was published.

use super::*;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

#[derive(Deserialize)]
struct Published {
    name: String,
    source: String,
    rp_id: String,
    /// When the certificates were valid.
    at: Timestamp,
    root: Option<String>,
    client_data_hash: String,
    attestation_object: String,
}

impl Published {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("published.json")).unwrap()
    }

    fn named(name: &str) -> Self {
        let mut all = Self::all().into_iter();
        all.find(|published| published.name == name).unwrap()
    }

    fn object(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(&self.attestation_object).unwrap()
    }

    fn hash(&self) -> [u8; 32] {
        hex::decode(&self.client_data_hash)
            .unwrap()
            .try_into()
            .unwrap()
    }

    fn verify(&self) -> Result<VerifiedAttestation, Refusal> {
        self.verify_object(&self.object(), &self.hash())
    }

    fn verify_object(
        &self,
        object: &[u8],
        hash: &[u8; 32],
    ) -> Result<VerifiedAttestation, Refusal> {
        let expected = Expected {
            rp_id: &self.rp_id,
            user_verified: false,
            algorithms: &[-7, -8, -35, -257],
            ..EXPECTED
        };
        let itself = Unrooted {
            none: false,
            itself: self.root.is_none(),
        };
        let trust = Trust::new(self.root.as_slice(), itself).unwrap();
        verify(object, hash, &expected, &trust, self.at)
    }
}

#[test]
fn published_attestations_are_proven() {
    let mut formats = Vec::new();
    for published in Published::all() {
        assert!(!published.source.is_empty());
        let verified = match (published.name.as_str(), published.verify()) {
            // Its authenticator has an AAGUID, which a U2F key cannot have (CTAP 2.3 §7.1).
            ("w3c fido-u2f", refused) => {
                assert!(matches!(refused, Err(Refusal::AaguidNotZero { .. })));
                continue;
            }
            // Its lists of authorizations are empty: nobody generated the key.
            ("w3c android-key", refused) => {
                let fault = AndroidKeyFault::NotGenerated;
                assert_eq!(refused, Err(Refusal::AndroidKey(fault)));
                continue;
            }
            (name, Err(refusal)) => panic!("{name}: {refusal}"),
            (_, Ok(verified)) => verified,
        };
        let proof = verified.proof();
        if published.root.is_some() {
            assert!(matches!(proof, Proof::Root { .. }), "{}", published.name);
        } else {
            assert_eq!(*proof, Proof::Itself, "{}", published.name);
        }
        formats.push(verified.format().to_owned());
    }
    formats.sort();
    formats.dedup();
    assert_eq!(
        formats,
        ["android-key", "apple", "fido-u2f", "packed", "tpm"]
    );
}

#[test]
fn a_published_attestation_is_for_its_own_challenge_only() {
    for published in Published::all() {
        let mut hash = published.hash();
        hash[31] ^= 1;
        assert!(
            published.verify_object(&published.object(), &hash).is_err(),
            "{}",
            published.name
        );
    }
}

#[test]
fn a_published_attestation_that_was_changed_or_cut_short_is_refused() {
    // One certificate below a root of ours: no byte is without meaning.
    let vectors = Published::all().into_iter();
    for published in vectors.filter(|published| published.name.starts_with("w3c")) {
        let (object, hash) = (published.object(), published.hash());
        // Every place costs a signature check; an odd step meets every member.
        for at in (0..object.len()).step_by(7) {
            let mut changed = object.clone();
            changed[at] ^= 0x01;
            let accepted = published.verify_object(&changed, &hash);
            assert!(accepted.is_err(), "{} at {at}", published.name);
            let short = published.verify_object(&object[..at], &hash);
            assert!(short.is_err(), "{} cut at {at}", published.name);
        }
    }
}

#[test]
fn a_real_tpm_signs_with_sha_1_and_its_certificates_do_not() {
    let laptop = Published::named("tpm, Dell XPS 13");
    assert!(laptop.verify().is_ok());
    let expired = Published {
        at: "2026-11-21T12:00:00Z".parse().unwrap(),
        ..laptop
    };
    assert!(matches!(expired.verify(), Err(Refusal::Expired { .. })));
}

#[test]
fn a_real_phone_leads_over_five_certificates_to_a_root_of_its_maker() {
    let phone = Published::named("android-key, Pixel 8a");
    let verified = phone.verify().unwrap();
    assert!(
        verified
            .to_string()
            .ends_with("serialNumber=f92009e853b6b045"),
        "{verified}"
    );
    let stranger = Published {
        root: Some(Maker::new().root),
        ..phone
    };
    assert_eq!(stranger.verify(), Err(Refusal::UnknownRoot));
}
