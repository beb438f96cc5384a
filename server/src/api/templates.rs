//! `server.v1.Templates`

use std::collections::HashMap;

use keysteward_proto::server::v1::{self as wire, templates_server};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{
    Rooms, auth::Caller, names, page::word, record::record, refusal::Refusal, template_profiles,
    token_types::aaguids,
};
use crate::{
    lifecycle::{
        Aaguid, Alphabet, CardSection, CertificateSlot, Custody, KeyAlgorithm, PinPolicy, Template,
        TokenType, card_section::RequestField,
    },
    store::{self, Reads, TemplateId, TokenTypeId, template::Row},
};

pub(super) struct Templates(pub(super) Rooms);

#[tonic::async_trait]
impl templates_server::Templates for Templates {
    async fn create(
        &self,
        request: Request<wire::CreateTemplateRequest>,
    ) -> Result<Response<wire::Template>, Status> {
        let caller = Caller::of(&request)?.clone();
        let new = request.into_inner().template.unwrap_or_default();
        if let Some(card) = &new.card {
            let mut read = self.0.store.read().await?;
            definition(&mut read, &new).await?;
            drop(read);
            // The network, while nothing is locked.
            template_profiles::check(&self.0, card).await?;
        }
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let definition = definition(&mut tx, &new).await?;
        let connection = match (new.connection.as_str(), &definition.card) {
            // For cards alone: nothing is published.
            ("", Some(_)) => None,
            (name, _) => Some(names::connection(&mut tx, name).await?),
        };
        let row = Row {
            id: TemplateId::new(),
            name: new.name,
            connection_id: connection.as_ref().map(|row| row.id),
            definition,
            created_at: now,
        };
        store::template::insert(&mut tx, &row).await?;
        let facts = [
            ("name", json!(row.name)),
            ("connection", json!(connection.map(|row| row.name))),
            ("definition", json!(row.definition)),
        ];
        let object = format!("template:{}", row.id);
        record(&mut tx, &caller, now, "template.create", object, facts).await?;
        let template = to_wire(row, &Words::read(&mut tx).await?);
        tx.commit().await?;
        Ok(Response::new(template))
    }

    async fn list(
        &self,
        _: Request<wire::ListTemplatesRequest>,
    ) -> Result<Response<wire::ListTemplatesResponse>, Status> {
        let mut read = self.0.store.read().await?;
        let words = Words::read(&mut read).await?;
        let found = store::template::list(&mut read).await?;
        let templates = found.into_iter().map(|row| to_wire(row, &words)).collect();
        Ok(Response::new(wire::ListTemplatesResponse { templates }))
    }

    async fn get(
        &self,
        request: Request<wire::GetTemplateRequest>,
    ) -> Result<Response<wire::Template>, Status> {
        let mut read = self.0.store.read().await?;
        let row = names::template(&mut read, &request.get_ref().template).await?;
        Ok(Response::new(to_wire(row, &Words::read(&mut read).await?)))
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteTemplateRequest>,
    ) -> Result<Response<wire::DeleteTemplateResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let row = names::template(&mut tx, &request.get_ref().template).await?;
        store::template::delete(&mut tx, row.id).await?;
        let facts = [("name", json!(row.name))];
        let object = format!("template:{}", row.id);
        record(&mut tx, &caller, now, "template.delete", object, facts).await?;
        tx.commit().await?;
        Ok(Response::new(wire::DeleteTemplateResponse {}))
    }
}

/// With ids for names, and checked as far as this server can tell.
async fn definition(from: &mut impl Reads, new: &wire::Template) -> Result<Template, Status> {
    let mut token_types = Vec::new();
    for name in &new.token_types {
        let row = names::token_type(from, "token_type", name).await?;
        token_types.push(row.id);
    }
    let card = match &new.card {
        Some(card) => Some(card_section(from, card).await?),
        None => None,
    };
    let definition = parse(new, token_types, card)?;
    definition.check(&new.name)?;
    Ok(definition)
}

fn parse(
    new: &wire::Template,
    token_types: Vec<TokenTypeId>,
    card: Option<CardSection>,
) -> Result<Template, Refusal> {
    let mut pin = new.pin.clone().unwrap_or_default();
    let mut display_name = new.display_name.clone();
    if card.is_some() && new.connection.is_empty() {
        // For cards alone: what is said of FIDO2 does not count.
        pin = wire::PinPolicy {
            length: 6,
            ..wire::PinPolicy::default()
        };
        display_name = "{model}".into();
    }
    let cred_protect = u8::try_from(new.cred_protect).map_err(|_| {
        let found = new.cred_protect.to_string();
        Refusal::field("template.cred_protect", found, "0 (none), 1, 2 or 3")
    })?;
    Ok(Template {
        token_types,
        resident_key: new.resident_key,
        display_name,
        pin: PinPolicy {
            length: pin.length,
            alphabet: word("template.pin.alphabet", &pin.alphabet)?.unwrap_or(Alphabet::Digits),
            custody: word("template.pin.custody", &pin.custody)?.unwrap_or(Custody::HandOver),
            minimum_length: pin.minimum_length,
            force_change: pin.force_change,
        },
        enterprise_attestation: new.enterprise_attestation,
        always_uv: new.always_uv,
        cred_protect,
        algorithms: if new.algorithms.is_empty() {
            vec![ES256]
        } else {
            new.algorithms.clone()
        },
        delete_at_idp: new.delete_at_idp,
        allowed_aaguids: aaguids("template.allowed_aaguids", &new.allowed_aaguids)?,
        blocked_aaguids: aaguids("template.blocked_aaguids", &new.blocked_aaguids)?,
        card,
    })
}

