//! `server.v1.Tokens`

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keysteward_proto::server::v1::{self as wire, tokens_server};
use tonic::{Request, Response, Status};

use super::{
    Rooms,
    auth::Caller,
    card_view,
    labels::Labels,
    names,
    page::{next_token, page, word},
};
use crate::{
    lifecycle::{Aaguid, Custody, Event, moves},
    store::{
        self, Reads,
        credential::Credential,
        sealed_secret,
        token::{Change, Facts, Filter, Token},
    },
};

pub(super) struct Tokens(pub(super) Rooms);

#[tonic::async_trait]
impl tokens_server::Tokens for Tokens {
    async fn list(
        &self,
        request: Request<wire::ListTokensRequest>,
    ) -> Result<Response<wire::ListTokensResponse>, Status> {
        let request = request.into_inner();
        let mut wanted = page(request.page_size, &request.page_token)?;
        let mut read = self.0.store.read().await?;
        let which = filter(&mut read, &request).await?;
        let mut labels = Labels::default();
        let mut tokens = Vec::new();
        let Some(present) = request.present else {
            let listed = store::token::list(&mut read, &which, wanted).await?;
            let next_page_token = next_token(&listed);
            for token in listed.rows {
                tokens.push(self.wire(&mut read, &mut labels, token).await?);
            }
            return Ok(Response::new(wire::ListTokensResponse {
                tokens,
                next_page_token,
            }));
        };
        // Where tokens are plugged in is in memory: pages of the store are read until one is full.
        let size = wanted.size as usize;
        let mut next_page_token = String::new();
        'pages: loop {
            let listed = store::token::list(&mut read, &which, wanted).await?;
            for token in listed.rows {
                if self.0.engine.place(token.id).is_some() != present {
                    continue;
                }
                if tokens.len() == size {
                    break 'pages;
                }
                next_page_token = token.id.to_string();
                tokens.push(self.wire(&mut read, &mut labels, token).await?);
            }
            match listed.next {
                Some(after) => wanted.after = Some(after),
                None => {
                    next_page_token.clear();
                    break;
                }
            }
        }
        Ok(Response::new(wire::ListTokensResponse {
            tokens,
            next_page_token,
        }))
    }

    async fn get(
        &self,
        request: Request<wire::GetTokenRequest>,
    ) -> Result<Response<wire::TokenDetail>, Status> {
        let mut read = self.0.store.read().await?;
        let token = names::token(&mut read, &request.get_ref().token).await?;
        let mut labels = Labels::default();
        let mut credentials = Vec::new();
        for credential in store::credential::of_token(&mut read, token.id).await? {
            credentials.push(credential_to_wire(&mut read, &mut labels, credential).await?);
        }
        let history = store::token::history(&mut read, token.id).await?;
        let (card, certificates) = card_view::of_token(&mut read, &mut labels, &token).await?;
        let detail = wire::TokenDetail {
            credentials,
            card,
            certificates,
            history: history.into_iter().map(change_to_wire).collect(),
            facts: serde_json::to_string(&token.facts)
                .map_err(|_| store::Error::Corrupt { column: "facts" })?,
            allowed: allowed(&mut read, &token).await?,
            pin_custody: pin_custody(&mut read, &token).await?.to_owned(),
            token: Some(self.wire(&mut read, &mut labels, token).await?),
        };
        Ok(Response::new(detail))
    }

    async fn register(
        &self,
        request: Request<wire::RegisterTokenRequest>,
    ) -> Result<Response<wire::Token>, Status> {
        let actor = Caller::of(&request)?.actor.clone();
        let mut read = self.0.store.read().await?;
        let token = names::token(&mut read, &request.get_ref().token).await?;
        drop(read);
        let token = self.0.engine.register(token.id, &actor).await?;
        let mut read = self.0.store.read().await?;
        let token = self.wire(&mut read, &mut Labels::default(), token).await?;
        Ok(Response::new(token))
    }
}

