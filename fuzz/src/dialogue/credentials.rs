//! makeCredential, getAssertion and getNextAssertion. CTAP 2.3 §6.1 to §6.3.

use keysteward_core::cbor::{List, Parse, Raw};
use keysteward_core::ctap2::extension::{
    CredProtect, GetAssertionInputs, MakeCredentialInputs, MakeCredentialOutputs,
};
use keysteward_core::ctap2::{
    Command, PublicKeyCredentialDescriptor, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, get_assertion, make_credential,
};
use keysteward_core::webauthn::attestation::PACKED;
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;

use super::{Algorithms, Allow, Answer, Auth, Facts, HASH, Key, Options, Platform, Rp, Step, send};

impl Platform {
    pub(super) fn make_credential(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let Step::MakeCredential {
            rp,
            user,
            algorithms,
            options,
            auth,
            exclude,
            cred_protect,
            enterprise_attestation,
        } = *step
        else {
            unreachable!("the caller saw it");
        };
        let (param, protocol) = self.authenticate(auth, &[HASH]);
        let listed: Vec<_> = self.descriptors();
        let inputs = MakeCredentialInputs {
            cred_protect: cred_protect.map(CredProtect::from),
            ..MakeCredentialInputs::default()
        };
        let mut room = [0; 64];
        let inputs = Raw::encode_in(&inputs, &mut room).expect("the room");
        let id = [user & 3; 4];
        let plain = creation(rp, &id, algorithms);
        let request = make_credential::Request {
            user: PublicKeyCredentialUserEntity {
                name: Some("n"),
                ..plain.user
            },
            exclude_list: (exclude && !listed.is_empty()).then_some(List::new(&listed)),
            extensions: cred_protect.map(|_| inputs),
            options: options.member(),
            pin_uv_auth_param: param.as_deref(),
            pin_uv_auth_protocol: protocol,
            enterprise_attestation,
            ..plain
        };
        let answer = send(key, Command::MakeCredential, Some(&request))?;
        self.take_credential(&answer, facts);
        Ok(())
    }

    /// Makes a credential of ES256 with these extensions, and keeps it.
    pub(super) fn make_with(
        &mut self,
        inputs: &MakeCredentialInputs<'_>,
        wanted: Wanted,
        key: &mut dyn Key,
        facts: &mut Facts,
    ) -> Answer {
        let Wanted { rp, user, rk, auth } = wanted;
        let mut room = [0; 512];
        let inputs = Raw::encode_in(inputs, &mut room).expect("the room");
        let (param, protocol) = self.authenticate(auth, &[HASH]);
        let id = [user & 3; 4];
        let request = make_credential::Request {
            extensions: Some(inputs),
            options: Some(make_credential::Options {
                rk: Some(rk),
                ..make_credential::Options::default()
            }),
            pin_uv_auth_param: param.as_deref(),
            pin_uv_auth_protocol: protocol,
            ..creation(rp, &id, Algorithms::Es256)
        };
        let answer = send(key, Command::MakeCredential, Some(&request))?;
        self.take_credential(&answer, facts);
        Ok(answer)
    }

    pub(super) fn take_credential(&mut self, answer: &[u8], facts: &mut Facts) {
        let answer = make_credential::Response::parse(answer).expect("a credential");
        let data = AuthenticatorData::parse(answer.auth_data).expect("authenticator data");
        facts.push(("flags", data.flags_byte().into()));
        facts.push(("packed", (answer.fmt == PACKED).into()));
        facts.push(("epAtt", answer.ep_att.unwrap_or(false).into()));
        facts.push(("largeBlobKey", answer.large_blob_key.is_some().into()));
        let outputs = data.extensions.map(|outputs| {
            MakeCredentialOutputs::parse(outputs.bytes()).expect("outputs of extensions")
        });
        let outputs = outputs.unwrap_or_default();
        facts.push((
            "credProtect",
            outputs.cred_protect.map_or(0, u8::from).into(),
        ));
        let derives = outputs.hmac_secret.map_or(u64::MAX, u64::from);
        facts.push(("hmac-secret", derives));
        let length = outputs.min_pin_length.map_or(u64::MAX, u64::from);
        facts.push(("minPinLength", length));
        let made = data.attested_credential.expect("a credential");
        facts.push(("alg", i64::from(made.public_key.algorithm()).unsigned_abs()));
        self.ids.push(made.credential_id.to_vec());
    }

