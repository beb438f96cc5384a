//! What an authority is asked for: the fields of a template's slot, filled from the
//! user.

use super::work::Work;
use crate::{
    connector::ca::{
        Attributes, CertificationRequest, Enrolment, RequestField, Serial,
        request_field::{self, Filled, WrongFields},
    },
    lifecycle::CertificateSlot,
    store::{certificate::Certificate, user::User},
};

/// The fields of one slot, for one user and token.
pub(super) fn fill_slot(
    slot: &CertificateSlot,
    user: &User,
    serial: &str,
) -> Result<Filled, WrongFields> {
    let fields: Vec<_> = slot.fields.iter().map(to_connector).collect();
    request_field::fill(
        &fields,
        &Attributes {
            user_name: &user.user_name,
            display_name: &user.display_name,
            mail: &user.mail,
            given_name: &user.given_name,
            sn: &user.sn,
            sam_account_name: user.sam_account_name.as_deref().unwrap_or_default(),
            user_principal_name: user.user_principal_name.as_deref().unwrap_or_default(),
            serial,
        },
    )
}

/// As the authorities' part of the server has it.
pub(crate) fn to_connector(field: &crate::lifecycle::card_section::RequestField) -> RequestField {
    RequestField {
        name: field.name.clone(),
        value: field.value.clone(),
    }
}

/// The fields of the slot that `row` is for. The error is a sentence.
pub(super) fn fill(work: &Work, row: &Certificate) -> Result<Filled, String> {
    let slot = work
        .template
        .as_ref()
        .and_then(|template| template.definition.card.as_ref())
        .and_then(|section| section.slot(&row.container))
        .ok_or("the template has no such container any more")?;
    let user = work.user.as_ref().ok_or("the user is gone")?;
    fill_slot(slot, user, &work.token.serial).map_err(|wrong| wrong.to_string())
}

/// The same at every try.
pub(super) fn of(work: &Work, row: &Certificate) -> Result<Enrolment, String> {
    let filled = fill(work, row)?;
    let request = CertificationRequest::verify(&row.request).map_err(|error| error.to_string())?;
    Ok(Enrolment {
        request_id: row.id.to_string(),
        profile: row.profile.clone(),
        request,
        subject: filled.subject,
        alternative_names: filled.alternative_names,
        days: None,
        asked_at: super::trust::timestamp(row.created_at),
        known: work
            .certificates
            .iter()
            .filter_map(|known| Serial::from_hex(&known.serial))
            .collect(),
    })
}