impl Tokens {
    async fn wire(
        &self,
        from: &mut impl Reads,
        labels: &mut Labels,
        token: Token,
    ) -> store::Result<wire::Token> {
        let place = self.0.engine.place(token.id);
        let host = place.as_ref().map(|place| place.host).or(token.host_id);
        Ok(wire::Token {
            id: token.id.to_string(),
            serial: token.serial,
            model: token.model,
            aaguid: Aaguid(token.aaguid).to_string(),
            r#virtual: token.is_virtual,
            token_type: labels.token_type(from, token.token_type_id).await?,
            state: token.state.as_str().to_owned(),
            needs_reset: token.needs_reset,
            user: labels.user(from, token.user_id).await?,
            template: labels.template(from, token.template_id).await?,
            host: labels.host(from, host).await?,
            present: place.is_some(),
            last_seen_at_us: token.last_seen_at.map_or(0, |at| at.0),
            user_verification: user_verification(&token.facts),
            applets: token.facts.applets,
        })
    }
}

async fn filter(
    from: &mut impl Reads,
    request: &wire::ListTokensRequest,
) -> Result<Filter, Status> {
    let mut filter = Filter {
        state: word("state", &request.state)?,
        ..Filter::default()
    };
    if !request.user.is_empty() {
        filter.user_id = Some(names::user(from, &request.user).await?.id);
    }
    if !request.host.is_empty() {
        filter.host_id = Some(names::host(from, &request.host).await?.id);
    }
    if !request.token_type.is_empty() {
        let row = names::token_type(from, "token_type", &request.token_type).await?;
        filter.token_type_id = Some(row.id);
    }
    Ok(filter)
}

/// CTAP 2.3 section 6.4: an option that is there and false is not set up.
fn user_verification(facts: &Facts) -> Vec<String> {
    let is_set_up = |option: &str| facts.options.get(option) == Some(&true);
    let pin = is_set_up("clientPin").then(|| "pin".to_owned());
    let built_in = is_set_up("uv").then(|| "built-in".to_owned());
    pin.into_iter().chain(built_in).collect()
}

/// What can be asked for now: the table of moves, less what another operation or a needed reset
/// stands in the way of. Cards are given back, keys are reset.
async fn allowed(from: &mut impl Reads, token: &Token) -> store::Result<Vec<String>> {
    if store::operation::holding(from, token.id).await?.is_some() {
        return Ok(Vec::new());
    }
    let card = store::card::get(from, token.id).await?.is_some();
    let card_alone = card && token.facts.versions.is_empty();
    let asked_for = |event: &Event| match event {
        Event::Issue => !token.needs_reset,
        Event::Retire | Event::Unregister => card,
        Event::Reset => !card_alone,
        _ => true,
    };
    Ok(moves::allowed(token.state)
        .filter(asked_for)
        .map(|event| event.as_str().to_owned())
        .collect())
}

async fn pin_custody(from: &mut impl Reads, token: &Token) -> store::Result<&'static str> {
    let held = store::sealed_secret::of_token(from, token.id)
        .await?
        .iter()
        .any(|secret| {
            secret.kind == sealed_secret::Kind::Pin && secret.state == sealed_secret::State::Current
        });
    if !held {
        return Ok("none");
    }
    let template: Option<store::template::Row<crate::lifecycle::Template>> = match token.template_id
    {
        Some(id) => store::template::get(from, id).await?,
        None => None,
    };
    Ok(match template.map(|row| row.definition.pin.custody) {
        Some(Custody::Escrow) => "escrowed",
        _ => "sealed until hand-over",
    })
}

async fn credential_to_wire(
    from: &mut impl Reads,
    labels: &mut Labels,
    credential: Credential,
) -> store::Result<wire::Credential> {
    let connection = store::connection::get(from, credential.connection_id).await?;
    Ok(wire::Credential {
        id: credential.id.to_string(),
        rp_id: credential.rp_id,
        credential_id: URL_SAFE_NO_PAD.encode(credential.credential_id),
        user: labels.user(from, Some(credential.user_id)).await?,
        connection: connection.map(|row| row.name).unwrap_or_default(),
        friendly_name: credential.friendly_name,
        attestation: credential.attestation,
        idp_authenticator_id: credential.idp_authenticator_id.unwrap_or_default(),
        idp_state: credential.idp_state.unwrap_or_default(),
        on_token: credential.on_token.as_str().to_owned(),
        created_at_us: credential.created_at.0,
    })
}

fn change_to_wire(change: Change) -> wire::StateChange {
    wire::StateChange {
        at_us: change.at.0,
        event: change.event,
        from: change.from.as_str().to_owned(),
        to: change.to.as_str().to_owned(),
        operation_id: change
            .operation_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
    }
}
