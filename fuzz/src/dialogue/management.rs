//! credentialManagement and authenticatorConfig. CTAP 2.3 §6.8, §6.11.

use keysteward_core::cbor::{Encode, Parse, Raw};
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::credential_management::{self, SubcommandParams};
use keysteward_core::ctap2::subcommand::authenticated_message;
use keysteward_core::ctap2::{
    Command, PublicKeyCredentialDescriptor, PublicKeyCredentialUserEntity, authenticator_config,
};

use super::credentials::user;
use super::{Auth, Facts, Key, Platform, Rp, Step, authenticate, send};

impl Platform {
    pub(super) fn manage(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        use credential_management::Subcommand as Management;
        let unknown = vec![0x77; 32];
        let id = |at: u8| self.ids.get(usize::from(at) % self.ids.len().max(1));
        let of = |at| PublicKeyCredentialDescriptor::new(id(at).unwrap_or(&unknown));
        let mut params = SubcommandParams::default();
        let (hash, user_id);
        let (sub_command, auth) = match *step {
            Step::Metadata { auth } => (Management::CredsMetadata, auth),
            Step::RelyingParties { auth } => (Management::EnumerateRpsBegin, auth),
            Step::NextRelyingParty => (Management::EnumerateRpsGetNextRp, Auth::None),
            Step::Credentials { rp, auth } => {
                hash = self.crypto.sha256(&[rp.id().as_bytes()]);
                params.rp_id_hash = Some(&hash);
                (Management::EnumerateCredentialsBegin, auth)
            }
            Step::NextCredential => (
                Management::EnumerateCredentialsGetNextCredential,
                Auth::None,
            ),
            Step::DeleteCredential { at, auth } => {
                params.credential_id = Some(of(at));
                (Management::DeleteCredential, auth)
            }
            Step::UpdateUser { at, user, auth } => {
                user_id = [user & 3; 4];
                params.credential_id = Some(of(at));
                params.user = Some(PublicKeyCredentialUserEntity {
                    id: &user_id,
                    name: Some("renamed"),
                    display_name: None,
                });
                (Management::UpdateUserInformation, auth)
            }
            ref other => unreachable!("{other:?} is no management"),
        };
        let mut room = [0; 512];
        let params = match params {
            SubcommandParams {
                rp_id_hash: None,
                credential_id: None,
                ..
            } => None,
            params => Some(Raw::encode_in(&params, &mut room).expect("the room")),
        };
        let prefix = credential_management::authenticated_prefix(sub_command);
        let parts = authenticated_message(&prefix, params);
        let (token, crypto) = (self.token.as_ref(), &mut self.crypto);
        let (param, protocol) = authenticate(token, crypto, auth, &parts);
        let request = credential_management::Request {
            sub_command,
            sub_command_params: params,
            pin_uv_auth_protocol: protocol,
            pin_uv_auth_param: param.as_deref(),
        };
        let answer = send(key, Command::CredentialManagement, Some(&request))?;
        if answer.is_empty() {
            return Ok(());
        }
        let answer = credential_management::Response::parse(&answer).expect("an answer");
        let count = |count: Option<u32>| count.map_or(u64::MAX, Into::into);
        facts.push((
            "existing",
            count(answer.existing_resident_credentials_count),
        ));
        facts.push(("totalRPs", count(answer.total_rps)));
        facts.push(("totalCredentials", count(answer.total_credentials)));
        if let Some(rp) = answer.rp {
            facts.push(("rp", rp.id.len() as u64));
            facts.push(("example.org", (rp.id == Rp::Org.id()).into()));
            let hash = self.crypto.sha256(&[rp.id.as_bytes()]);
            assert_eq!(answer.rp_id_hash, Some(&hash), "of {}", rp.id);
        }
        if let Some(credential) = answer.credential_id {
            facts.push(("credential", self.place(credential.id)));
            user(answer.user, facts);
            let key = answer.public_key.as_ref();
            let alg = key.map_or(0, |key| i64::from(key.algorithm()).unsigned_abs());
            facts.push(("alg", alg));
            facts.push(("credProtect", answer.cred_protect.unwrap_or(0).into()));
            facts.push(("largeBlobKey", answer.large_blob_key.is_some().into()));
        }
        Ok(())
    }

    pub(super) fn configure(
        &mut self,
        key: &mut dyn Key,
        sub_command: authenticator_config::Subcommand,
        params: Option<&dyn Encode>,
        auth: Auth,
    ) -> Result<(), u8> {
        let mut room = [0; 64];
        let params = params.map(|one| Raw::encode_in(one, &mut room).expect("the room"));
        let prefix = authenticator_config::authenticated_prefix(sub_command);
        let (param, protocol) = self.authenticate(auth, &authenticated_message(&prefix, params));
        let request = authenticator_config::Request {
            sub_command,
            sub_command_params: params,
            pin_uv_auth_protocol: protocol,
            pin_uv_auth_param: param.as_deref(),
        };
        send(key, Command::AuthenticatorConfig, Some(&request)).map(drop)
    }
}