    pub(super) fn get_assertion(
        &mut self,
        key: &mut dyn Key,
        rp: Rp,
        allow: Allow,
        options: Options,
        auth: Auth,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let (param, protocol) = self.authenticate(auth, &[HASH]);
        let listed = self.listed(allow);
        let request = get_assertion::Request {
            options: options.member(),
            pin_uv_auth_param: param.as_deref(),
            pin_uv_auth_protocol: protocol,
            ..assertion(rp, &listed)
        };
        let answer = send(key, Command::GetAssertion, Some(&request))?;
        self.asserted(&answer, facts);
        Ok(())
    }

    /// Asserts with these extensions.
    pub(super) fn assert_with(
        &mut self,
        inputs: &GetAssertionInputs<'_>,
        asked: Asked,
        key: &mut dyn Key,
    ) -> Answer {
        let Asked { rp, allow, auth } = asked;
        let mut room = vec![0; 6000];
        let inputs = Raw::encode_in(inputs, &mut room).expect("the room");
        let (param, protocol) = self.authenticate(auth, &[HASH]);
        let listed = self.listed(allow);
        let request = get_assertion::Request {
            extensions: Some(inputs),
            pin_uv_auth_param: param.as_deref(),
            pin_uv_auth_protocol: protocol,
            ..assertion(rp, &listed)
        };
        send(key, Command::GetAssertion, Some(&request))
    }

    pub(super) fn asserted(&self, answer: &[u8], facts: &mut Facts) {
        let answer = get_assertion::Response::parse(answer).expect("an assertion");
        let data = AuthenticatorData::parse(answer.auth_data).expect("authenticator data");
        facts.push(("flags", data.flags_byte().into()));
        let count = answer.number_of_credentials.unwrap_or(1);
        facts.push(("numberOfCredentials", count.into()));
        facts.push(("userSelected", answer.user_selected.unwrap_or(false).into()));
        facts.push(("largeBlobKey", answer.large_blob_key.is_some().into()));
        // A key may leave away the only one that was named.
        if let Some(credential) = answer.credential {
            facts.push(("credential", self.place(credential.id)));
        }
        user(answer.user, facts);
    }

    /// Which of those that were made this is.
    pub(super) fn place(&self, id: &[u8]) -> u64 {
        let place = self.ids.iter().position(|one| one == id);
        place.map_or(u64::MAX, |place| place as u64)
    }

    pub(super) fn listed(&self, allow: Allow) -> Vec<PublicKeyCredentialDescriptor<'_>> {
        match allow {
            Allow::None => Vec::new(),
            Allow::Known => self.descriptors(),
            Allow::Unknown => vec![PublicKeyCredentialDescriptor::new(&[0x77; 32])],
        }
    }

    fn descriptors(&self) -> Vec<PublicKeyCredentialDescriptor<'_>> {
        let last = self.ids.iter().rev().take(4);
        last.map(|id| PublicKeyCredentialDescriptor::new(id))
            .collect()
    }
}

/// Whose credential is made, and how.
pub(super) struct Wanted {
    pub(super) rp: Rp,
    pub(super) user: u8,
    pub(super) rk: bool,
    pub(super) auth: Auth,
}

/// Whose credential asserts, and how.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) rp: Rp,
    pub(super) allow: Allow,
    pub(super) auth: Auth,
}

/// A request without anything that may be left out.
fn creation(rp: Rp, id: &[u8], algorithms: Algorithms) -> make_credential::Request<'_> {
    make_credential::Request {
        client_data_hash: HASH,
        rp: PublicKeyCredentialRpEntity {
            id: rp.id(),
            name: None,
        },
        user: PublicKeyCredentialUserEntity {
            id,
            name: None,
            display_name: None,
        },
        pub_key_cred_params: algorithms.list(),
        exclude_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    }
}

/// The same for an assertion.
fn assertion<'a>(
    rp: Rp,
    listed: &'a [PublicKeyCredentialDescriptor<'a>],
) -> get_assertion::Request<'a> {
    get_assertion::Request {
        rp_id: rp.id(),
        client_data_hash: HASH,
        allow_list: (!listed.is_empty()).then_some(List::new(listed)),
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    }
}

/// Whose it is, and how much of their names is told.
pub(super) fn user(user: Option<PublicKeyCredentialUserEntity<'_>>, facts: &mut Facts) {
    let id = user.and_then(|user| user.id.first());
    facts.push(("user", id.map_or(u64::MAX, |byte| u64::from(*byte))));
    let length = |name: Option<&str>| name.map_or(u64::MAX, |name| name.len() as u64);
    facts.push(("name", length(user.and_then(|user| user.name))));
    let display_name = user.and_then(|user| user.display_name);
    facts.push(("displayName", length(display_name)));
}
