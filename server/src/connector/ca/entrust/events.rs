//! Events of certificates: by them a certificate is found whose answer was
//! lost, or that was pending.

use super::{Gateway, payload};
use crate::connector::ca::{CaError, Call, Enrolment, Why, http::read, issued::key_and_serial};
use jiff::SignedDuration;
use reqwest::Method;
use serde::Deserialize;

/// The newest certificate for the key of the request that was issued since it
/// was asked for, in DER.
pub(super) async fn find(
    gateway: &Gateway,
    call: Call,
    enrolment: &Enrolment,
) -> Result<Option<Vec<u8>>, CaError> {
    let ca_id = gateway.ca_id(call)?;
    let since = enrolment.asked_at - CLOCKS_DIFFER;
    let since = since.strftime("%Y-%m-%dT%H:%M:%S.00Z").to_string();
    let mut found = None;
    let mut next: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut query = format!("preferredPageSize={PAGE_SIZE}&startDate={since}");
        if let Some(index) = &next {
            query.push_str("&nextPageIndex=");
            query.extend(escaped(index));
        }
        let path = [ca_id, "certificate-events"];
        let answer = gateway
            .send(call, Method::GET, &path, Some(&query), None)
            .await?;
        let page: Page = read(call, &answer, "a page of events")?;
        let issued = page.events.unwrap_or_default();
        let issued = issued
            .iter()
            .filter(|event| event.action.eq_ignore_ascii_case("issued"));
        for event in issued {
            let certificate = event.certificate.as_deref().and_then(payload::der);
            // Others' certificates are none of our business, whatever they are.
            if let Some(certificate) = certificate {
                let key = key_and_serial(&certificate).map(|(key, _)| key);
                if key.is_ok_and(|key| key == enrolment.request.public_key()) {
                    found = Some(certificate);
                }
            }
        }
        next = page.next_page_index.filter(|index| !index.is_empty());
        if !page.more_pages || next.is_none() {
            return Ok(found);
        }
    }
    Err(CaError {
        call,
        why: Why::TooManyPages { limit: MOST_PAGES },
    })
}

/// Escapes all but letters and digits.
fn escaped(text: &str) -> impl Iterator<Item = String> {
    text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Option<Vec<Event>>,
    #[serde(default)]
    more_pages: bool,
    next_page_index: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    action: String,
    certificate: Option<String>,
}

/// What PKI as a Service allows.
const PAGE_SIZE: usize = 50;
const MOST_PAGES: usize = 200;
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);
