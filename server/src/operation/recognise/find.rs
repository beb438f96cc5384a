//! Which token of ours it is, where its link tells no serial.

use std::collections::BTreeMap;

use keysteward_proto::agent::v1::{self as agent, Step, step::Verb, step_result::Result as Told};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::told::card_id;
use crate::{
    lifecycle::TokenState,
    operation::{Inner, hosts::StepRequest, presence::Place},
    store::{
        self, TokenId, card,
        credential::{self, OnToken},
        token,
    },
};

impl Inner {
    /// Which of the tokens without a serial it is.
    pub(super) async fn find_by_credentials(
        &self,
        place: &Place,
        aaguid: [u8; 16],
    ) -> store::Result<Option<TokenId>> {
        let mut read = self.store.read().await?;
        let seen_before = token::by_presence(&mut read, place.host, &place.presence_id).await?;
        if let Some(row) = seen_before.filter(|row| row.aaguid == aaguid) {
            return Ok(Some(row.id));
        }
        let mut owners: BTreeMap<Vec<u8>, TokenId> = BTreeMap::new();
        let mut by_rp: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        let mut blank = None;
        for row in token::without_identity(&mut read, &aaguid).await? {
            if self.presence.of(row.id).is_some() {
                continue;
            }
            let mut bare = true;
            for c in credential::of_token(&mut read, row.id).await? {
                if c.on_token != OnToken::Deleted {
                    bare = false;
                    owners.insert(c.credential_id.clone(), row.id);
                    by_rp.entry(c.rp_id).or_default().push(c.credential_id);
                }
            }
            // Not a revoked one: a new key would inherit its end.
            let unused = matches!(row.state, TokenState::Unregistered | TokenState::Registered);
            if bare && unused && row.host_id == Some(place.host) && blank.is_none() {
                blank = Some(row.id);
            }
        }
        drop(read);
        for (rp_id, ids) in by_rp {
            for chunk in ids.chunks(LOOKED_FOR_AT_ONCE) {
                for found in self.look_for(place, &rp_id, chunk).await {
                    if let Some(owner) = owners.get(&found) {
                        return Ok(Some(*owner));
                    }
                }
            }
        }
        Ok(blank)
    }

    async fn look_for(&self, place: &Place, rp_id: &str, ids: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let (on_progress, _) = mpsc::channel(1);
        let request = StepRequest {
            presence_id: place.presence_id.clone(),
            purpose: "recognise".into(),
            step: Step {
                key: None,
                timeout_ms: 0,
                verb: Some(Verb::LookForCredentials(agent::LookForCredentials {
                    rp_id: rp_id.to_owned(),
                    credential_ids: ids.to_vec(),
                })),
            },
            on_progress,
            cancelled: CancellationToken::new(),
        };
        match self.hosts.step(place.host, request).await {
            Ok(agent::StepResult {
                result: Some(Told::FoundCredentials(found)),
            }) => found.credential_ids,
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::warn!(host = %place.host, %error, "cannot look which token this is");
                Vec::new()
            }
        }
    }

    /// The card of ours that shows this GUID or cardid.
    pub(super) async fn find_card(&self, seen: &agent::Token) -> store::Result<Option<TokenId>> {
        let shown = seen.card.as_ref().map(card_id).unwrap_or_default();
        // The serial of a link says more; that of an applet some makers give to every card.
        let of_link = !seen.serial.is_empty() && !seen.serial.starts_with("piv ");
        if shown.is_empty() || of_link {
            return Ok(None);
        }
        let mut read = self.store.read().await?;
        let found = card::by_shown_id(&mut read, &shown).await?;
        Ok(found.map(|card| card.token_id))
    }
}

/// The agent splits it further where the token takes fewer.
const LOOKED_FOR_AT_ONCE: usize = 64;