fn request_field(field: &wire::RequestField) -> RequestField {
    RequestField {
        name: field.name.clone(),
        value: field.value.clone(),
    }
}

/// Names of connections to ids.
async fn card_section(
    from: &mut impl Reads,
    new: &wire::CardSection,
) -> Result<CardSection, Status> {
    let mut certificates = Vec::new();
    let no_default = !new.certificates.iter().any(|slot| slot.is_default);
    for (n, slot) in new.certificates.iter().enumerate() {
        let connection = names::connection(from, &slot.connection).await?;
        certificates.push(CertificateSlot {
            container: slot.container.clone(),
            algorithm: word("template.card.certificates.algorithm", &slot.algorithm)?
                .unwrap_or(KeyAlgorithm::Rsa2048),
            connection: connection.id,
            profile: slot.profile.clone(),
            fields: slot.fields.iter().map(request_field).collect(),
            pin_use: word("template.card.certificates.pin_policy", &slot.pin_policy)?,
            touch_use: word(
                "template.card.certificates.touch_policy",
                &slot.touch_policy,
            )?,
            is_default: slot.is_default || (no_default && n == 0),
        });
    }
    Ok(CardSection {
        pin_length: if new.pin_length == 0 {
            6
        } else {
            new.pin_length
        },
        pin_custody: word("template.card.pin_custody", &new.pin_custody)?
            .unwrap_or(Custody::HandOver),
        certificates,
    })
}

/// Names for the ids that a template holds.
struct Words {
    connections: HashMap<store::ConnectionId, String>,
    token_types: HashMap<TokenTypeId, String>,
}

impl Words {
    async fn read(from: &mut impl Reads) -> store::Result<Self> {
        let connections = store::connection::list(from).await?;
        let token_types = store::token_type::list::<TokenType>(from).await?;
        Ok(Self {
            connections: connections.into_iter().map(|c| (c.id, c.name)).collect(),
            token_types: token_types.into_iter().map(|t| (t.id, t.name)).collect(),
        })
    }

    /// Empty where there is none.
    fn connection(&self, id: Option<store::ConnectionId>) -> String {
        id.and_then(|id| self.connections.get(&id).cloned())
            .unwrap_or_default()
    }
}

fn to_wire(row: Row<Template>, words: &Words) -> wire::Template {
    let definition = row.definition;
    let token_types = definition
        .token_types
        .iter()
        .filter_map(|id| words.token_types.get(id).cloned())
        .collect();
    wire::Template {
        id: row.id.to_string(),
        name: row.name,
        connection: words.connection(row.connection_id),
        token_types,
        resident_key: definition.resident_key,
        display_name: definition.display_name,
        pin: Some(wire::PinPolicy {
            length: definition.pin.length,
            alphabet: definition.pin.alphabet.as_str().to_owned(),
            custody: definition.pin.custody.as_str().to_owned(),
            minimum_length: definition.pin.minimum_length,
            force_change: definition.pin.force_change,
        }),
        enterprise_attestation: definition.enterprise_attestation,
        always_uv: definition.always_uv,
        cred_protect: definition.cred_protect.into(),
        algorithms: definition.algorithms,
        delete_at_idp: definition.delete_at_idp,
        allowed_aaguids: words_of(&definition.allowed_aaguids),
        blocked_aaguids: words_of(&definition.blocked_aaguids),
        card: definition.card.map(|card| section_to_wire(card, words)),
    }
}

fn section_to_wire(section: CardSection, words: &Words) -> wire::CardSection {
    let slot = |slot: CertificateSlot| wire::CertificateSlot {
        container: slot.container,
        algorithm: slot.algorithm.as_str().to_owned(),
        connection: words.connection(Some(slot.connection)),
        profile: slot.profile,
        fields: slot
            .fields
            .into_iter()
            .map(|field| wire::RequestField {
                name: field.name,
                value: field.value,
            })
            .collect(),
        pin_policy: slot.pin_use.map_or("", |word| word.as_str()).to_owned(),
        touch_policy: slot.touch_use.map_or("", |word| word.as_str()).to_owned(),
        is_default: slot.is_default,
    };
    wire::CardSection {
        pin_length: section.pin_length,
        pin_custody: section.pin_custody.as_str().to_owned(),
        certificates: section.certificates.into_iter().map(slot).collect(),
    }
}

fn words_of(aaguids: &[Aaguid]) -> Vec<String> {
    aaguids.iter().map(ToString::to_string).collect()
}

/// COSE. What every token has.
const ES256: i32 = -7;
