//! Events of certificates: by them a certificate is found whose answer was
//! lost, or that was pending.

use super::{Gateway, payload};
use crate::connector::ca::{
    CaError, Call, Enrolment, Serial, Why, http::read, issued::key_and_serial,
};
use jiff::SignedDuration;
use reqwest::Method;
use serde::Deserialize;

/// The newest certificate for the key of the request that was issued since it
/// was asked for, in DER, and is not known already. One that somebody revoked meanwhile is none: on a card
/// it would be of no use.
pub(super) async fn find(
    gateway: &Gateway,
    call: Call,
    enrolment: &Enrolment,
) -> Result<Option<Vec<u8>>, CaError> {
    let ca_id = gateway.ca_id(call)?;
    let since = enrolment.asked_at - CLOCKS_DIFFER;
    let since = since.strftime("%Y-%m-%dT%H:%M:%S.00Z").to_string();
    let mut found: Option<(Serial, Vec<u8>)> = None;
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
        for event in page.events.unwrap_or_default() {
            if event.action.eq_ignore_ascii_case("issued") {
                let known = |(serial, _): &(Serial, Vec<u8>)| enrolment.known.contains(serial);
                let issued = event.for_key(enrolment.request.public_key());
                found = issued.filter(|issued| !known(issued)).or(found);
            } else if event.action.eq_ignore_ascii_case("revoked") {
                found = found.filter(|(serial, _)| !event.is_about(serial));
            }
        }
        next = page.next_page_index.filter(|index| !index.is_empty());
        if !page.more_pages || next.is_none() {
            return Ok(found.map(|(_, certificate)| certificate));
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
#[serde(rename_all = "camelCase")]
struct Event {
    action: String,
    serial_number: Option<String>,
    certificate: Option<String>,
}

impl Event {
    /// The certificate, with its own serial number. Others' are none of our
    /// business, whatever they are.
    fn for_key(&self, key: &[u8]) -> Option<(Serial, Vec<u8>)> {
        let certificate = self.certificate.as_deref().and_then(payload::der)?;
        let (found, serial) = key_and_serial(&certificate).ok()?;
        (found == key).then_some((serial, certificate))
    }

    fn is_about(&self, serial: &Serial) -> bool {
        let told = self.serial_number.as_deref().and_then(Serial::from_hex);
        told.as_ref() == Some(serial)
    }
}

/// What PKI as a Service allows.
const PAGE_SIZE: usize = 50;
const MOST_PAGES: usize = 200;
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);
