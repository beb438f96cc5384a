//! Keys that are plugged in at this machine.

use std::fmt::Write as _;

use keysteward_proto::agent::v1::{
    self as wire, ListRequest, WatchRequest, step::Verb, token_event::Event,
};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

use super::{fido::Keys, lease::Lease};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::{Format, Output, View, some},
};

pub(crate) async fn list(agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    let rows: Vec<Token> = plugged(agent).await?.into_iter().map(Token::from).collect();
    output.list("tokens", &rows, None)
}

pub(crate) async fn show(agent: &Agent, name: &str, output: &mut Output<'_>) -> Result<()> {
    output.show(&Token::from(find(agent, Some(name)).await?))
}

pub(crate) async fn reset(agent: &Agent, name: &str, output: &mut Output<'_>) -> Result<()> {
    let purpose = "reset by an administrator";
    let (presence_id, mut lease) = Lease::find(agent, Keys::default(), Some(name), purpose).await?;
    lease.change("reset", Verb::Reset(wire::Reset {})).await?;
    done(output, "reset", &presence_id)
}

/// A line, or a JSON document, for each key that comes or goes; ends with the agent.
pub(crate) async fn watch(agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    let mut events = agent.tokens().watch(WatchRequest {}).await?.into_inner();
    while let Some(event) = events.message().await? {
        match event.event {
            Some(Event::Snapshot(snapshot)) => {
                for token in snapshot.tokens {
                    seen(output, "present", token)?;
                }
            }
            Some(Event::Added(token)) => seen(output, "added", token)?,
            Some(Event::Changed(token)) => seen(output, "changed", token)?,
            Some(Event::Removed(presence_id)) => match output.format() {
                Format::Json => {
                    output.json(&json!({ "event": "removed", "presence_id": presence_id }))?
                }
                Format::Table => output.say(&format!("removed  {presence_id}"))?,
            },
            None => {}
        }
    }
    Ok(())
}

fn seen(output: &mut Output<'_>, event: &str, token: wire::Token) -> Result<()> {
    let token = Token::from(token);
    if output.format() == Format::Json {
        return output.json(&json!({ "event": event, "token": token }));
    }
    output.say(&format!("{event:<8} {}", token.called()))
}

/// `{"done": VERB, "presence_id": ..}`, or a sentence.
pub(super) fn done(output: &mut Output<'_>, verb: &str, presence_id: &str) -> Result<()> {
    match output.format() {
        Format::Json => output.json(&json!({ "done": verb, "presence_id": presence_id })),
        Format::Table => output.say(&format!("{verb}: done")),
    }
}

/// The token that `name` means: a presence id, an unambiguous beginning of one, a serial number, or
/// a card's GUID or card id.
/// Without a name, the only key there is.
pub(super) async fn find(agent: &Agent, name: Option<&str>) -> Result<wire::Token> {
    choose(plugged(agent).await?, name)
}

fn choose(tokens: Vec<wire::Token>, name: Option<&str>) -> Result<wire::Token> {
    let here = if tokens.is_empty() {
        "nothing: no key is plugged in".to_owned()
    } else {
        let ids: Vec<&str> = tokens.iter().map(|t| t.presence_id.as_str()).collect();
        format!("one of {}", ids.join(", "))
    };
    let matches = |t: &wire::Token| match name {
        None => true,
        Some(name) => {
            t.presence_id.starts_with(name)
                || serial(t).as_deref() == Some(name)
                || card_ids(t).iter().any(|id| id.eq_ignore_ascii_case(name))
        }
    };
    let exact = |t: &wire::Token| name == Some(t.presence_id.as_str());
    let mut found: Vec<wire::Token> = tokens.into_iter().filter(matches).collect();
    if let Some(index) = found.iter().position(exact) {
        return Ok(found.swap_remove(index));
    }
    match (found.pop(), found.is_empty()) {
        (Some(token), true) => Ok(token),
        (None, _) => Err(wire::StepError {
            code: wire::step_error::Code::TokenNotPresent.into(),
            message: format!(
                "the key {} is not plugged in here; there is {here}",
                name.unwrap_or("asked for")
            ),
            field: "token".into(),
            ..wire::StepError::default()
        }
        .into()),
        (Some(_), false) => Err(Failure::wrong(
            "token",
            name.map_or_else(
                || "no name, and several keys".into(),
                |n| format!("{n}, which several keys match"),
            ),
            here,
        )),
    }
}

