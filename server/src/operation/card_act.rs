//! What this server does for cards without a step at one: it answers a challenge that
//! was read over the phone, tells a PUK, makes another card master key.

use serde_json::{Map, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Engine, Error, Inner, admin_keys, pins};
use crate::{
    audit::{self, Entry, Outcome},
    lifecycle::{Applet, Cipher, Invalid, TokenState},
    store::{
        Reads, TokenId, Write, answered_challenge,
        card::{self, AdminKey, Card},
        card_master_key::{self, CardMasterKey},
        sealed_secret::{self, Kind, State},
        token::{self, Token},
    },
};

impl Engine {
    /// The response that a GIDS card takes for its challenge: 3DES under its admin key.
    /// A challenge is answered once. Answered or refused, it is in the audit.
    ///
    /// # Errors
    /// When the token is no such card, or the challenge was answered.
    pub async fn answer_challenge(
        &self,
        id: TokenId,
        challenge: [u8; 8],
        actor: &str,
    ) -> Result<[u8; 8], Error> {
        let answered = self.0.answer_challenge(id, challenge, actor).await;
        if let Err(why) = &answered {
            let verb = "card.answer-challenge";
            self.0.record_refusal(id, verb, actor, why).await?;
        }
        answered
    }

    /// The PUK of a card that is not at hand: once. It is spent from then on, and gives
    /// way to another as soon as the card is seen. Told or refused, it is in the audit.
    ///
    /// # Errors
    /// When this server holds none, told it before, or sees the card: it would be changed
    /// before anybody can type it.
    pub async fn release_puk(&self, id: TokenId, actor: &str) -> Result<Zeroizing<String>, Error> {
        let told = self.0.release_puk(id, actor).await;
        if let Err(why) = &told {
            let verb = "card.release-puk";
            self.0.record_refusal(id, verb, actor, why).await?;
        }
        told
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
        let made = inner.masters.make(comment, actor).await?;
        for token in inner.presence.tokens() {
            inner.move_on(token).await?;
        }
        Ok(made)
    }
}

impl Inner {
    async fn answer_challenge(
        &self,
        id: TokenId,
        challenge: [u8; 8],
        actor: &str,
    ) -> Result<[u8; 8], Error> {
        let hash: [u8; 32] = Sha256::digest(challenge).into();
        let mut read = self.store.read().await?;
        let (_, card, which) = answerable(&mut read, id, &hash).await?;
        let generations = card_master_key::list(&mut read).await?;
        drop(read);
        let key = admin_keys::ask(&self.keys, move |keys| {
            keys.admin_key(&generations, which, &card.card_id)
        });
        let answer = key
            .await?
            .answer(Cipher::TripleDes, &[], &challenge)
            .and_then(|answered| <[u8; 8]>::try_from(answered.challenge).ok())
            .ok_or_else(|| {
                let allowed = "a card with an admin key of 3DES";
                refused("token", which.cipher.as_str(), allowed)
            })?;
        let mut tx = self.store.write().await?;
        // Meanwhile another may have asked, or the card have got another key.
        let (token, _, now) = answerable(&mut tx, id, &hash).await?;
        if now != which {
            return Err(unsettled());
        }
        answered_challenge::insert(&mut tx, id, &hash, self.clock.now()).await?;
        let facts = [("challenge", json!(hex::encode(challenge)))];
        let verb = "card.answer-challenge";
        self.record_reading(&mut tx, &token, verb, actor, Outcome::Ok, facts)
            .await?;
        // Before the response leaves.
        tx.commit().await?;
        Ok(answer)
    }

    async fn release_puk(&self, id: TokenId, actor: &str) -> Result<Zeroizing<String>, Error> {
        let mut tx = self.store.write().await?;
        let (token, mut card) = in_use(&mut tx, id).await?;
        if self.presence.of(id).is_some() {
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
        let puk = pins::open(&self.keys, secret)?;
        card.puk_spent = true;
        card::put(&mut tx, &card).await?;
        let verb = "card.release-puk";
        self.record_reading(&mut tx, &token, verb, actor, Outcome::Ok, [])
            .await?;
        // Before the PUK leaves.
        tx.commit().await?;
        if self.presence.of(id).is_some() {
            self.move_on(id).await?;
        }
        Ok(puk)
    }

    /// Who asks for what is not told is written down as well.
    async fn record_refusal(
        &self,
        id: TokenId,
        verb: &'static str,
        actor: &str,
        why: &Error,
    ) -> Result<(), Error> {
        let mut tx = self.store.write().await?;
        let Some(token) = token::get(&mut tx, id).await? else {
            return Ok(());
        };
        let outcome = match why {
            Error::Invalid(_) | Error::NotACard => Outcome::Denied,
            _ => Outcome::Failed,
        };
        let facts = [("why", json!(why.to_string()))];
        self.record_reading(&mut tx, &token, verb, actor, outcome, facts)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn record_reading<const N: usize>(
        &self,
        tx: &mut Write<'_>,
        token: &Token,
        verb: &'static str,
        actor: &str,
        outcome: Outcome,
        facts: [(&str, serde_json::Value); N],
    ) -> Result<(), Error> {
        let facts = facts.map(|(name, value)| (name.to_owned(), value));
        let entry = Entry {
            at: self.clock.now(),
            actor: actor.to_owned(),
            verb,
            object: format!("token:{}", token.id),
            operation: None,
            outcome,
            facts: Map::from_iter(facts),
        };
        audit::append(tx, entry).await?;
        Ok(())
    }
}

/// A GIDS card whose admin key is known for sure, and which did not show this
/// challenge before.
async fn answerable(
    from: &mut impl Reads,
    id: TokenId,
    hash: &[u8; 32],
) -> Result<(Token, Card, AdminKey), Error> {
    let (token, card) = in_use(from, id).await?;
    if card.applet != Applet::Gids {
        return Err(refused(
            "token",
            "a PIV card",
            "a GIDS card: PIV has no challenge for its PIN; release its PUK instead",
        ));
    }
    if card.pending.is_some() {
        return Err(unsettled());
    }
    if answered_challenge::is_known(from, id, hash).await? {
        return Err(refused(
            "challenge",
            "one that was answered before",
            "the challenge that the card shows now: a card never repeats one",
        ));
    }
    let which = card.admin.ok_or(Error::NotACard)?;
    Ok((token, card, which))
}

fn unsettled() -> Error {
    refused(
        "token",
        "a card whose admin key may have changed",
        "a card that was seen since its admin key was changed",
    )
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
