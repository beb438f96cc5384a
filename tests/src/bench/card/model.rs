//! The cards that are measured with.
//!
//! `full` is our PIV and GIDS card, with four keys and certificates. A `Trivial` one answers at
//! once what that one answered before: what is left of the time is the way to the card.

use std::{collections::HashMap, fs, path::Path};

use anyhow::{Context, Result, anyhow};
use keysteward_core::{
    admin_key::{Cipher, LocalAdminKey},
    crypto::RustCrypto,
    gids::{
        pin::Pin,
        session::{self as gids, Initialisation, NewAdminKey},
    },
    iso7816::CardTransport as _,
    piv::{
        Algorithm, KeyReference,
        certificate::Certificate,
        generate,
        session::{self as piv, PivSession},
    },
    time::Millis,
};
use keysteward_virtual_token::{
    card::{Applet, InProcessCard},
    gids::GidsCard,
    piv::{Piv, Product},
    storage::MemoryStorage,
};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};

use super::reader::{self, Answers};

/// A command, and what was answered to it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Exchange {
    pub(super) command: Vec<u8>,
    pub(super) answer: Vec<u8>,
}

/// Our card, with all that an inventory finds.
pub(super) struct Full {
    card: InProcessCard<Vec<Box<dyn Applet + Send>>>,
    /// What was said since it was last taken.
    said: Vec<Exchange>,
}

/// The admin key of its PIV applet.
pub(super) fn piv_admin_key() -> Result<LocalAdminKey> {
    Ok(LocalAdminKey::new(Cipher::Aes192, &PIV_ADMIN_KEY)?)
}

/// The admin key of its GIDS applet.
pub(super) fn gids_admin_key() -> Result<LocalAdminKey> {
    Ok(LocalAdminKey::new(Cipher::TripleDes, &GIDS_ADMIN_KEY)?)
}

/// A new one, with four keys of P-256 and a certificate for each.
pub(super) fn full() -> Result<Full> {
    let product = Product {
        serial: 4711,
        admin_cipher: Cipher::Aes192,
        ..Product::default()
    };
    let piv = Piv::new(MemoryStorage::new(), RustCrypto(OsRng), product)
        .map_err(|failure| anyhow!("no PIV applet: {failure:?}"))?;
    let gids = GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng));
    let applets: Vec<Box<dyn Applet + Send>> = vec![Box::new(piv), Box::new(gids)];
    let mut full = Full {
        card: InProcessCard::new(applets),
        said: Vec::new(),
    };
    full.fill_piv().context("the PIV applet was not filled")?;
    full.initialise_gids()
        .context("the GIDS applet was not initialised")?;
    full.card.power_cycle();
    Ok(full)
}

impl Full {
    fn fill_piv(&mut self) -> Result<()> {
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(piv::Buffers::new()));
        let mut session =
            PivSession::select(&mut self.card, &mut crypto, &mut buffers, Millis(60_000))?;
        let admin = session
            .authenticate_admin(&mut piv_admin_key()?)
            .map_err(|error| anyhow!("{error}"))?;
        session.personalise(&admin, b"keysteward-bench")?;
        let key = rcgen::KeyPair::generate()?;
        let certificate =
            rcgen::CertificateParams::new(vec!["alice.example".to_owned()])?.self_signed(&key)?;
        for key in KeyReference::MAIN {
            let request = generate::Request {
                key,
                algorithm: Algorithm::P256,
                pin_policy: None,
                touch_policy: None,
            };
            session.generate(&admin, &request)?;
            session.write_certificate(&admin, key, &Certificate::plain(certificate.der()))?;
        }
        Ok(())
    }

    fn initialise_gids(&mut self) -> Result<()> {
        let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(gids::Buffers::new()));
        let mut session =
            gids::Session::new(&mut self.card, &mut crypto, &mut buffers, Millis(60_000));
        session.select()?;
        session.initialise(&Initialisation {
            pin: &Pin::new(b"123456").map_err(|error| anyhow!("{error}"))?,
            admin_key: &NewAdminKey::new(&GIDS_ADMIN_KEY)?,
            card_id: b"keysteward-bench",
        })?;
        Ok(())
    }

    /// What was said since this was asked last.
    pub(super) fn take(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.said)
    }
}

impl Answers for Full {
    fn power_up(&mut self) {
        self.card.power_cycle();
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let mut room = vec![0; LONGEST];
        let answer = match self.card.transmit(command, &mut room) {
            Ok(answer) => answer.to_vec(),
            Err(_) => SW_NO_DIAGNOSIS.to_vec(),
        };
        self.said.push(Exchange {
            command: command.to_vec(),
            answer: answer.clone(),
        });
        answer
    }
}

/// Says what it was told to say.
#[derive(Debug)]
pub(super) struct Trivial(HashMap<Vec<u8>, Vec<u8>>);

impl Answers for Trivial {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let known = self.0.get(command).cloned();
        known.unwrap_or_else(|| SW_INS_NOT_SUPPORTED.to_vec())
    }
}

/// Is a card at the reader at `address` until the reader goes: the one that says what `answers`
/// holds, or our own.
pub fn lie_on(address: &str, answers: Option<&Path>) -> Result<()> {
    match answers {
        Some(path) => {
            let exchanges: Vec<Exchange> = serde_json::from_str(&fs::read_to_string(path)?)?;
            let pairs = exchanges.into_iter().map(|one| (one.command, one.answer));
            reader::serve(reader::enter(address)?, &mut Trivial(pairs.collect()))
        }
        None => {
            let mut card = full()?;
            reader::serve(reader::enter(address)?, &mut Forgetful(&mut card))
        }
    }
}

/// Keeps nothing of what was said.
struct Forgetful<'c>(&'c mut Full);

impl Answers for Forgetful<'_> {
    fn power_up(&mut self) {
        self.0.power_up();
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.0.answer(command);
        self.0.said.clear();
        answer
    }
}

pub(super) const PIV_ADMIN_KEY: [u8; 24] = [
    1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8,
];
pub(super) const GIDS_ADMIN_KEY: [u8; 24] = *b"an administrator's key..";
const LONGEST: usize = 65_538;
const SW_NO_DIAGNOSIS: [u8; 2] = [0x6F, 0x00];
const SW_INS_NOT_SUPPORTED: [u8; 2] = [0x6D, 0x00];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trivial_card_says_what_the_full_one_said() {
        let mut full = full().unwrap();
        let select = hex::decode("00A404000BA00000030800001000010000").unwrap();
        let told = full.answer(&select);
        assert!(told.ends_with(&[0x90, 0x00]), "{}", hex::encode(&told));
        let said = full.take().into_iter();
        let mut trivial = Trivial(said.map(|one| (one.command, one.answer)).collect());
        assert_eq!(trivial.answer(&select), told);
        assert_eq!(trivial.answer(&[0, 0, 0, 0]), SW_INS_NOT_SUPPORTED);
        assert!(full.take().is_empty());
    }
}
