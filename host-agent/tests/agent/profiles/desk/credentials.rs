//! Credentials: made, listed, renamed, proved, deleted.

use keysteward_core::{
    crypto::RustCrypto,
    webauthn::{attestation::AttestationObject, authenticator_data::AuthenticatorData},
};
use keysteward_proto::agent::v1 as proto;
use proto::{step::Verb, step_result::Result as Answer};
use rand_core::OsRng;

use super::{Desk, Did, NEW_PIN, Undone, holds, unexpected};
use crate::harness::{RP, USER, delete, list, make_credential};

/// One that was made.
pub(super) struct Credential {
    pub(super) id: Vec<u8>,
    attestation_object: Vec<u8>,
}

impl Credential {
    fn has_signed(&self, signed: &[&[u8]], signature: &[u8]) -> bool {
        let object = AttestationObject::parse(&self.attestation_object).unwrap();
        let data = AuthenticatorData::parse(object.auth_data).unwrap();
        let public_key = data.attested_credential.unwrap().public_key;
        public_key
            .verify(&RustCrypto(OsRng), signed, signature)
            .is_ok()
    }
}

impl Desk {
    async fn makes_one(
        &mut self,
        user: &[u8],
        change: impl FnOnce(&mut proto::MakeCredential),
    ) -> Result<Credential, Undone> {
        let Verb::MakeCredential(mut make) = make_credential() else {
            return Err(Undone::Nothing);
        };
        make.pin = NEW_PIN.to_owned();
        make.user_id = user.to_vec();
        change(&mut make);
        let made = match self.step(Verb::MakeCredential(make)).await? {
            Answer::CredentialMade(made) => made,
            other => return Err(unexpected(&other)),
        };
        Ok(Credential {
            id: made.credential_id,
            attestation_object: made.attestation_object,
        })
    }

    pub(super) async fn makes(&mut self) -> Did {
        let before = self.key.credentials();
        self.made = Some(self.makes_one(USER, |_| {}).await?);
        holds("one more is stored", self.key.credentials() == before + 1)
    }

    pub(super) async fn makes_an_owner_of_a_blob(&mut self) -> Did {
        let with_key = |make: &mut proto::MakeCredential| make.large_blob_key = true;
        self.owner = Some(self.makes_one(b"owner", with_key).await?);
        Ok(())
    }

    pub(super) async fn registers(&mut self) -> Did {
        let before = self.key.credentials();
        let plain = |make: &mut proto::MakeCredential| {
            make.pin.clear();
            make.resident_key = false;
        };
        self.registered = Some(self.makes_one(b"registered", plain).await?);
        holds("nothing is stored", self.key.credentials() == before)
    }

    /// The credentials that the key lists, as far as this desk made them.
    async fn listed(&mut self, verb: Verb) -> Result<Vec<proto::Credential>, Undone> {
        match self.step(verb).await? {
            Answer::CredentialList(list) => Ok(list.credentials),
            other => Err(unexpected(&other)),
        }
    }

    fn are_those_made(&self, listed: &[proto::Credential]) -> Did {
        let made = [&self.made, &self.owner];
        let mut ids: Vec<_> = made.into_iter().flatten().map(|one| &one.id).collect();
        let mut found: Vec<_> = listed.iter().map(|one| &one.credential_id).collect();
        ids.sort();
        found.sort();
        holds("those are listed that were made", ids == found)
    }

    fn list_with_pin() -> Verb {
        match list() {
            Verb::ListCredentials(list) => Verb::ListCredentials(proto::ListCredentials {
                pin: NEW_PIN.to_owned(),
                ..list
            }),
            other => other,
        }
    }

    pub(super) async fn lists(&mut self) -> Did {
        let listed = self.listed(Self::list_with_pin()).await?;
        self.are_those_made(&listed)
    }

    pub(super) async fn lists_by_persistent_token(&mut self) -> Did {
        let grant = Verb::GrantPersistentToken(proto::GrantPersistentToken {
            pin: NEW_PIN.to_owned(),
        });
        let persistent_token = match self.step(grant).await? {
            Answer::PersistentTokenGranted(granted) => granted.persistent_token,
            other => return Err(unexpected(&other)),
        };
        let without_pin = Verb::ListCredentials(proto::ListCredentials {
            persistent_token,
            ..proto::ListCredentials::default()
        });
        let listed = self.listed(without_pin).await?;
        self.are_those_made(&listed)
    }

    pub(super) async fn renames(&mut self) -> Did {
        let id = id_of(&self.made)?;
        self.is_done(Verb::UpdateUser(proto::UpdateUser {
            pin: NEW_PIN.to_owned(),
            credential_id: id.clone(),
            user_name: "bob".to_owned(),
            user_display_name: "Bob".to_owned(),
            rp_id: RP.to_owned(),
        }))
        .await?;
        let listed = self.listed(Self::list_with_pin()).await?;
        let renamed = listed.iter().find(|one| one.credential_id == id);
        let is_bob = renamed.is_some_and(|one| one.user_name == "bob" && one.user_id == USER);
        holds("its user is called bob", is_bob)
    }

    pub(super) async fn proves(&mut self) -> Did {
        let made = self.made.take().ok_or(Undone::Nothing)?;
        let proved = self.proves_one(&made, NEW_PIN).await;
        self.made = Some(made);
        proved
    }

    pub(super) async fn proves_what_was_registered(&mut self) -> Did {
        let registered = self.registered.take().ok_or(Undone::Nothing)?;
        self.proves_one(&registered, "").await
    }

    async fn proves_one(&mut self, credential: &Credential, pin: &str) -> Did {
        let hash = [6; 32];
        let prove = Verb::ProveCredential(proto::ProveCredential {
            pin: pin.to_owned(),
            rp_id: RP.to_owned(),
            credential_id: credential.id.clone(),
            client_data_hash: hash.to_vec(),
        });
        match self.step(prove).await? {
            Answer::AssertionMade(proof) => {
                let signed: [&[u8]; 2] = [&proof.authenticator_data, &hash];
                holds(
                    "the signature is that of its key",
                    credential.has_signed(&signed, &proof.signature),
                )
            }
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn deletes(&mut self) -> Did {
        let id = id_of(&self.made).unwrap_or_else(|_| vec![1; 32]);
        let before = self.key.credentials();
        let verb = match delete(&id) {
            Verb::DeleteCredential(delete) => Verb::DeleteCredential(proto::DeleteCredential {
                pin: NEW_PIN.to_owned(),
                ..delete
            }),
            other => other,
        };
        self.is_done(verb).await?;
        holds("one less is stored", self.key.credentials() + 1 == before)
    }
}

fn id_of(credential: &Option<Credential>) -> Result<Vec<u8>, Undone> {
    match credential {
        Some(one) => Ok(one.id.clone()),
        None => Err(Undone::Nothing),
    }
}
