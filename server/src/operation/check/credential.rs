//! Issuing: user, template, model, and what a credential or certificate needs.

use super::not_found;
use crate::{
    lifecycle::{self, Aaguid, Event, Template, TokenType},
    operation::{Error, Inner, work::Work},
    store::{self, TemplateId, UserId, Write, template, token, token_type, user},
};

impl Inner {
    pub(super) async fn check_issue(
        &self,
        tx: &mut Write<'_>,
        user: UserId,
        template: TemplateId,
        work: &Work,
    ) -> Result<(), Error> {
        let token = &work.token;
        lifecycle::after(token.state, Event::Issue)?;
        if token.needs_reset {
            return Err(Error::NeedsReset);
        }
        user::get(tx, user)
            .await?
            .ok_or_else(|| not_found("user", user))?;
        let row: template::Row<Template> = template::get(tx, template)
            .await?
            .ok_or_else(|| not_found("template", template))?;
        let allowed = token
            .token_type_id
            .is_some_and(|id| row.definition.token_types.contains(&id));
        if !allowed {
            return Err(wrong_type(tx, token, row.name).await?);
        }
        if row.definition.card.is_some() {
            self.check_certificates(tx, user, &row, work).await?;
        }
        if row.connection_id.is_none() {
            return Ok(());
        }
        if !row.definition.allows(token.aaguid) {
            return Err(Error::ModelNotAllowed {
                template: row.name,
                aaguid: Aaguid(token.aaguid),
            });
        }
        if let Some(row) = &work.token_type {
            self.check_trust(&row.definition, work.now)
                .map_err(Error::NoTrust)?;
        }
        Ok(())
    }
}

async fn wrong_type(
    tx: &mut Write<'_>,
    token: &token::Token,
    template: String,
) -> Result<Error, store::Error> {
    let row: Option<token_type::Row<TokenType>> = match token.token_type_id {
        Some(id) => token_type::get(tx, id).await?,
        None => None,
    };
    Ok(Error::WrongType {
        template,
        token_type: row.map_or_else(|| "none".to_owned(), |row| row.name),
    })
}
