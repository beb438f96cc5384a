//! Ours.

use std::hint::black_box;

use anyhow::Result;
use keysteward_core::crypto::{PublicPoint, RustCrypto};
use keysteward_core::pin_protocol::{Pin, PinProtocol, PinUvAuthToken};
use rand_core::OsRng;

use super::{Exchanged, Given};

pub(super) fn exchange(given: &Given) -> Result<Exchanged> {
    let given = black_box(given);
    let mut crypto = RustCrypto(OsRng);
    let mut peer = PublicPoint {
        x: [0; 32],
        y: [0; 32],
    };
    peer.x.copy_from_slice(&given.point[1..33]);
    peer.y.copy_from_slice(&given.point[33..]);
    let (own, secret) = PinProtocol::Two.encapsulate(&mut crypto, &peer)?;
    let pin = Pin::new(given.pin).map_err(|e| anyhow::anyhow!("{e}"))?;
    let hash = pin.hash(&mut crypto);
    let hash_enc = secret.encrypt(&mut crypto, &hash.0)?;
    let token = PinUvAuthToken::decrypt(&mut crypto, &secret, &given.token_enc)?;
    let mac = token.authenticate(&mut crypto, &[&given.client_data_hash]);

    let mut exchanged = Exchanged {
        point: [4; 65],
        pin_hash_enc: [0; 32],
        mac: [0; 32],
    };
    exchanged.point[1..33].copy_from_slice(&own.x);
    exchanged.point[33..].copy_from_slice(&own.y);
    exchanged.pin_hash_enc.copy_from_slice(&hash_enc);
    exchanged.mac.copy_from_slice(&mac);
    Ok(exchanged)
}
