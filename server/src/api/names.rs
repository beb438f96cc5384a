//! What people call things: an id, or a name where only one thing has it.

use tonic::{Code, Status};

use super::refusal::Refusal;
use crate::{
    lifecycle::{Template, TokenType},
    store::{
        self, Page, Reads,
        api_key::ApiKey,
        connection::Connection,
        host::{Host, State},
        operation::Operation,
        token::Token,
        user::User,
    },
};

type TypeRow = store::token_type::Row<TokenType>;
type TemplateRow = store::template::Row<Template>;

/// By id, or by a hostname that one host has; revoked hosts give way to others.
pub(super) async fn host(from: &mut impl Reads, name: &str) -> Result<Host, Status> {
    given("host", name, HOST)?;
    if let Ok(id) = name.parse()
        && let Some(host) = store::host::get(from, id).await?
    {
        return Ok(host);
    }
    let filter = store::host::Filter {
        hostname: Some(name.to_owned()),
        ..store::host::Filter::default()
    };
    let mut found = store::host::list(from, &filter, Page::first(MANY))
        .await?
        .rows;
    if found.iter().any(|host| host.state != State::Revoked) {
        found.retain(|host| host.state != State::Revoked);
    }
    let ids = found.iter().map(|host| host.id.to_string()).collect();
    one("host", name, HOST, found, ids)
}

/// By id, the beginning of one, or serial.
pub(super) async fn token(from: &mut impl Reads, name: &str) -> Result<Token, Status> {
    given("token", name, TOKEN)?;
    let found = store::token::find(from, name).await?;
    let ids = found.iter().map(|token| token.id.to_string()).collect();
    one("token", name, TOKEN, found, ids)
}

/// By id, user name, or mail.
pub(super) async fn user(from: &mut impl Reads, name: &str) -> Result<User, Status> {
    given("user", name, USER)?;
    if let Ok(id) = name.parse()
        && let Some(user) = store::user::get(from, id).await?
    {
        return Ok(user);
    }
    if let Some(user) = store::user::by_user_name(from, name).await? {
        return Ok(user);
    }
    let found = store::user::by_mail(from, name).await?;
    let names = found.iter().map(|user| user.user_name.clone()).collect();
    one("user", name, USER, found, names)
}

/// By id, or name.
pub(super) async fn connection(from: &mut impl Reads, name: &str) -> Result<Connection, Status> {
    given("connection", name, ID_OR_NAME)?;
    let mut found = match name.parse() {
        Ok(id) => store::connection::get(from, id).await?,
        Err(_) => None,
    };
    if found.is_none() {
        found = store::connection::by_name(from, name).await?;
    }
    found.ok_or_else(|| Refusal::not_found("connection", name, ID_OR_NAME).into())
}

/// By id, or name. `field` is what the request calls it.
pub(super) async fn token_type(
    from: &mut impl Reads,
    field: &str,
    name: &str,
) -> Result<TypeRow, Status> {
    given(field, name, ID_OR_NAME)?;
    let mut found = match name.parse() {
        Ok(id) => store::token_type::get(from, id).await?,
        Err(_) => None,
    };
    if found.is_none() {
        found = store::token_type::by_name(from, name).await?;
    }
    found.ok_or_else(|| Refusal::not_found(field, name, ID_OR_NAME).into())
}

/// By id, or name.
pub(super) async fn template(from: &mut impl Reads, name: &str) -> Result<TemplateRow, Status> {
    given("template", name, ID_OR_NAME)?;
    let mut found = match name.parse() {
        Ok(id) => store::template::get(from, id).await?,
        Err(_) => None,
    };
    if found.is_none() {
        found = store::template::by_name(from, name).await?;
    }
    found.ok_or_else(|| Refusal::not_found("template", name, ID_OR_NAME).into())
}

/// By id.
pub(super) async fn operation(from: &mut impl Reads, name: &str) -> Result<Operation, Status> {
    given("operation", name, "an id")?;
    let found = match name.parse() {
        Ok(id) => store::operation::get(from, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Refusal::not_found("operation", name, "the id of an operation").into())
}

/// By id, or name.
pub(super) async fn api_key(from: &mut impl Reads, name: &str) -> Result<ApiKey, Status> {
    given("api_key", name, ID_OR_NAME)?;
    let mut found = match name.parse() {
        Ok(id) => store::api_key::get(from, id).await?,
        Err(_) => None,
    };
    if found.is_none() {
        found = store::api_key::by_name(from, name).await?;
    }
    found.ok_or_else(|| Refusal::not_found("api_key", name, ID_OR_NAME).into())
}

fn given(field: &str, name: &str, allowed: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::field(field, "empty", allowed));
    }
    Ok(())
}

fn one<T>(
    field: &str,
    name: &str,
    allowed: &str,
    mut found: Vec<T>,
    names: Vec<String>,
) -> Result<T, Status> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(Refusal::not_found(field, name, allowed).into()),
        (Some(_), false) => Err(Refusal::new(
            Code::InvalidArgument,
            "AMBIGUOUS",
            format!("{name} means more than one {field}: {}", names.join(", ")),
        )
        .about(field, name)
        .allowed(format!("one of {}", names.join(", ")))
        .into()),
    }
}

const HOST: &str = "an id, or a hostname that only one host has";
const TOKEN: &str =
    "an id, 4 characters or more of its beginning, or a serial that only one token has";
const USER: &str = "an id, a user name, or a mail address that only one user has";
const ID_OR_NAME: &str = "an id, or a name";
/// Enough to see that a name is ambiguous, and to list what it could mean.
const MANY: u32 = 10;
