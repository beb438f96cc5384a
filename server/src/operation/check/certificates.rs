//! Certificates: what a template puts on cards, for the first time and again.

use super::{in_states, not_found};
use crate::{
    lifecycle::{Invalid, Template, TokenState, card_section::check_card_pin},
    operation::{Error, GivenPin, Inner, enrolment, work::Work},
    store::{UserId, Write, connection, template, user},
};

impl Inner {
    /// What a template puts on cards, for this user and token.
    pub(super) async fn check_certificates(
        &self,
        tx: &mut Write<'_>,
        user: UserId,
        row: &template::Row<Template>,
        work: &Work,
    ) -> Result<(), Error> {
        if work.card.as_ref().is_none_or(|card| card.admin.is_none()) {
            return Err(Error::NotACard);
        }
        let user = user::get(tx, user)
            .await?
            .ok_or_else(|| not_found("user", user))?;
        let section = row.definition.card.as_ref();
        for slot in section.into_iter().flat_map(|card| &card.certificates) {
            enrolment::fill_slot(slot, &user, &work.token.serial).map_err(|wrong| {
                Error::Invalid(Invalid::new(
                    "template.card.certificates.fields",
                    format_args!("{wrong}"),
                    "a user with what the fields are made of, or free text",
                ))
            })?;
            let connection = connection::get(tx, slot.connection).await?;
            let connection = connection.ok_or_else(|| not_found("connection", slot.connection))?;
            self.authorities
                .authority(&connection)
                .map_err(Error::NoAuthority)?;
        }
        Ok(())
    }

    /// Certificates once more, on a card that has some.
    pub(super) async fn check_again(
        &self,
        tx: &mut Write<'_>,
        work: &Work,
        containers: &[String],
        pin: Option<&GivenPin>,
    ) -> Result<(), Error> {
        in_states(&work.token, &[TokenState::Issued, TokenState::Active])?;
        let (Some(row), Some(user)) = (&work.template, &work.user) else {
            return Err(Error::NotACard);
        };
        let Some(section) = &row.definition.card else {
            return Err(Error::NotACard);
        };
        if let Some(other) = containers.iter().find(|name| section.slot(name).is_none()) {
            let names: Vec<_> = section
                .certificates
                .iter()
                .map(|slot| slot.container.as_str())
                .collect();
            return Err(Error::Invalid(Invalid::new(
                "containers",
                format_args!("{other:?}"),
                format!("those of the template: {}", names.join(", ")),
            )));
        }
        let issued = work.token.state == TokenState::Issued;
        match pin {
            Some(_) if issued => {
                return Err(Error::Invalid(Invalid::new(
                    "pin",
                    "given",
                    "none for a card that was not handed over: nobody has its PIN, and this \
                     server sets one of its own for the time",
                )));
            }
            None if issued => {}
            Some(pin) => check_card_pin("pin", pin.expose())?,
            None if work.facts().card_pin.current => {}
            None => {
                return Err(Error::Invalid(Invalid::new(
                    "pin",
                    "empty",
                    "the PIN of the card's user: the card signs with it, and this server does not \
                     hold it",
                )));
            }
        }
        self.check_certificates(tx, user.id, row, work).await
    }
}
