//! `server.v1.Users`

use std::collections::HashMap;

use keysteward_proto::server::v1::{self as wire, users_server};
use rand::RngCore as _;
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{
    Rooms,
    auth::Caller,
    names,
    page::{filter, next_token, page},
    record::record,
    refusal::Refusal,
};
use crate::store::{
    self, Micros, UserId,
    user::{Imported, User},
};

pub(super) struct Users(pub(super) Rooms);

#[tonic::async_trait]
impl users_server::Users for Users {
    async fn import(
        &self,
        request: Request<wire::ImportUsersRequest>,
    ) -> Result<Response<wire::ImportUsersResponse>, Status> {
        let caller = Caller::of(&request)?.clone();
        let request = request.into_inner();
        let now = self.0.clock.now();
        let users = parse(&request.users, now)?;
        let mut done = wire::ImportUsersResponse::default();
        let mut tx = self.0.store.write().await?;
        for user in &users {
            match store::user::import(&mut tx, user).await? {
                Imported::Created => done.created += 1,
                Imported::Updated => done.updated += 1,
                Imported::Unchanged => done.unchanged += 1,
            }
        }
        if !request.dry_run {
            let facts = [
                ("created", json!(done.created)),
                ("updated", json!(done.updated)),
                ("unchanged", json!(done.unchanged)),
            ];
            record(
                &mut tx,
                &caller,
                now,
                "user.import",
                "users:file".into(),
                facts,
            )
            .await?;
            tx.commit().await?;
        }
        Ok(Response::new(done))
    }

    async fn list(
        &self,
        request: Request<wire::ListUsersRequest>,
    ) -> Result<Response<wire::ListUsersResponse>, Status> {
        let request = request.into_inner();
        let wanted = page(request.page_size, &request.page_token)?;
        let contains = filter(request.contains);
        let mut read = self.0.store.read().await?;
        let listed = store::user::list(&mut read, contains.as_deref(), wanted).await?;
        Ok(Response::new(wire::ListUsersResponse {
            next_page_token: next_token(&listed),
            users: listed.rows.into_iter().map(to_wire).collect(),
        }))
    }

    async fn get(
        &self,
        request: Request<wire::GetUserRequest>,
    ) -> Result<Response<wire::User>, Status> {
        let user = names::user(&mut self.0.store.read().await?, &request.get_ref().user).await?;
        Ok(Response::new(to_wire(user)))
    }
}

/// Every row, or the first that is wrong: `users[3].mail` is row 4 of the import.
fn parse(rows: &[wire::User], now: Micros) -> Result<Vec<User>, Refusal> {
    if rows.is_empty() || rows.len() > MOST {
        return Err(Refusal::field(
            "users",
            rows.len().to_string(),
            "1 to 10000 rows",
        ));
    }
    let mut seen = HashMap::new();
    let mut users = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter().enumerate() {
        let wrong = |field: &str, found: &str, allowed: &str| {
            Err(Refusal::field(
                &format!("users[{n}].{field}"),
                format!("{found:?}"),
                allowed,
            ))
        };
        for (field, text, needed) in [
            ("user_name", &row.user_name, true),
            ("mail", &row.mail, true),
            ("given_name", &row.given_name, true),
            ("sn", &row.sn, true),
            ("sam_account_name", &row.sam_account_name, false),
            ("user_principal_name", &row.user_principal_name, false),
            ("display_name", &row.display_name, false),
        ] {
            let length = text.chars().count();
            if length > LONGEST
                || (needed && length == 0)
                || text.trim() != text
                || text.chars().any(char::is_control)
            {
                let shown: String = text.chars().take(LONGEST).collect();
                let least = u8::from(needed);
                let allowed =
                    format!("{least} to {LONGEST} printable characters, no space at either end");
                return wrong(field, &shown, &allowed);
            }
        }
        if !is_mail(&row.mail) {
            return wrong("mail", &row.mail, "an address such as alice@example.com");
        }
        if let Some(first) = seen.insert(row.user_name.to_lowercase(), n) {
            let allowed = format!("each user name once; users[{first}] has it too");
            return wrong("user_name", &row.user_name, &allowed);
        }
        users.push(from_wire(row, now));
    }
    Ok(users)
}

/// Something on both sides of one @, and no space. The mail server knows the rest.
fn is_mail(text: &str) -> bool {
    match text.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !text.contains(char::is_whitespace)
        }
        None => false,
    }
}

fn from_wire(row: &wire::User, now: Micros) -> User {
    let mut webauthn_id = [0; 32];
    rand::rngs::OsRng.fill_bytes(&mut webauthn_id);
    User {
        id: UserId::new(),
        user_name: row.user_name.clone(),
        mail: row.mail.clone(),
        given_name: row.given_name.clone(),
        sn: row.sn.clone(),
        sam_account_name: filter(row.sam_account_name.clone()),
        user_principal_name: filter(row.user_principal_name.clone()),
        display_name: if row.display_name.is_empty() {
            format!("{} {}", row.given_name, row.sn)
        } else {
            row.display_name.clone()
        },
        source: "file".to_owned(),
        webauthn_id,
        created_at: now,
    }
}

fn to_wire(user: User) -> wire::User {
    wire::User {
        id: user.id.to_string(),
        user_name: user.user_name,
        mail: user.mail,
        given_name: user.given_name,
        sn: user.sn,
        sam_account_name: user.sam_account_name.unwrap_or_default(),
        user_principal_name: user.user_principal_name.unwrap_or_default(),
        display_name: user.display_name,
        source: user.source,
    }
}

const MOST: usize = 10_000;
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use keysteward_proto::error::v1::ErrorDetail;
    use prost::Message as _;

    use super::*;

    fn row() -> wire::User {
        wire::User {
            user_name: "alice".into(),
            mail: "alice@example.com".into(),
            given_name: "Alice".into(),
            sn: "Doe".into(),
            ..wire::User::default()
        }
    }

    fn fault(rows: &[wire::User]) -> ErrorDetail {
        let status = Status::from(parse(rows, Micros(0)).unwrap_err());
        ErrorDetail::decode(status.details()).unwrap()
    }

    #[test]
    fn a_wrong_row_is_named_with_its_number_and_field() {
        let cases: [(fn(&mut wire::User), &str); 7] = [
            (|u| u.user_name.clear(), "users[1].user_name"),
            (|u| u.user_name = "ALICE".into(), "users[1].user_name"),
            (|u| u.mail = "alice".into(), "users[1].mail"),
            (|u| u.mail = "a b@c".into(), "users[1].mail"),
            (|u| u.given_name = "A\nB".into(), "users[1].given_name"),
            (|u| u.sn = "x".repeat(129), "users[1].sn"),
            (|u| u.display_name = " A".into(), "users[1].display_name"),
        ];
        for (spoil, field) in cases {
            let mut second = wire::User {
                user_name: "bob".into(),
                ..row()
            };
            spoil(&mut second);
            assert_eq!(fault(&[row(), second]).field, field);
        }
        assert_eq!(fault(&[]).field, "users");
    }

    #[test]
    fn a_display_name_is_made_of_the_other_names() {
        let users = parse(&[row()], Micros(0)).unwrap();
        assert_eq!(users[0].display_name, "Alice Doe");
        assert_eq!(users[0].sam_account_name, None);
    }
}
