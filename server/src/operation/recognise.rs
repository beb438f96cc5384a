//! From what an agent sees to a token of ours.
//!
//! A token that tells a serial is `vendor:product:serial`. One that tells none
//! is known again by its presence (until it is unplugged), then by a silent look
//! for the credentials that we issued; else it is one of its model that never had any.
//! A card is known by its serial where its maker numbers them, else by the id that we
//! gave it, which registering does first.
mod behind;
mod find;
mod told;

pub(super) use told::{by_id, card_facts, card_id, inspected};

use core::time::Duration;
use std::sync::Arc;

use keysteward_proto::agent::v1 as agent;
use serde_json::{Map, json};

use super::{Engine, Error, Inner, effects, presence::Place};
use crate::{
    audit,
    lifecycle::{
        self, Applet, Event, Registration, TokenState, TokenType, card_type::SeenCard,
        token_type::Seen,
    },
    store::{
        self, HostId, Micros, Page, TokenId, TokenTypeId, Write, operation,
        token::{self, Facts, Token},
        token_type,
    },
};

impl Engine {
    /// Looks again at every token that is not registered: token types have changed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn recognise(&self) -> store::Result<()> {
        let inner = &self.0;
        let mut tx = inner.store.write().await?;
        let filter = token::Filter {
            state: Some(TokenState::Unregistered),
            ..token::Filter::default()
        };
        let mut page = Page::first(500);
        loop {
            let listed = token::list(&mut tx, &filter, page).await?;
            for mut row in listed.rows {
                inner.register_if_known(&mut tx, &mut row).await?;
            }
            match listed.next {
                Some(after) => page.after = Some(after),
                None => break,
            }
        }
        tx.commit().await
    }

    /// Registers a token of a type that is registered by hand.
    ///
    /// # Errors
    /// When there is none, no token type knows it, or it is registered already.
    pub async fn register(&self, id: TokenId, actor: &str) -> Result<Token, Error> {
        let inner = &self.0;
        let mut tx = inner.store.write().await?;
        let mut row = token::get(&mut tx, id)
            .await?
            .ok_or_else(|| Error::NotFound {
                what: "token",
                id: id.to_string(),
            })?;
        lifecycle::after(row.state, Event::Register)?;
        let known = recognised(&mut tx, &row).await?;
        let (token_type, _) = known.ok_or_else(|| Error::WrongType {
            template: "any".into(),
            token_type: "none".into(),
        })?;
        if is_card(&mut tx, token_type).await? {
            return Err(Error::NotACard);
        }
        inner
            .set_registered(&mut tx, &mut row, token_type, actor)
            .await?;
        tx.commit().await?;
        Ok(row)
    }
}

impl Inner {
    /// A token was plugged in, or what is known of it changed.
    pub(super) async fn seen(&self, host: HostId, seen: Arc<agent::Token>) -> store::Result<()> {
        if seen.fido.is_none() && seen.card.is_none() {
            tracing::warn!(%host, fault = %seen.fault, "a token cannot be read");
            return Ok(());
        }
        // A card without a FIDO2 applet has no AAGUID.
        let aaguid = match &seen.fido {
            Some(fido) => <[u8; 16]>::try_from(fido.aaguid.as_slice()),
            None => Ok([0; 16]),
        };
        let Ok(aaguid) = aaguid else {
            tracing::warn!(%host, "a token has an AAGUID that is not 16 bytes long");
            return Ok(());
        };
        let place = Place {
            host,
            presence_id: seen.presence_id.clone(),
        };
        let identity = told::identity(&seen);
        let known = match self.presence.at(host, &seen.presence_id) {
            Some(known) => Some(known),
            None => self.find(&seen, &place, aaguid).await?,
        };
        let now = self.clock.now();
        let mut tx = self.store.write().await?;
        let found = match (&identity, known) {
            (_, Some(id)) => token::get(&mut tx, id).await?,
            (Some(identity), None) => token::by_identity(&mut tx, identity).await?,
            (None, None) => None,
        };
        let fresh = Token {
            id: found.as_ref().map_or_else(TokenId::new, |row| row.id),
            identity,
            serial: told::serial(&seen),
            model: told::model(&seen),
            aaguid,
            is_virtual: seen.r#virtual,
            token_type_id: None,
            state: TokenState::Unregistered,
            needs_reset: false,
            user_id: None,
            template_id: None,
            host_id: Some(host),
            presence_id: Some(seen.presence_id.clone()),
            facts: told::facts(&seen),
            last_seen_at: Some(now),
            created_at: now,
        };
        let mut news = true;
        let mut row = match found {
            None => {
                token::insert(&mut tx, &fresh).await?;
                fresh
            }
            Some(old) => {
                let row = Token {
                    identity: old.identity.clone(),
                    token_type_id: old.token_type_id,
                    state: old.state,
                    needs_reset: old.needs_reset,
                    user_id: old.user_id,
                    template_id: old.template_id,
                    created_at: old.created_at,
                    facts: Facts {
                        inspected: old.facts.inspected.clone(),
                        ..fresh.facts
                    },
                    ..fresh
                };
                news = !same(&old, &row, now);
                if news {
                    token::update(&mut tx, &row).await?;
                }
                row
            }
        };
        let present = self.hosts.present();
        let is_there = |place: &Place| {
            present.iter().any(|there| {
                there.host == place.host && there.token.presence_id == place.presence_id
            })
        };
        if !is_there(&place) {
            // Gone again meanwhile.
            return tx.commit().await;
        }
        if let Err(other) = self.presence.put(row.id, place, is_there) {
            tracing::warn!(token = %row.id, %host, other = %other.host,
                "two tokens claim one serial; the second one is not used");
            return tx.commit().await;
        }
        self.register_if_known(&mut tx, &mut row).await?;
        let waited_for = operation::any_open(&mut tx, row.id).await?;
        let behind = self.behind(&mut tx, &row).await?;
        if !news && !waited_for && !behind && row.state != TokenState::Unregistered {
            return Ok(());
        }
        // After the presence: whoever decides from now on sees the token.
        operation::wake_token(&mut tx, row.id).await?;
        tx.commit().await?;
        self.due.notify_one();
        if behind {
            self.move_on(row.id).await?;
        }
        Ok(())
    }

