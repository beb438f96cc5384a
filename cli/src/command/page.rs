//! Lists in pages: a first page by default, a named one, or all.

use std::future::Future;

use tonic::{Response, Status};

use crate::failure::Result;

/// The largest page that the server gives.
const LARGEST: u32 = 1000;

#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Paging")]
pub(crate) struct Page {
    /// How many at most
    #[arg(long, default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(LARGEST)))]
    limit: u32,
    /// Continue where an earlier list ended
    #[arg(long, value_name = "PAGE")]
    page: Option<String>,
    /// Every page, one after the other
    #[arg(long, conflicts_with_all = ["limit", "page"])]
    all: bool,
}

/// One answer of a paged list, whatever it lists.
pub(crate) trait Answer {
    type Row;
    /// The rows, and the next page's token (empty at the end).
    fn split(self) -> (Vec<Self::Row>, String);
}

macro_rules! answers {
    ($($answer:ident { $rows:ident: $row:ident })*) => {$(
        impl Answer for keysteward_proto::server::v1::$answer {
            type Row = keysteward_proto::server::v1::$row;
            fn split(self) -> (Vec<Self::Row>, String) {
                (self.$rows, self.next_page_token)
            }
        }
    )*};
}

answers! {
    ListHostsResponse { hosts: Host }
    ListTokensResponse { tokens: Token }
    ListUsersResponse { users: User }
    ListOperationsResponse { operations: Operation }
    ListAuditResponse { entries: AuditEntry }
}

impl Page {
    /// Calls `fetch(page_size, page_token)` as often as was asked for. Gives the rows and where
    /// to go on.
    pub(crate) async fn collect<A, F, Fut>(
        &self,
        mut fetch: F,
    ) -> Result<(Vec<A::Row>, Option<String>)>
    where
        A: Answer,
        F: FnMut(u32, String) -> Fut,
        Fut: Future<Output = std::result::Result<Response<A>, Status>>,
    {
        let size = if self.all { LARGEST } else { self.limit };
        let mut rows = Vec::new();
        let mut token = self.page.clone().unwrap_or_default();
        loop {
            let (mut more, next) = fetch(size, token).await?.into_inner().split();
            rows.append(&mut more);
            if next.is_empty() {
                return Ok((rows, None));
            }
            if !self.all {
                return Ok((rows, Some(next)));
            }
            token = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use keysteward_proto::server::v1::{ListUsersResponse, User};

    use super::*;

    /// Three users, one a page.
    async fn fetch(
        _: u32,
        page: String,
    ) -> std::result::Result<Response<ListUsersResponse>, Status> {
        let n: usize = page.parse().unwrap_or(0);
        Ok(Response::new(ListUsersResponse {
            users: vec![User {
                id: n.to_string(),
                ..User::default()
            }],
            next_page_token: if n < 2 {
                (n + 1).to_string()
            } else {
                String::new()
            },
        }))
    }

    fn page(all: bool, page: Option<&str>) -> Page {
        Page {
            limit: 1,
            page: page.map(Into::into),
            all,
        }
    }

    #[tokio::test]
    async fn one_page_says_where_to_go_on() {
        let (users, next) = page(false, None).collect(fetch).await.unwrap();
        assert_eq!((users.len(), next.as_deref()), (1, Some("1")));
        let (users, next) = page(false, Some("2")).collect(fetch).await.unwrap();
        assert_eq!((users[0].id.as_str(), next), ("2", None));
    }

    #[tokio::test]
    async fn all_follows_every_page() {
        let (users, next) = page(true, None).collect(fetch).await.unwrap();
        assert_eq!((users.len(), next), (3, None));
    }
}
