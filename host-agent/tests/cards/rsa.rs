//! Long RSA keys for cards in software, which look for primes for minutes: OpenSSL makes them.

use std::process::{Command as Program, Stdio};

use keysteward_core::{
    crypto::RustCrypto,
    gids::key_file::KeySize,
    iso7816::{
        Command, Status,
        tlv::{Objects, Tag},
    },
    piv::{
        Algorithm, PublicKey, generate,
        yubico::import_key::{self, Secret},
    },
};
use keysteward_virtual_token::{
    card::Applet,
    gids::GidsCard,
    piv::{Piv, Product},
    storage::MemoryStorage,
};
use rand_core::OsRng;
use zeroize::Zeroizing;

use crate::reader::Card;

impl Card {
    /// A PIV card as it left the factory.
    pub(crate) fn piv_with_long_keys() -> Self {
        let product = Product {
            serial: 4711,
            ..Product::default()
        };
        let card = Piv::new(MemoryStorage::new(), RustCrypto(OsRng), product).unwrap();
        Self::put(Box::new(Importing(card)))
    }

    /// A GIDS card that is not initialised.
    pub(crate) fn gids_with_long_keys() -> Self {
        let card = GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng));
        Self::put(Box::new(card.with_keys_made_by(of_size)))
    }
}

fn of_size(size: KeySize) -> Option<Zeroizing<Vec<u8>>> {
    Some(made(size.bits()))
}

/// RSAPrivateKey, DER.
fn made(bits: u16) -> Zeroizing<Vec<u8>> {
    let pipe = format!("openssl genrsa {bits} | openssl rsa -traditional -outform DER");
    let run = Program::new("sh")
        .args(["-c", &pipe])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "OpenSSL makes no key: apt install openssl"
    );
    Zeroizing::new(run.stdout)
}

/// A PIV card that imports the RSA keys that it is asked to make.
struct Importing(Piv<MemoryStorage, RustCrypto<OsRng>>);

impl Importing {
    fn make(&mut self, asked: &generate::Request, response: &mut [u8]) -> (usize, Status) {
        let der = made(asked.algorithm.bits());
        let [_, n, e, _, p, q, dp, dq, q_inverse] = numbers(&der);
        let half = usize::from(asked.algorithm.bits() / 16);
        let [p, q, dp, dq, q_inverse] = [p, q, dp, dq, q_inverse].map(|number| {
            let zeros = vec![0; half - number.len()];
            [zeros, number.to_vec()].concat()
        });
        let import = import_key::Request {
            key: asked.key,
            algorithm: asked.algorithm,
            secret: Secret::Rsa {
                p: &p,
                q: &q,
                dp: &dp,
                dq: &dq,
                q_inverse: &q_inverse,
            },
            pin_policy: asked.pin_policy,
            touch_policy: asked.touch_policy,
        };
        let mut room = [0; 2048];
        let (_, status) = self
            .0
            .execute(&import.command(&mut room).unwrap(), response);
        let public = PublicKey::Rsa {
            modulus: n,
            exponent: e,
        };
        match status {
            Status::Success => (public.encode(response).unwrap().len(), status),
            status => (0, status),
        }
    }
}

/// Of an RSAPrivateKey, without the zeros that keep them positive.
fn numbers(der: &[u8]) -> [&[u8]; 9] {
    let sequence = Objects::new(der).find(Tag(0x30)).unwrap().unwrap();
    let numbers: Vec<&[u8]> = Objects::new(sequence.value)
        .map(|number| match number.unwrap().value {
            [0, number @ ..] => number,
            number => number,
        })
        .collect();
    numbers.try_into().unwrap()
}

impl Applet for Importing {
    fn is_named(&self, aid: &[u8]) -> bool {
        self.0.is_named(aid)
    }

    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
        self.0.select(response)
    }

    fn deselect(&mut self) {
        self.0.deselect();
    }

    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        match generate::Request::parse(command) {
            Ok(asked) if command.ins == GENERATE && is_rsa(asked.algorithm) => {
                let (len, status) = self.make(&asked, response);
                (&response[..len], status)
            }
            _ => self.0.execute(command, response),
        }
    }
}

fn is_rsa(algorithm: Algorithm) -> bool {
    algorithm.modulus_len().is_some()
}

const GENERATE: u8 = 0x47;
