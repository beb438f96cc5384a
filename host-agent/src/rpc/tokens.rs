//! `Tokens`: who is plugged in.

use std::{pin::Pin, sync::Arc};

use futures::{Stream, StreamExt as _, stream};
use keysteward_core::ctap2::get_info::U2F_V2;
use keysteward_proto::agent::v1 as proto;
use proto::{
    ListRequest, ListResponse, TokenEvent, WatchRequest, token_event, tokens_server::Tokens,
};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::journal;
use crate::token::{Event, Facts, Inventory, Reading, Sight, Token};

/// Serves `Tokens`.
#[derive(Clone, Debug)]
pub(crate) struct TokensService {
    pub(crate) inventory: Arc<Inventory>,
    /// Ends every watch.
    pub(crate) stopping: CancellationToken,
}

type Events = Pin<Box<dyn Stream<Item = Result<TokenEvent, Status>> + Send>>;

#[tonic::async_trait]
impl Tokens for TokensService {
    async fn list(&self, _request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        Ok(Response::new(listing(&self.inventory.list())))
    }

    type WatchStream = Events;

    async fn watch(
        &self,
        _request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (tokens, events) = self.inventory.watch();
        let snapshot = stream::iter([Ok(snapshot(&tokens))]);
        let inventory = Arc::clone(&self.inventory);
        let changes = stream::unfold((inventory, events), next_change);
        let stopping = self.stopping.clone().cancelled_owned();
        Ok(Response::new(
            snapshot.chain(changes).take_until(stopping).boxed(),
        ))
    }
}

type Watching = (Arc<Inventory>, Receiver<Event>);

/// The next change; for a listener that fell behind, everything anew.
async fn next_change(
    (inventory, mut events): Watching,
) -> Option<(Result<TokenEvent, Status>, Watching)> {
    let event = match events.recv().await {
        Ok(event) => change(&event),
        Err(RecvError::Lagged(_)) => {
            let (tokens, anew) = inventory.watch();
            events = anew;
            snapshot(&tokens)
        }
        Err(RecvError::Closed) => return None,
    };
    Some((Ok(event), (inventory, events)))
}

fn snapshot(tokens: &[Arc<Token>]) -> TokenEvent {
    event(token_event::Event::Snapshot(listing(tokens)))
}

fn change(change: &Event) -> TokenEvent {
    event(match change {
        Event::Added(token) => token_event::Event::Added(self::token(token)),
        Event::Changed(token) => token_event::Event::Changed(self::token(token)),
        Event::Removed { presence_id } => token_event::Event::Removed(presence_id.clone()),
    })
}

fn event(event: token_event::Event) -> TokenEvent {
    TokenEvent { event: Some(event) }
}

fn listing(tokens: &[Arc<Token>]) -> ListResponse {
    ListResponse {
        tokens: tokens.iter().map(|token| self::token(token)).collect(),
    }
}

/// A token as the interface shows it.
pub(super) fn token(token: &Token) -> proto::Token {
    let description = token.description();
    let sight = token.sight();
    let applets = applets(&sight);
    let (fido, fault) = match sight.reading {
        Reading::Read(read) => (Some(facts(&read)), String::new()),
        Reading::NoFido if applets.is_empty() => (None, NO_APPLET.to_owned()),
        Reading::U2f | Reading::NoFido => (None, String::new()),
        Reading::Unread => (None, "not read yet".to_owned()),
        Reading::Fault(fault) => (None, fault),
    };
    proto::Token {
        presence_id: token.presence_id().to_owned(),
        transport: description.kind.as_str().to_owned(),
        r#virtual: token.is_virtual(),
        vendor_id: description.vendor_id.into(),
        product_id: description.product_id.into(),
        manufacturer: description.manufacturer.clone(),
        product: token.product(),
        serial: description.serial.clone(),
        applets,
        fido,
        fault,
        card: token
            .card()
            .map(|facts| journal::card::facts((*facts).clone())),
    }
}

