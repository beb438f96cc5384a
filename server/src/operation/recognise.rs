//! From what an agent sees to a token of ours.
//!
//! A token that tells a serial is `vendor:product:serial`. One that tells none
//! is known again by its presence (until it is unplugged), then by a silent look
//! for the credentials that we issued; else it is one of its model that never had any.

use core::time::Duration;
use std::{collections::BTreeMap, sync::Arc};

use keysteward_proto::agent::v1::{
    self as agent, CardFacts as SeenFacts, FidoFacts, Step, step::Verb, step_result::Result as Told,
};
use serde_json::{Map, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Ask, Engine, Error, Inner, Request, effects, hosts::StepRequest, presence::Place};
use crate::{
    audit,
    lifecycle::{
        self, Applet, Event, Registration, TokenState, TokenType, card_type::SeenCard,
        token_type::Seen,
    },
    store::{
        self, HostId, Micros, Page, TokenId, TokenTypeId, Write,
        card::{self, Card},
        card_master_key,
        credential::{self, OnToken},
        operation,
        token::{self, CardFacts, Facts, Token},
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
        let identity = identity(&seen);
        let known = match self.presence.at(host, &seen.presence_id) {
            Some(known) => Some(known),
            None => match self.find_card(&seen).await? {
                Some(known) => Some(known),
                None if identity.is_none() && seen.fido.is_some() => {
                    self.find_by_credentials(&place, aaguid).await?
                }
                None => None,
            },
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
            serial: serial(&seen),
            model: model(&seen),
            aaguid,
            is_virtual: seen.r#virtual,
            token_type_id: None,
            state: TokenState::Unregistered,
            needs_reset: false,
            user_id: None,
            template_id: None,
            host_id: Some(host),
            presence_id: Some(seen.presence_id.clone()),
            facts: facts(&seen),
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

    /// Whether a card waits for something that nobody asks for: a PUK that was told to
    /// somebody, or an admin key of an older generation.
    async fn behind(&self, from: &mut Write<'_>, row: &Token) -> store::Result<bool> {
        let Some(card) = card::get(from, row.id).await? else {
            return Ok(false);
        };
        Ok(card.puk_spent || self.has_older_key(from, row, &card).await?)
    }

    async fn has_older_key(
        &self,
        from: &mut Write<'_>,
        row: &Token,
        card: &Card,
    ) -> store::Result<bool> {
        let in_use = !matches!(row.state, TokenState::Unregistered | TokenState::Retired);
        let newest = card_master_key::list(from).await?;
        let newest = newest.last().map(|row| row.generation);
        Ok(in_use && card.admin.is_some_and(|key| Some(key.generation) < newest))
    }

    /// Starts that, unless another operation has the card.
    pub(super) async fn move_on(&self, id: TokenId) -> store::Result<()> {
        let mut tx = self.store.write().await?;
        let row = token::get(&mut tx, id).await?;
        let card = card::get(&mut tx, id).await?;
        let (Some(row), Some(card)) = (row, card) else {
            return Ok(());
        };
        let ask = match () {
            () if card.puk_spent => Ask::RotatePuk { token: id },
            () if self.has_older_key(&mut tx, &row, &card).await? => {
                Ask::ChangeAdminKey { token: id }
            }
            () => return Ok(()),
        };
        drop(tx);
        let request = Request {
            id: None,
            ask,
            batch: None,
            valid_for: None,
        };
        match self.accept(&request, "system").await {
            Ok(_) => self.due.notify_one(),
            // It is asked again when the card is seen next.
            Err(why) => tracing::debug!(token = %id, %why, "the card stays as it is"),
        }
        Ok(())
    }

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
    async fn find_card(&self, seen: &agent::Token) -> store::Result<Option<TokenId>> {
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

/// What a token is known by from the first time on: the serial of its link; else
/// the GUID or cardid of a card; else the serial that its applet tells, which some
/// makers give to every card, and which is better than nothing on a blank one.
fn identity(seen: &agent::Token) -> Option<String> {
    if !seen.serial.is_empty() {
        return Some(format!(
            "{:04x}:{:04x}:{}",
            seen.vendor_id, seen.product_id, seen.serial
        ));
    }
    let card = seen.card.as_ref()?;
    let id = card_id(card);
    if !id.is_empty() {
        return Some(format!("card:{}", hex::encode(id)));
    }
    let serial = card.piv.as_ref().map_or(0, |piv| piv.serial);
    (serial != 0).then(|| format!("piv:{serial}"))
}

/// For people.
fn serial(seen: &agent::Token) -> String {
    let piv = seen.card.as_ref().and_then(|card| card.piv.as_ref());
    match piv.map_or(0, |piv| piv.serial) {
        serial if serial != 0 && seen.serial.is_empty() => serial.to_string(),
        _ => seen.serial.clone(),
    }
}

/// GUID or cardid; empty: it has none.
pub(super) fn card_id(card: &SeenFacts) -> Vec<u8> {
    let piv = card.piv.as_ref().map(|piv| piv.guid.clone());
    let gids = card.gids.as_ref().map(|gids| gids.card_id.clone());
    let has_one = |id: &Vec<u8>| id.iter().any(|byte| *byte != 0);
    piv.filter(has_one)
        .or(gids.filter(has_one))
        .unwrap_or_default()
}

/// What a card told, for the database.
pub(super) fn card_facts(card: &SeenFacts) -> CardFacts {
    let piv = card.piv.clone().unwrap_or_default();
    let gids = card.gids.clone().unwrap_or_default();
    let (pin, puk) = match &card.piv {
        Some(_) => (piv.pin, piv.puk),
        None => (gids.pin, gids.puk),
    };
    let tries = |told: &Option<agent::PinFacts>| told.as_ref().and_then(|told| told.tries_left);
    let printable = |text: &str| -> String {
        let text = text.chars().filter(|c| !c.is_control());
        text.take(128).collect()
    };
    CardFacts {
        atr: hex::encode_upper(&card.atr),
        reader: printable(&card.reader),
        label: printable(&piv.label),
        version: printable(&piv.version),
        id: hex::encode(card_id(card)),
        admin_algorithm: piv.admin_algorithm,
        admin_key_is_default: piv.admin_key_is_default,
        pin_tries: tries(&pin),
        puk_tries: tries(&puk),
        puk_is_default: puk.and_then(|puk| puk.is_default),
    }
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

fn model(seen: &agent::Token) -> String {
    let name = match (seen.manufacturer.trim(), seen.product.trim()) {
        ("", "") if seen.card.is_some() => {
            let piv = seen.card.as_ref().and_then(|card| card.piv.as_ref());
            let label = piv.map(|piv| piv.label.trim().to_owned());
            label
                .filter(|label| !label.is_empty())
                .unwrap_or_else(|| "smart card".into())
        }
        ("", "") => format!("{:04x}:{:04x}", seen.vendor_id, seen.product_id),
        ("", product) => product.to_owned(),
        (maker, product) if product.starts_with(maker) => product.to_owned(),
        (maker, product) => format!("{maker} {product}"),
    };
    name.chars().filter(|c| !c.is_control()).take(128).collect()
}

fn facts(seen: &agent::Token) -> Facts {
    let fido = seen.fido.clone().unwrap_or_default();
    let fido: &FidoFacts = &fido;
    Facts {
        transport: seen.transport.clone(),
        vendor_id: seen.vendor_id,
        product_id: seen.product_id,
        manufacturer: seen.manufacturer.clone(),
        product: seen.product.clone(),
        versions: fido.versions.clone(),
        extensions: fido.extensions.clone(),
        options: fido.options.clone().into_iter().collect(),
        firmware_version: fido.firmware_version,
        min_pin_length: fido.min_pin_length,
        max_pin_length: fido.max_pin_length,
        force_pin_change: fido.force_pin_change,
        pin_protocols: fido.pin_protocols.clone(),
        remaining_discoverable_credentials: fido.remaining_discoverable_credentials,
        algorithms: fido.algorithms.clone(),
        max_credential_count_in_list: fido.max_credential_count_in_list,
        transports: fido.transports.clone(),
        attestation_formats: fido.attestation_formats.clone(),
        max_rp_ids_for_set_min_pin_length: fido.max_rp_ids_for_set_min_pin_length,
        unknown: fido.unknown.clone().into_iter().collect(),
        fault: seen.fault.clone(),
        applets: seen.applets.clone(),
        card: seen.card.as_ref().map(card_facts),
    }
}

/// `last_seen_at` is true to within this.
const LATELY: Duration = Duration::from_secs(5 * 60);
/// The agent splits it further where the token takes fewer.
const LOOKED_FOR_AT_ONCE: usize = 64;
