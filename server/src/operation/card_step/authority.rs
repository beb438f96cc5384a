//! What speaks with authority to a card: its admin key, its PUK, the secrets of its
//! factory.

use keysteward_proto::agent::v1::AdminProof;
use zeroize::Zeroizing;

use super::card_of;
use crate::{
    key_store::{AdminKey, FactorySecrets, KeyStore},
    lifecycle::{Applet, Cipher},
    operation::{
        admin_keys::{Source, Wanted},
        pins,
        plan::AdminKeyIs,
        token_step::Unprepared,
        work::Work,
    },
    store::{
        Write,
        sealed_secret::{Kind, State},
    },
};

/// The admin key that the card has: as it was found, else as it is written down.
pub(super) fn admin(
    wanted: &mut Wanted,
    keys: &KeyStore,
    work: &Work,
) -> Result<AdminProof, Unprepared> {
    let found = work.progress.admin;
    wanted.proof(
        match found.or(card_of(work)?.admin.map(AdminKeyIs::Derived)) {
            Some(AdminKeyIs::Derived(which)) => Source::Derived(which),
            _ => Source::Given(AdminKey::given(&factory(keys, work)?.admin_key)),
        },
    )
}

/// The admin keys that a card may have: the one it was to get, the one it had, that
/// of the factory.
pub(super) fn candidates(keys: &KeyStore, work: &Work) -> Result<Vec<Source>, Unprepared> {
    let card = card_of(work)?;
    let ours = [card.pending, card.admin].into_iter().flatten();
    let mut found: Vec<_> = ours.map(Source::Derived).collect();
    if let Ok(factory) = factory(keys, work) {
        found.push(Source::Given(AdminKey::given(&factory.admin_key)));
    }
    Ok(found)
}

/// In which order they were asked about.
pub(in crate::operation) fn candidate(work: &Work, number: usize) -> Option<AdminKeyIs> {
    let card = work.card.as_ref()?;
    [card.pending, card.admin]
        .into_iter()
        .flatten()
        .map(AdminKeyIs::Derived)
        .chain([AdminKeyIs::Factory])
        .nth(number)
}

/// What sets a PIN that nobody has to know: the PUK, or the admin key.
pub(super) fn by_authority(
    wanted: &mut Wanted,
    keys: &KeyStore,
    work: &Work,
    applet: Option<Applet>,
) -> Result<(String, Option<AdminProof>), Unprepared> {
    match applet {
        Some(Applet::Gids) => Ok((String::new(), Some(admin(wanted, keys, work)?))),
        _ => Ok((held_puk(keys, work)?.to_string(), None)),
    }
}

pub(super) fn held_puk(keys: &KeyStore, work: &Work) -> Result<Zeroizing<String>, Unprepared> {
    let held = work
        .secret(Kind::Puk, State::Current)
        .ok_or_else(|| Unprepared::Lacks("this server does not hold the PUK of the card".into()))?;
    Ok(pins::open(keys, held)?)
}

/// The PUK of the factory as the one that the card is to get: what became of an attempt
/// that was cut off is asked as of any other PUK.
pub(super) async fn factory_puk(
    tx: &mut Write<'_>,
    keys: &KeyStore,
    work: &mut Work,
) -> Result<Zeroizing<String>, Unprepared> {
    let puk = Zeroizing::new(factory(keys, work)?.puk.clone());
    if !work.progress.factory_puk {
        let place = (work.token.id, work.operation.id);
        let kind = (Kind::Puk, State::Pending);
        let secret = pins::put(tx, keys, place, kind, &puk, work.now).await?;
        work.secrets
            .retain(|held| (held.kind, held.state) != (Kind::Puk, State::Pending));
        work.secrets.push(secret);
        work.progress.factory_puk = true;
    }
    Ok(puk)
}

/// What a key of the factory is a key of: 24 bytes are SP 800-73's own default, 3DES.
pub(super) const fn cipher_of(key: &[u8]) -> Cipher {
    match key.len() {
        16 => Cipher::Aes128,
        32 => Cipher::Aes256,
        _ => Cipher::TripleDes,
    }
}

pub(super) fn factory(keys: &KeyStore, work: &Work) -> Result<FactorySecrets, Unprepared> {
    let row = work.token_type.as_ref();
    let sealed = row.and_then(|row| Some((row.id, row.sealed_factory.as_ref()?)));
    let (id, sealed) = sealed.ok_or_else(|| {
        Unprepared::Lacks("the type of the card has no admin key of the factory".into())
    })?;
    Ok(keys.open_factory(&id.to_string(), sealed)?)
}
