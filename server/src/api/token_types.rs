//! `server.v1.TokenTypes`

use keysteward_proto::server::v1::{self as wire, token_types_server};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{Rooms, auth::Caller, names, page::word, record::record, refusal::Refusal};
use crate::{
    attestation,
    key_store::FactorySecrets,
    lifecycle::{
        Aaguid, Applet, CardType, Cipher, Registration, TokenType, TrustedBy, Unrooted,
        card_section::check_card_pin, card_type::Attestation,
    },
    store::{self, TokenTypeId, token_type::Row},
};

pub(super) struct TokenTypes(pub(super) Rooms);

#[tonic::async_trait]
impl token_types_server::TokenTypes for TokenTypes {
    async fn create(
        &self,
        request: Request<wire::CreateTokenTypeRequest>,
    ) -> Result<Response<wire::TokenType>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        let new = request.token_type.unwrap_or_default();
        let now = self.0.clock.now();
        let definition = parse(&new)?;
        definition.check(&new.name)?;
        self.0.engine.check_trust(&definition).map_err(|refusal| {
            let sources = definition.trusted_by.iter().map(|source| source.as_str());
            Refusal::field(
                "token_type.trusted_by",
                sources.collect::<Vec<_>>().join(", "),
                refusal.to_string(),
            )
        })?;
        let id = TokenTypeId::new();
        let factory = factory(definition.card.as_ref(), request.factory)?;
        let row = Row {
            id,
            name: new.name,
            sealed_factory: factory
                .map(|secrets| self.0.key_store.seal_factory(&id.to_string(), &secrets)),
            definition,
            created_at: now,
        };
        let mut tx = self.0.store.write().await?;
        store::token_type::insert(&mut tx, &row).await?;
        let facts = [
            ("name", json!(row.name)),
            ("aaguids", json!(row.definition.aaguids)),
            ("trusted_by", json!(row.definition.trusted_by)),
            ("roots", json!(row.definition.attestation_roots.len())),
            (
                "unrooted_attestation",
                json!(row.definition.unrooted_attestation),
            ),
            ("allow_virtual", json!(row.definition.allow_virtual)),
            ("card", json!(row.definition.card)),
        ];
        let object = format!("token-type:{}", row.id);
        record(&mut tx, &caller, now, "token-type.create", object, facts).await?;
        tx.commit().await?;
        // Keys that are plugged in already may be of this type.
        self.0.engine.recognise().await?;
        Ok(Response::new(to_wire(row)))
    }

    async fn list(
        &self,
        _: Request<wire::ListTokenTypesRequest>,
    ) -> Result<Response<wire::ListTokenTypesResponse>, Status> {
        let found = store::token_type::list(&mut self.0.store.read().await?).await?;
        let token_types = found.into_iter().map(to_wire).collect();
        Ok(Response::new(wire::ListTokenTypesResponse { token_types }))
    }

    async fn get(
        &self,
        request: Request<wire::GetTokenTypeRequest>,
    ) -> Result<Response<wire::TokenType>, Status> {
        let mut read = self.0.store.read().await?;
        let row = names::token_type(&mut read, "token_type", &request.get_ref().token_type).await?;
        Ok(Response::new(to_wire(row)))
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteTokenTypeRequest>,
    ) -> Result<Response<wire::DeleteTokenTypeResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let now = self.0.clock.now();
        let mut tx = self.0.store.write().await?;
        let row = names::token_type(&mut tx, "token_type", &request.get_ref().token_type).await?;
        // Templates name their token types inside a document, where the database cannot look.
        let templates = store::template::list::<crate::lifecycle::Template>(&mut tx).await?;
        if let Some(user) = templates
            .iter()
            .find(|t| t.definition.token_types.contains(&row.id))
        {
            return Err(Refusal::from(store::Error::Referenced)
                .about(
                    "token_type",
                    format!("{}, used by template {}", row.name, user.name),
                )
                .into());
        }
        store::token_type::delete(&mut tx, row.id).await?;
        let facts = [("name", json!(row.name))];
        let object = format!("token-type:{}", row.id);
        record(&mut tx, &caller, now, "token-type.delete", object, facts).await?;
        tx.commit().await?;
        Ok(Response::new(wire::DeleteTokenTypeResponse {}))
    }
}

