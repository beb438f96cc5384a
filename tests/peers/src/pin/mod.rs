//! PIN/UV auth protocol two, the platform's half of getting a token and using it once: an
//! ephemeral key, ECDH, HKDF twice, SHA-256 of the PIN, AES-CBC over its half, AES-CBC back over
//! the token, HMAC over clientDataHash. CTAP 2.3 §6.5.7.

mod bare;
mod openssl;
mod ours;

use anyhow::{Result, ensure};
use keysteward_core::crypto::{PrivateKey, PublicPoint, RustCrypto};
use keysteward_core::pin_protocol::{KeyAgreementKey, Pin, PinProtocol, PinUvAuthToken};
use rand_core::OsRng;

use crate::measure::Entry;
use crate::row::{Peer, Row};

/// What every contender is given: the PIN, and what a key said.
#[derive(Clone, Copy)]
struct Given {
    pin: &'static str,
    /// The key's public point, uncompressed.
    point: [u8; 65],
    token_enc: [u8; 48],
    client_data_hash: [u8; 32],
}

/// What every contender brings forth.
#[repr(C)]
struct Exchanged {
    /// The platform's public point, uncompressed.
    point: [u8; 65],
    pin_hash_enc: [u8; 32],
    /// pinUvAuthParam
    mac: [u8; 32],
}

/// The key's half, with which each contender's first result is checked.
struct Token {
    key: KeyAgreementKey,
    given: Given,
}

pub(crate) fn rows() -> Result<Vec<Row>> {
    let token = Token::new()?;
    let given = token.given;
    let mut peers = Vec::new();
    let mut enter = |name, mut exchange: Box<dyn FnMut() -> Result<Exchanged>>| -> Result<()> {
        token.check(&exchange()?)?;
        peers.push(Peer {
            name,
            entry: Entry::of(exchange),
        });
        Ok(())
    };
    enter("ours", Box::new(move || ours::exchange(&given)))?;
    enter("p256 0.13", Box::new(move || bare::with_0_13(&given)))?;
    enter("p256 0.14", Box::new(move || bare::with_0_14(&given)))?;
    let openssl = openssl::OpenSsl::new()?;
    enter("OpenSSL (C)", Box::new(move || openssl.exchange(&given)))?;
    Ok(vec![Row {
        work: "PIN protocol two, platform".to_owned(),
        bytes: None,
        peers,
        target: Some(("p256 0.13", 1.0)),
    }])
}

impl Token {
    fn new() -> Result<Self> {
        let mut crypto = RustCrypto(OsRng);
        let key = KeyAgreementKey::from_private(PrivateKey::from_bytes([0x42; 32]));
        let PublicPoint { x, y } = key.public(&mut crypto)?;
        let mut point = [4; 65];
        point[1..33].copy_from_slice(&x);
        point[33..].copy_from_slice(&y);
        Ok(Self {
            key,
            given: Given {
                pin: "correct horse",
                point,
                token_enc: [0x17; 48],
                client_data_hash: [0x5a; 32],
            },
        })
    }

    /// Whether the key would take the PIN and the MAC.
    fn check(&self, exchanged: &Exchanged) -> Result<()> {
        let mut crypto = RustCrypto(OsRng);
        let mut point = PublicPoint {
            x: [0; 32],
            y: [0; 32],
        };
        point.x.copy_from_slice(&exchanged.point[1..33]);
        point.y.copy_from_slice(&exchanged.point[33..]);
        let secret = self
            .key
            .decapsulate(&mut crypto, PinProtocol::Two, &point)?;
        let hash = secret.decrypt(&mut crypto, &exchanged.pin_hash_enc)?;
        let pin = Pin::new(self.given.pin).map_err(|e| anyhow::anyhow!("{e}"))?;
        ensure!(
            hash.as_slice() == pin.hash(&mut crypto).0,
            "the key would refuse the PIN"
        );
        let token = PinUvAuthToken::decrypt(&mut crypto, &secret, &self.given.token_enc)?;
        let parts = [&self.given.client_data_hash[..]];
        let _proof = token.verify(&mut crypto, &parts, &exchanged.mac)?;
        Ok(())
    }
}