pub(super) async fn plugged(agent: &Agent) -> Result<Vec<wire::Token>> {
    Ok(agent
        .tokens()
        .list(ListRequest {})
        .await?
        .into_inner()
        .tokens)
}

/// Such a key tells nothing of itself, and has no PIN.
pub(super) fn speaks_u2f_alone(token: &wire::Token) -> bool {
    token.fido.is_none() && token.applets.iter().any(|applet| applet == "u2f")
}

#[derive(Debug, Serialize)]
pub(super) struct Token {
    presence_id: String,
    transport: String,
    r#virtual: bool,
    vendor_id: String,
    product_id: String,
    manufacturer: String,
    product: String,
    /// The vendor's, of the key or of the card.
    serial: Option<String>,
    applets: Vec<String>,
    /// PIV's GUID and GIDS's card id, hexadecimal.
    card_ids: Vec<String>,
    reader: Option<String>,
    /// Answer to reset, hexadecimal.
    atr: Option<String>,
    fault: Option<String>,
    aaguid: Option<String>,
    versions: Vec<String>,
    extensions: Vec<String>,
    options: BTreeMap<String, bool>,
    firmware_version: Option<u32>,
    min_pin_length: Option<u32>,
    force_pin_change: Option<bool>,
    remaining_discoverable_credentials: Option<u32>,
    algorithms: Vec<i32>,
    transports: Vec<String>,
}

impl Token {
    /// In one line.
    pub(super) fn called(&self) -> String {
        let serial = self.serial.as_deref().unwrap_or("no serial");
        format!("{}  {} ({serial})", self.presence_id, self.product)
    }
}

impl View for Token {
    const COLUMNS: &'static [&'static str] = &[
        "presence_id",
        "product",
        "serial",
        "applets",
        "card_ids",
        "aaguid",
        "transport",
        "virtual",
        "fault",
    ];
    const FIELDS: &'static [&'static str] = &[
        "presence_id",
        "transport",
        "virtual",
        "vendor_id",
        "product_id",
        "manufacturer",
        "product",
        "serial",
        "applets",
        "card_ids",
        "reader",
        "atr",
        "fault",
        "aaguid",
        "versions",
        "extensions",
        "options",
        "firmware_version",
        "min_pin_length",
        "force_pin_change",
        "remaining_discoverable_credentials",
        "algorithms",
        "transports",
    ];
}

impl From<wire::Token> for Token {
    fn from(token: wire::Token) -> Self {
        let (serial, card_ids) = (serial(&token), card_ids(&token));
        let card = token.card.unwrap_or_default();
        let read = token.fido.is_some();
        let fido = token.fido.unwrap_or_default();
        Self {
            presence_id: token.presence_id,
            transport: token.transport,
            r#virtual: token.r#virtual,
            vendor_id: format!("{:04x}", token.vendor_id),
            product_id: format!("{:04x}", token.product_id),
            manufacturer: token.manufacturer,
            product: token.product,
            serial,
            applets: token.applets,
            card_ids,
            reader: some(card.reader),
            atr: some(hex::encode(card.atr)),
            fault: some(token.fault),
            aaguid: aaguid(&fido.aaguid),
            versions: fido.versions,
            extensions: fido.extensions,
            options: fido.options.into_iter().collect(),
            firmware_version: read.then_some(fido.firmware_version),
            min_pin_length: read.then_some(fido.min_pin_length),
            force_pin_change: read.then_some(fido.force_pin_change),
            remaining_discoverable_credentials: read
                .then_some(fido.remaining_discoverable_credentials),
            algorithms: fido.algorithms,
            transports: fido.transports,
        }
    }
}

/// The vendor's serial number, as the link or the card tells it.
fn serial(token: &wire::Token) -> Option<String> {
    let of_card = || {
        let piv = token.card.as_ref()?.piv.as_ref()?;
        (piv.serial != 0).then(|| piv.serial.to_string())
    };
    some(token.serial.clone()).or_else(of_card)
}

/// What a card's applets are known by, hexadecimal.
fn card_ids(token: &wire::Token) -> Vec<String> {
    let Some(card) = &token.card else {
        return Vec::new();
    };
    let guid = card.piv.iter().map(|piv| &piv.guid);
    let card_id = card.gids.iter().map(|gids| &gids.card_id);
    let ids = guid.chain(card_id).filter(|id| !id.is_empty());
    ids.map(hex::encode).collect()
}