fn parse(new: &wire::TokenType) -> Result<TokenType, Refusal> {
    let aaguids = aaguids("token_type.aaguids", &new.aaguids)?;
    let mut unrooted_attestation: Vec<Unrooted> = Vec::new();
    for text in &new.unrooted_attestation {
        let kind = text.parse().map_err(|error: store::UnknownWord| {
            let allowed = error.allowed.join(", ");
            Refusal::field("token_type.unrooted_attestation", text.as_str(), allowed)
        })?;
        unrooted_attestation.push(kind);
    }
    let mut trusted_by: Vec<TrustedBy> = Vec::new();
    for text in &new.trusted_by {
        let source = text.parse().map_err(|error: store::UnknownWord| {
            let allowed = error.allowed.join(", ");
            Refusal::field("token_type.trusted_by", text.as_str(), allowed)
        })?;
        trusted_by.push(source);
    }
    let registration = word("token_type.registration", &new.registration)?;
    // Refused here, where a person reads it, and not at the first token.
    attestation::Trust::new(&new.attestation_roots, attestation::Unrooted::default())?;
    Ok(TokenType {
        aaguids,
        attestation_roots: new.attestation_roots.clone(),
        trusted_by,
        unrooted_attestation,
        allow_virtual: new.allow_virtual,
        registration: registration.unwrap_or(Registration::Automatic),
        card: new.card.as_ref().map(card).transpose()?,
    })
}

fn card(new: &wire::CardType) -> Result<CardType, Refusal> {
    let atrs = new.atrs.iter().map(|text| {
        text.parse()
            .map_err(|error: crate::lifecycle::card_type::NotAnAtr| {
                Refusal::field("token_type.card.atrs", text.as_str(), error.to_string())
            })
    });
    let allowed = "piv, gids";
    let nothing = || Refusal::field("token_type.card.applet", "nothing", allowed);
    Ok(CardType {
        applet: word("token_type.card.applet", &new.applet)?.ok_or_else(nothing)?,
        atrs: atrs.collect::<Result<_, _>>()?,
        label: new.label.clone(),
        admin_cipher: word("token_type.card.admin_cipher", &new.admin_cipher)?
            .unwrap_or(Cipher::TripleDes),
        attestation: word("token_type.card.attestation", &new.attestation)?
            .unwrap_or(Attestation::Recorded),
    })
}

/// What was told of the factory, and the usual for what was not.
fn factory(
    card: Option<&CardType>,
    told: Option<wire::FactorySecrets>,
) -> Result<Option<FactorySecrets>, Refusal> {
    let Some(card) = card else {
        return match told {
            None => Ok(None),
            Some(_) => Err(Refusal::field(
                "factory",
                "secrets of a card",
                "nothing for a type without token_type.card",
            )),
        };
    };
    let told = told.unwrap_or_default();
    let usual = FactorySecrets::usual(card.applet);
    let lengths: &[usize] = match card.applet {
        Applet::Piv => &[16, 24, 32],
        Applet::Gids => &[24],
    };
    if !told.admin_key.is_empty() && !lengths.contains(&told.admin_key.len()) {
        return Err(Refusal::field(
            "factory.admin_key",
            format!("{} bytes", told.admin_key.len()),
            "16, 24 or 32 bytes for PIV, 24 for GIDS",
        ));
    }
    for (field, text) in [("factory.pin", &told.pin), ("factory.puk", &told.puk)] {
        if !text.is_empty() {
            check_card_pin(field, text)?;
        }
    }
    let or = |told: String, usual: &str| {
        if told.is_empty() {
            usual.to_owned()
        } else {
            told
        }
    };
    Ok(Some(FactorySecrets {
        admin_key: match told.admin_key.is_empty() {
            true => usual.admin_key.clone(),
            false => told.admin_key,
        },
        pin: or(told.pin, &usual.pin),
        puk: or(told.puk, &usual.puk),
    }))
}

/// Models, as people write them.
pub(super) fn aaguids(field: &str, texts: &[String]) -> Result<Vec<Aaguid>, Refusal> {
    texts
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|_| Refusal::field(field, text, "8-4-4-4-12 hexadecimal digits"))
        })
        .collect()
}

fn to_wire(row: Row<TokenType>) -> wire::TokenType {
    let definition = row.definition;
    wire::TokenType {
        id: row.id.to_string(),
        name: row.name,
        aaguids: definition.aaguids.iter().map(ToString::to_string).collect(),
        attestation_roots: definition.attestation_roots,
        unrooted_attestation: definition
            .unrooted_attestation
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect(),
        allow_virtual: definition.allow_virtual,
        trusted_by: definition
            .trusted_by
            .iter()
            .map(|source| source.as_str().to_owned())
            .collect(),
        registration: definition.registration.as_str().to_owned(),
        card: definition.card.map(|card| wire::CardType {
            applet: card.applet.as_str().to_owned(),
            atrs: card.atrs.iter().map(ToString::to_string).collect(),
            label: card.label,
            admin_cipher: card.admin_cipher.as_str().to_owned(),
            attestation: card.attestation.as_str().to_owned(),
        }),
    }
}
