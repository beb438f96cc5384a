//! What this server does for cards without a step at one: it answers a challenge that
//! was read over the phone, tells a PUK, makes another card master key.

use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Engine, Error, pins};
use crate::{
    audit::{self, Entry, Outcome},
    lifecycle::{Applet, Cipher, Invalid, TokenState},
    store::{
        Micros, Reads, TokenId, Write,
        card::{self, Card},
        card_master_key::{self, CardMasterKey},
        sealed_secret::{self, Kind, State},
        token::{self, Token},
    },
};

impl Engine {
    /// The response that a GIDS card takes for its challenge: 3DES under its admin key.
    /// A challenge is answered once.
    ///
    /// # Errors
    /// When the token is no such card, or the challenge was answered.
    pub async fn answer_challenge(
        &self,
        id: TokenId,
        challenge: [u8; 8],
        actor: &str,
    ) -> Result<[u8; 8], Error> {
        let inner = &self.0;
        let mut tx = inner.store.write().await?;
        let (token, mut card) = in_use(&mut tx, id).await?;
        if card.applet != Applet::Gids {
            return Err(refused(
                "token",
                "a PIV card",
                "a GIDS card: PIV has no challenge for its PIN; release its PUK instead",
            ));
        }
        if card.pending.is_some() {
            return Err(refused(
                "token",
                "a card whose admin key may have changed",
                "a card that was seen since its admin key was changed",
            ));
        }
        let hash = Sha256::digest(challenge).to_vec();
        if card.answered.as_ref() == Some(&hash) {
            return Err(refused(
                "challenge",
                "one that was answered before",
                "the challenge that the card shows now: a card never repeats one",
            ));
        }
        let which = card.admin.ok_or(Error::NotACard)?;
        let generations = card_master_key::list(&mut tx).await?;
        let key = inner.keys.admin_key(&generations, which, &card.card_id)?;
        let answered = key
            .answer(Cipher::TripleDes, &[], &challenge)
            .and_then(|answered| <[u8; 8]>::try_from(answered.challenge).ok())
            .ok_or_else(|| {
                let allowed = "a card with an admin key of 3DES";
                refused("token", which.cipher.as_str(), allowed)
            })?;
        card.answered = Some(hash);
        card::put(&mut tx, &card).await?;
        let now = inner.clock.now();
        let facts = [("challenge", json!(hex::encode(challenge)))];
        record(&mut tx, &token, "card.answer-challenge", actor, now, facts).await?;
        // Before the response leaves.
        tx.commit().await?;
        Ok(answered)
    }

    /// The PUK of a card that is not at hand: once. It is spent from then on, and gives
    /// way to another as soon as the card is seen.
    ///
    /// # Errors
    /// When this server holds none, told it before, or sees the card: it would be changed
    /// before anybody can type it.
    pub async fn release_puk(&self, id: TokenId, actor: &str) -> Result<Zeroizing<String>, Error> {
        let inner = &self.0;
        let mut tx = inner.store.write().await?;
        let (token, mut card) = in_use(&mut tx, id).await?;
        if inner.presence.of(id).is_some() {
            return Err(refused(
                "token",
                "a card that is at hand",
                "a card that is away; one that is at hand: keysteward card unblock",
            ));
        }
        if card.puk_spent {
            return Err(refused(
                "token",
                "a card whose PUK was told to somebody",
                "a card that was seen since: its PUK is changed then",
            ));
        }
        let secrets = sealed_secret::of_token(&mut tx, id).await?;
        let held = |state| {
            let like = |s: &&sealed_secret::SealedSecret| s.kind == Kind::Puk && s.state == state;
            secrets.iter().find(|s| like(s))
        };
        if held(State::Pending).is_some() {
            return Err(refused(
                "token",
                "a card whose PUK may have changed",
                "a card that was seen since its PUK was changed",
            ));
        }
        let secret = held(State::Current).ok_or(Error::NotACard)?;
        let puk = pins::open(&inner.keys, secret)?;
        card.puk_spent = true;
        card::put(&mut tx, &card).await?;
        let now = inner.clock.now();
        record(&mut tx, &token, "card.release-puk", actor, now, []).await?;
        // Before the PUK leaves.
        tx.commit().await?;
        if inner.presence.of(id).is_some() {
            inner.move_on(id).await?;
        }
        Ok(puk)
    }

    /// A new generation of the card master key. Cards of older ones stay operable, and
    /// are moved when they are seen.
    ///
    /// # Errors
    /// When the PKCS #11 token does not make one.
    pub async fn new_card_master(
        &self,
        comment: &str,
        actor: &str,
    ) -> Result<CardMasterKey, Error> {
        let inner = &self.0;
        if comment.chars().count() > 200 || comment.contains(char::is_control) {
            let allowed = "at most 200 printable characters";
            return Err(refused("comment", "something else", allowed));
        }
        let mut tx = inner.store.write().await?;
        let made = inner.make_card_master(&mut tx, comment, actor).await?;
        tx.commit().await?;
        for token in inner.presence.tokens() {
            inner.move_on(token).await?;
        }
        Ok(made)
    }
}

impl super::Inner {
    /// The next generation, in the caller's transaction.
    pub(super) async fn make_card_master(
        &self,
        tx: &mut Write<'_>,
        comment: &str,
        actor: &str,
    ) -> Result<CardMasterKey, Error> {
        let newest = card_master_key::list(tx).await?;
        let generation = newest
            .last()
            .map_or(0, |row| row.generation)
            .saturating_add(1);
        let now = self.clock.now();
        let made = self.keys.new_card_master(generation, comment, actor, now)?;
        card_master_key::insert(tx, &made).await?;
        let mut facts = Map::new();
        facts.insert("generation".into(), json!(generation));
        facts.insert("custody".into(), json!(made.custody));
        facts.insert("comment".into(), json!(comment));
        let entry = Entry {
            at: now,
            actor: actor.to_owned(),
            verb: "card-master-key.create",
            object: format!("card-master-key:{generation}"),
            operation: None,
            outcome: Outcome::Ok,
            facts,
        };
        audit::append(tx, entry).await?;
        Ok(made)
    }
}

/// A card of ours in somebody's hands.
async fn in_use(from: &mut impl Reads, id: TokenId) -> Result<(Token, Card), Error> {
    let token = token::get(from, id).await?.ok_or_else(|| Error::NotFound {
        what: "token",
        id: id.to_string(),
    })?;
    let card = card::get(from, id).await?.ok_or(Error::NotACard)?;
    if matches!(token.state, TokenState::Active | TokenState::Suspended) {
        return Ok((token, card));
    }
    Err(refused(
        "token",
        token.state.as_str(),
        "a card that is active or suspended",
    ))
}

fn refused(field: &'static str, found: &str, allowed: &str) -> Error {
    Error::Invalid(Invalid::new(field, found, allowed))
}

async fn record<const N: usize>(
    tx: &mut Write<'_>,
    token: &Token,
    verb: &'static str,
    actor: &str,
    at: Micros,
    facts: [(&str, serde_json::Value); N],
) -> Result<(), Error> {
    let entry = Entry {
        at,
        actor: actor.to_owned(),
        verb,
        object: format!("token:{}", token.id),
        operation: None,
        outcome: Outcome::Ok,
        facts: facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    };
    audit::append(tx, entry).await?;
    Ok(())
}