const NO_APPLET: &str =
    "the card has none of the applets that are looked after here: fido2, u2f, piv, gids";

/// What the token can be asked.
fn applets(sight: &Sight) -> Vec<String> {
    let fido: &[&str] = match &sight.reading {
        Reading::Read(facts) if facts.versions.iter().any(|one| one == U2F_V2) => &["fido2", "u2f"],
        Reading::Read(_) => &["fido2"],
        Reading::U2f => &["u2f"],
        Reading::Unread | Reading::NoFido | Reading::Fault(_) => &[],
    };
    let card = sight.card.as_deref();
    let piv = card.and_then(|card| card.piv.as_ref()).map(|_| "piv");
    let gids = card.and_then(|card| card.gids.as_ref()).map(|_| "gids");
    let known = fido.iter().copied().chain(piv).chain(gids);
    known.map(str::to_owned).collect()
}

fn facts(facts: &Facts) -> proto::FidoFacts {
    proto::FidoFacts {
        aaguid: facts.aaguid.to_vec(),
        versions: facts.versions.clone(),
        extensions: facts.extensions.clone(),
        options: facts.options.clone().into_iter().collect(),
        firmware_version: facts.firmware_version,
        min_pin_length: facts.min_pin_length,
        max_pin_length: facts.max_pin_length,
        force_pin_change: facts.force_pin_change,
        pin_protocols: facts.pin_protocols.clone(),
        remaining_discoverable_credentials: facts.remaining_discoverable_credentials,
        algorithms: facts.algorithms.clone(),
        max_credential_count_in_list: facts.max_credential_count_in_list,
        max_credential_id_length: facts.max_credential_id_length,
        transports: facts.transports.clone(),
        attestation_formats: facts.attestation_formats.clone(),
        max_rp_ids_for_set_min_pin_length: facts.max_rp_ids_for_set_min_pin_length,
        unknown: facts.unknown.clone().into_iter().collect(),
        long_touch_for_reset: facts.long_touch_for_reset,
        max_serialized_large_blob_array: facts.max_serialized_large_blob_array,
        pin_complexity_policy: facts.pin_complexity_policy,
        transports_for_reset: facts.transports_for_reset.clone(),
        max_msg_size: facts.max_msg_size,
        max_cred_blob_length: facts.max_cred_blob_length,
        uv_modality: facts.uv_modality,
        preferred_platform_uv_attempts: facts.preferred_platform_uv_attempts,
        certifications: facts.certifications.clone().into_iter().collect(),
        vendor_prototype_config_commands: facts.vendor_prototype_config_commands.clone(),
        authenticator_config_commands: facts.authenticator_config_commands.clone(),
        pin_complexity_policy_url: facts.pin_complexity_policy_url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Description;

    #[tokio::test]
    async fn a_watcher_that_falls_behind_gets_everything_anew() {
        let inventory = Inventory::new(&mut rand::rngs::OsRng);
        let service = TokensService {
            inventory: Arc::clone(&inventory),
            stopping: CancellationToken::new(),
        };
        let watching = service.watch(Request::new(WatchRequest {})).await.unwrap();
        let mut events = watching.into_inner();
        let mut next = async || events.next().await.unwrap().unwrap().event.unwrap();
        let first = next().await;
        assert_eq!(first, token_event::Event::Snapshot(ListResponse::default()));
        let mut left = None;
        for _ in 0..200 {
            let (token, _jobs) = inventory.name(Description::default());
            let sight = Sight {
                reading: Reading::Fault("a test".to_owned()),
                card: None,
            };
            inventory.put(&token, sight);
            if let Some(before) = left.replace(token) {
                inventory.remove(&before);
            }
        }
        let token_event::Event::Snapshot(anew) = next().await else {
            panic!("told of changes whose beginning was lost");
        };
        let [token] = &anew.tokens[..] else {
            panic!("{anew:?}");
        };
        assert_eq!(token.presence_id, left.unwrap().presence_id());
    }
}