    async fn register_if_known(&self, tx: &mut Write<'_>, row: &mut Token) -> store::Result<()> {
        if row.state != TokenState::Unregistered {
            return Ok(());
        }
        match recognised(tx, row).await? {
            // A card by an operation, which takes its admin key over.
            Some((token_type, Registration::Automatic)) if !is_card(tx, token_type).await? => {
                self.set_registered(tx, row, token_type, "system").await
            }
            Some((token_type, _)) => {
                row.token_type_id = Some(token_type);
                token::update(tx, row).await
            }
            None => Ok(()),
        }
    }

    async fn set_registered(
        &self,
        tx: &mut Write<'_>,
        row: &mut Token,
        token_type: TokenTypeId,
        actor: &str,
    ) -> store::Result<()> {
        let from = row.state;
        row.token_type_id = Some(token_type);
        row.state = TokenState::Registered;
        token::update(tx, row).await?;
        let at = self.clock.now();
        let change = token::Change {
            at,
            event: Event::Register.as_str().to_owned(),
            from,
            to: row.state,
            operation_id: None,
        };
        token::add_change(tx, row.id, &change).await?;
        let mut facts = Map::new();
        facts.insert("token_type".into(), json!(token_type));
        facts.insert("serial".into(), json!(row.serial));
        facts.insert("model".into(), json!(row.model));
        let entry = audit::Entry {
            at,
            actor: actor.to_owned(),
            verb: effects::move_verb(Event::Register),
            object: format!("token:{}", row.id),
            operation: None,
            outcome: audit::Outcome::Ok,
            facts,
        };
        audit::append(tx, entry).await.map(drop)
    }
}

/// The token type that recognises it: one that names its model before one that
/// takes any.
async fn recognised(
    tx: &mut Write<'_>,
    row: &Token,
) -> store::Result<Option<(TokenTypeId, Registration)>> {
    let types: Vec<token_type::Row<TokenType>> = token_type::list(tx).await?;
    let applets: Vec<Applet> = row
        .facts
        .applets
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let card = row.facts.card.as_ref();
    let atr = card.and_then(|card| hex::decode(&card.atr).ok());
    let atr = atr.unwrap_or_default();
    let has_fido = card.is_none() || !row.facts.versions.is_empty();
    let seen = Seen {
        aaguid: has_fido.then_some(row.aaguid),
        is_virtual: row.is_virtual,
        card: card.map(|card| SeenCard {
            atr: &atr,
            applets: &applets,
            label: &card.label,
        }),
    };
    let fits = |t: &&token_type::Row<TokenType>| t.definition.recognises(seen);
    let best = types
        .iter()
        .filter(fits)
        .max_by_key(|t| (t.definition.precision(), core::cmp::Reverse(t.id)));
    Ok(best.map(|t| (t.id, t.definition.registration)))
}

/// Whether tokens of this type are registered by an operation.
async fn is_card(tx: &mut Write<'_>, id: TokenTypeId) -> store::Result<bool> {
    let row: Option<token_type::Row<TokenType>> = token_type::get(tx, id).await?;
    Ok(row.is_some_and(|row| row.definition.card.is_some()))
}

/// Whether there is nothing to write down: it was seen like this, there, lately.
fn same(old: &Token, new: &Token, now: Micros) -> bool {
    let lately = |at: Micros| now.since(at) < LATELY;
    old.last_seen_at.is_some_and(lately)
        && *old
            == Token {
                last_seen_at: old.last_seen_at,
                ..new.clone()
            }
}

/// `last_seen_at` is true to within this.
const LATELY: Duration = Duration::from_secs(5 * 60);
