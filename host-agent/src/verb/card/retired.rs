//! The places of a PIV card for keys of the past, and its key history, which says how many of them
//! to look at. SP 800-73-5 part 1 §3.3.3.
//!
//! Keys whose certificates are on the card fill the places from the first one on, and readers look
//! at as many as key history counts. So it counts up to the last place that holds a certificate,
//! an empty one in between included, which the next key fills.

use keysteward_core::piv::{
    KeyReference, ObjectId, key_history::KeyHistory, session::AdminVerified, yubico::metadata,
};

use super::session::PivSession;
use crate::verb::{Code, Failure};

/// The first place without a key and without a certificate. The card has to tell of its keys.
pub(super) fn free(session: &mut PivSession<'_, '_>) -> Result<u8, Failure> {
    for place in 0..KeyReference::RETIRED {
        let key = KeyReference::Retired(place);
        let told = session.metadata(metadata::Request { of: key.id() })?;
        if told.is_none() && session.read_object(key.certificate())?.is_none() {
            return Ok(place);
        }
    }
    Err(Failure::new(
        Code::NoRoom,
        "every retired place of the card holds a key or a certificate; delete one that nobody \
         needs any more (delete_container)",
    ))
}

/// Has key history end at the last place that holds a certificate, once `place` was filled or
/// emptied.
pub(super) fn recount(
    session: &mut PivSession<'_, '_>,
    admin: &AdminVerified,
    place: u8,
) -> Result<(), Failure> {
    let history = History::read(session)?;
    let mut on_card = history.on_card.max(place.saturating_add(1));
    while let Some(last) = on_card.checked_sub(1) {
        let object = KeyReference::Retired(last).certificate();
        if last < KeyReference::RETIRED && session.read_object(object)?.is_some() {
            break;
        }
        on_card = last;
    }
    history.write(session, admin, on_card)
}

/// Key history as it stands.
struct History {
    on_card: u8,
    off_card: u8,
    url: Vec<u8>,
}

impl History {
    /// One that cannot be read counts nothing, as for those who look at a card.
    fn read(session: &mut PivSession<'_, '_>) -> Result<Self, Failure> {
        let content = session.read_object(ObjectId::KEY_HISTORY)?;
        let told = content.and_then(|content| KeyHistory::parse(content).ok());
        let told = told.unwrap_or_default();
        Ok(Self {
            on_card: told.on_card,
            off_card: told.off_card,
            url: told.url.to_vec(),
        })
    }

    fn write(
        &self,
        session: &mut PivSession<'_, '_>,
        admin: &AdminVerified,
        on_card: u8,
    ) -> Result<(), Failure> {
        if on_card == self.on_card {
            return Ok(());
        }
        let history = KeyHistory {
            on_card,
            off_card: self.off_card,
            url: &self.url,
        };
        let mut room = [0; LONGEST];
        let content = history
            .encode(&mut room)
            .map_err(|_| Failure::new(Code::NoRoom, "the card's key history is too long"))?;
        session.write_object(admin, ObjectId::KEY_HISTORY, content)?;
        Ok(())
    }
}

/// Two counts, an address of at most 118 bytes, and an empty check. SP 800-73-5 part 1 table 13.
const LONGEST: usize = 256;
