//! Client data. WebAuthn Level 3 §5.8.1.

use super::Wrong;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// Checks client data and gives their hash. Without `challenge` it is another
/// party's: only its form is checked.
pub(super) fn check(
    json: &[u8],
    kind: &str,
    challenge: Option<&[u8]>,
    origin: &str,
) -> Result<[u8; 32], Wrong> {
    let data: ClientData = serde_json::from_slice(json)
        .map_err(|error| Wrong::new(format!("clientDataJSON is not readable: {error}")))?;
    if data.kind != kind {
        return Err(Wrong::new(format!(
            "clientDataJSON is of type {:?}, not {kind:?}",
            data.kind
        )));
    }
    let found = BASE64URL
        .decode(&data.challenge)
        .map_err(|_| Wrong::new("the challenge is not base64url without padding"))?;
    match challenge {
        Some(challenge) if found != challenge => {
            return Err(Wrong::new(
                "the challenge is not the one that was given out",
            ));
        }
        None if found.len() < SHORTEST_CHALLENGE => {
            return Err(Wrong::new(format!(
                "a challenge of {} bytes can be guessed",
                found.len()
            )));
        }
        _ => {}
    }
    if data.origin != origin {
        return Err(Wrong::new(format!(
            "the origin is {:?}, not {origin:?}",
            data.origin
        )));
    }
    if data.cross_origin {
        return Err(Wrong::new("the ceremony ran in a frame of another origin"));
    }
    Ok(Sha256::digest(json).into())
}

/// WebAuthn Level 3 §13.4.3.
const SHORTEST_CHALLENGE: usize = 16;
