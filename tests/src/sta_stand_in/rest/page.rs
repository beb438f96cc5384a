//! Pages: `pageIndex` from 0, `pageSize`, and a link to the next.

use crate::sta_stand_in::answer::Refused;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paging {
    #[serde(default)]
    page_index: usize,
    #[serde(default = "default_size")]
    page_size: usize,
}

const fn default_size() -> usize {
    20
}

impl Paging {
    /// One page of `items`; `url` is the list's.
    pub(super) fn page(
        self,
        items: impl Iterator<Item = Value>,
        url: &str,
    ) -> Result<Value, Refused> {
        let Self {
            page_index,
            page_size,
        } = self;
        if !(1..=LARGEST).contains(&page_size) {
            return Err(Refused::bad_request(format!(
                "pageSize is {page_size}; allowed is 1 to {LARGEST}"
            )));
        }
        let mut rest = items.skip(page_index.saturating_mul(page_size));
        let items: Vec<Value> = rest.by_ref().take(page_size).collect();
        let mut links = json!({});
        if rest.next().is_some() {
            let next = page_index + 1;
            links = json!({ "next": format!("{url}?pageIndex={next}&pageSize={page_size}") });
        }
        Ok(json!({ "page": { "items": items }, "links": links }))
    }
}

/// No known client asks for more.
const LARGEST: usize = 100;
