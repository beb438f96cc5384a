//! Which token of ours it is, where its link tells no serial.

use std::collections::BTreeMap;

use keysteward_proto::agent::v1::{self as agent, Step, step::Verb, step_result::Result as Told};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::told::{self, card_id};
use crate::{
    lifecycle::{Applet, TokenState},
    operation::{Inner, card_ids, hosts::StepRequest, presence::Place},
    store::{
        self, TokenId,
        card::{self, Card},
        credential::{self, OnToken},
        operation,
        token::{self, Facts},
    },
};

impl Inner {
    /// Which of the tokens without a serial it is.
    async fn find_by_credentials(
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
                ..Step::default()
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

    /// Which token it is, where its link tells no serial.
    pub(super) async fn find(
        &self,
        seen: &agent::Token,
        place: &Place,
        aaguid: [u8; 16],
    ) -> store::Result<Option<TokenId>> {
        if told::is_of_link(seen) {
            return Ok(None);
        }
        let Some(card) = &seen.card else {
            return self.find_by_credentials(place, aaguid).await;
        };
        if let Some(known) = self.find_card(seen, card).await? {
            return Ok(Some(known));
        }
        if told::identity(seen).is_some() {
            return Ok(None);
        }
        if seen.fido.is_some() {
            return self.find_by_credentials(place, aaguid).await;
        }
        self.find_blank(seen, place).await
    }

    /// The card of ours with this serial, where its maker numbers them; else the one that
    /// gives this GUID or cardid, or may give it by now.
    async fn find_card(
        &self,
        seen: &agent::Token,
        card: &agent::CardFacts,
    ) -> store::Result<Option<TokenId>> {
        let mut read = self.store.read().await?;
        let numbered = told::unique_serial(card).and_then(|_| told::identity(seen));
        if let Some(identity) = &numbered
            && let Some(row) = token::by_identity(&mut read, identity).await?
        {
            return Ok(Some(row.id));
        }
        let Some(found) = card::by_shown_id(&mut read, &card_id(card)).await? else {
            return Ok(None);
        };
        let row = token::get(&mut read, found.token_id).await?;
        let identity = row.and_then(|row| row.identity);
        // An id can be copied to another card.
        let other = numbered.is_some()
            && identity.is_some_and(|known| known.starts_with("piv:") && Some(known) != numbered);
        Ok((!other).then_some(found.token_id))
    }

    /// A blank card that was seen at this host before. One that was not taken off since is what
    /// it was. The serial of any other may be that of any other of its maker: it may stand in for
    /// one that has no secret of ours, and for no other; nor where two of them are being
    /// registered.
    async fn find_blank(
        &self,
        seen: &agent::Token,
        place: &Place,
    ) -> store::Result<Option<TokenId>> {
        let facts = told::facts(seen);
        let atr = |facts: &Facts| facts.card.as_ref().map(|card| card.atr.clone());
        let mut read = self.store.read().await?;
        // What was there all the time is what it was, though a reset took its name meanwhile.
        let seen_before = token::by_presence(&mut read, place.host, &place.presence_id).await?;
        if let Some(row) = seen_before.filter(|row| atr(&row.facts) == atr(&facts)) {
            return Ok(Some(row.id));
        }
        let (mut begun, mut fresh) = (Vec::new(), Vec::new());
        for row in token::without_identity(&mut read, &[0; 16]).await? {
            let alike = row.serial == told::serial(seen) && atr(&row.facts) == atr(&facts);
            let here = row.host_id == Some(place.host) && self.presence.of(row.id).is_none();
            if !alike || !here || row.state != TokenState::Unregistered {
                continue;
            }
            match card::get(&mut read, row.id).await? {
                Some(card) if is_without_secrets(&card) => begun.push(row.id),
                Some(_) => {}
                None if operation::any_open(&mut read, row.id).await? => begun.push(row.id),
                None => fresh.push(row.id),
            }
        }
        match begun.as_slice() {
            [one] => {
                card_ids::not_given(&self.store, *one).await?;
                Ok(Some(*one))
            }
            [] => Ok(fresh.first().copied()),
            several => {
                tracing::warn!(host = %place.host, cards = several.len(),
                    "a blank card may be any of those that are being registered, and is taken for \
                     none: register them one after the other");
                Ok(fresh.first().copied())
            }
        }
    }
}

/// Whether losing sight of it loses nothing: a GIDS card gets id and admin key at once.
fn is_without_secrets(card: &Card) -> bool {
    let may_have_key = card.applet == Applet::Piv && card.pending.is_some();
    card.shown_id.is_empty() && card.admin.is_none() && !may_have_key
}

/// The agent splits it further where the token takes fewer.
const LOOKED_FOR_AT_ONCE: usize = 64;