/// 8-4-4-4-12 hexadecimal.
pub(super) fn aaguid(bytes: &[u8]) -> Option<String> {
    if bytes.len() != 16 {
        return None;
    }
    let mut out = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        // Writing to a String does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn token(presence_id: &str, serial: &str) -> wire::Token {
        wire::Token {
            presence_id: presence_id.into(),
            serial: serial.into(),
            ..wire::Token::default()
        }
    }

    fn two() -> Vec<wire::Token> {
        vec![token("1-aa", "5001"), token("1-ab", "5002")]
    }

    #[test]
    fn a_key_is_found_by_serial_by_beginning_or_by_being_the_only_one() {
        for (tokens, name, found) in [
            (two(), Some("5002"), "1-ab"),
            (two(), Some("1-aa"), "1-aa"),
            (
                vec![token("1-a", "1"), token("1-ab", "2")],
                Some("1-a"),
                "1-a",
            ),
            (vec![token("1-aa", "")], None, "1-aa"),
        ] {
            assert_eq!(choose(tokens, name).unwrap().presence_id, found);
        }
    }

    fn card() -> wire::Token {
        wire::Token {
            presence_id: "2-cc".into(),
            product: "PIV and GIDS card".into(),
            transport: "pcsc".into(),
            applets: vec!["piv".into(), "gids".into()],
            card: Some(wire::CardFacts {
                atr: vec![0x3b, 0x00],
                reader: "Desk 00".into(),
                piv: Some(wire::PivFacts {
                    serial: 77_001,
                    guid: vec![0xAB; 16],
                    ..wire::PivFacts::default()
                }),
                gids: Some(wire::GidsFacts {
                    card_id: vec![0xCD; 16],
                    ..wire::GidsFacts::default()
                }),
            }),
            ..wire::Token::default()
        }
    }

    #[test]
    fn a_card_shows_what_it_is_known_by_and_is_found_by_it() {
        let mut out = Vec::new();
        Output::new(Format::Table, &mut out)
            .list("tokens", &[Token::from(card())], None)
            .unwrap();
        let shown = String::from_utf8(out).unwrap();
        let (guid, card_id) = ("ab".repeat(16), "cd".repeat(16));
        for told in ["PIV and GIDS card", "77001", "piv", &guid, &card_id] {
            assert!(shown.contains(told), "{told}: {shown}");
        }
        let json = serde_json::to_value(Token::from(card())).unwrap();
        assert_eq!(json["serial"], "77001");
        assert_eq!(json["card_ids"], json!([guid, card_id]));
        assert_eq!(
            (&json["reader"], &json["atr"]),
            (&json!("Desk 00"), &json!("3b00"))
        );
        for name in ["77001", &guid.to_uppercase(), &card_id, "2-"] {
            let tokens = vec![token("1-aa", "5001"), card()];
            assert_eq!(choose(tokens, Some(name)).unwrap().presence_id, "2-cc");
        }
        assert!(choose(vec![card()], Some("0")).is_err());
        // One that tells nothing is not found by nothing.
        let mut silent = card();
        silent.card = Some(wire::CardFacts::default());
        assert!(card_ids(&silent).is_empty() && serial(&silent).is_none());
    }

    #[test]
    fn an_ambiguous_name_says_what_there_is() {
        for name in [None, Some("1-")] {
            let refusal = choose(two(), name).unwrap_err();
            assert_eq!(refusal.exit(), Exit::Usage);
            let shown = refusal.report().render(Format::Table, false);
            assert!(shown.contains("one of 1-aa, 1-ab"), "{shown}");
        }
    }

    #[test]
    fn an_absent_key_is_not_found() {
        for (tokens, name) in [(two(), Some("77")), (vec![], None)] {
            assert_eq!(choose(tokens, name).unwrap_err().exit(), Exit::NotFound);
        }
    }

    #[test]
    fn an_aaguid_is_written_in_five_groups() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(
            aaguid(&bytes).unwrap(),
            "00010203-0405-0607-0809-0a0b0c0d0e0f"
        );
        assert_eq!(aaguid(&bytes[..15]), None);
    }
}
