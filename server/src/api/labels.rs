//! Names for the ids of rows, each looked up once for an answer.

use std::collections::HashMap;

use crate::{
    lifecycle::{Template, TokenType},
    store::{self, HostId, Reads, Result, TemplateId, TokenTypeId, UserId},
};

/// Names that were looked up. An id of nothing is an empty name.
#[derive(Default)]
pub(super) struct Labels {
    hosts: HashMap<HostId, String>,
    users: HashMap<UserId, String>,
    templates: HashMap<TemplateId, String>,
    token_types: HashMap<TokenTypeId, String>,
}

macro_rules! labels {
    ($($name:ident($id:ident) in $map:ident = |$row:ident: $of:ty| $label:expr;)*) => {
        impl Labels {$(
            pub(super) async fn $name(
                &mut self,
                from: &mut impl Reads,
                id: Option<$id>,
            ) -> Result<String> {
                let Some(id) = id else {
                    return Ok(String::new());
                };
                if let Some(known) = self.$map.get(&id) {
                    return Ok(known.clone());
                }
                let found: Option<$of> = store::$name::get(from, id).await?;
                let label = found.map(|$row| $label).unwrap_or_default();
                self.$map.insert(id, label.clone());
                Ok(label)
            }
        )*}
    };
}

labels! {
    host(HostId) in hosts = |row: store::host::Host| row.hostname;
    user(UserId) in users = |row: store::user::User| row.user_name;
    template(TemplateId) in templates = |row: store::template::Row<Template>| row.name;
    token_type(TokenTypeId) in token_types = |row: store::token_type::Row<TokenType>| row.name;
}
