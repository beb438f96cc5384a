//! What a template asks of certification authorities, compared with what they say that
//! their profiles want: before a card is at stake.
//!
//! An authority that is away refuses the template. It is made once, by somebody who can
//! do it again in a moment; taken unasked, its mistake would show when a key is on a
//! card and its user waits.

use std::collections::{HashMap, hash_map::Entry};

use keysteward_proto::server::v1 as wire;
use tonic::{Code, Status};

use super::{Rooms, names, refusal::Refusal};
use crate::{
    connector::ca::{FieldName, Profile, Unfit},
    store::ConnectionId,
};

/// Asks each authority once.
pub(super) async fn check(rooms: &Rooms, card: &wire::CardSection) -> Result<(), Status> {
    let mut known: HashMap<ConnectionId, Vec<Profile>> = HashMap::new();
    for slot in &card.certificates {
        let mut read = rooms.store.read().await?;
        let connection = names::connection(&mut read, &slot.connection).await?;
        drop(read);
        let profiles = match known.entry(connection.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let authority = rooms
                    .engine
                    .authority(&connection)
                    .map_err(|why| no_authority(&slot.connection, &why))?;
                let profiles = authority.profiles().await;
                let profiles =
                    profiles.map_err(|error| away(&slot.connection, &error.to_string()))?;
                unknown.insert(profiles)
            }
        };
        fits(slot, profiles)?;
    }
    Ok(())
}

fn fits(slot: &wire::CertificateSlot, profiles: &[Profile]) -> Result<(), Refusal> {
    let Some(profile) = profiles.iter().find(|profile| profile.id == slot.profile) else {
        let ids: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).collect();
        return Err(Refusal::field(
            "template.card.certificates.profile",
            format!("{:?}", slot.profile),
            format!("one that {} has: {}", slot.connection, ids.join(", ")),
        ));
    };
    let fields = slot.fields.iter();
    let given: Vec<_> = fields
        .filter_map(|field| FieldName::parse(&field.name))
        .collect();
    let Err(unfit) = profile.check_names(&given) else {
        return Ok(());
    };
    let (field, found) = match &unfit {
        Unfit::Missing(_) => {
            let names: Vec<_> = given.iter().map(ToString::to_string).collect();
            ("template.card.certificates.fields", names.join(", "))
        }
        Unfit::MakesKeys => ("template.card.certificates.profile", slot.profile.clone()),
    };
    Err(Refusal::field(
        field,
        format!(
            "{} for profile {} in {}",
            found, slot.profile, slot.container
        ),
        unfit.to_string(),
    ))
}

fn no_authority(connection: &str, why: &str) -> Refusal {
    let allowed = format!("a certification authority that can be used: {why}");
    Refusal::field("template.card.certificates.connection", connection, allowed)
}

fn away(connection: &str, why: &str) -> Refusal {
    let text = format!("what the profiles of {connection} want cannot be asked: {why}");
    Refusal::new(Code::Unavailable, "CERTIFICATION_AUTHORITY_AWAY", text)
        .about("template.card.certificates.connection", connection)
        .next(format!(
            "make the template when it is there: keysteward connection check {connection}"
        ))
}
