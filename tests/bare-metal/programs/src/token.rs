//! The authenticator as firmware has it: a key from the factory, a clock and a finger.

use keysteward_core::crypto::{Crypto, RustCrypto};
use keysteward_core::session::Millis;
use keysteward_virtual_token::authenticator::factory::{Attestation, Identity};
use keysteward_virtual_token::authenticator::secret::Key;
use keysteward_virtual_token::authenticator::{Authenticator, Environment, Touch};

use crate::flash::Flash;
use crate::{Seeded, fail};

/// An authenticator with everything that it needs.
pub type Token<'m> = Authenticator<Flash<'m>, RustCrypto<Seeded>>;

/// Bytes of flash that the storage stands for.
pub const FLASH: usize = 4096;

/// Stands where a certificate would: nothing here reads it.
const CERTIFICATE: &[u8] = &[0x30; 400];

/// Makes a key and gives it power.
#[inline(never)]
pub fn manufacture(memory: &mut [u8]) -> Token<'_> {
    let mut flash = Flash::new(memory);
    let mut crypto = RustCrypto(Seeded::new());
    let Ok(key) = crypto.p256_generate() else {
        fail("the attestation key");
    };
    let attestation = Attestation {
        key: &Key::from(&key),
        certificate: CERTIFICATE,
    };
    let identity = Identity::new(*b"sixteen bytes ..", attestation, CERTIFICATE);
    if identity.burn_in(&mut flash, &mut crypto).is_err() {
        fail("burning in");
    }
    match Authenticator::new(flash, crypto) {
        Ok(mut token) => {
            token.power_up(Millis(0));
            token
        }
        Err(_) => fail("starting the authenticator"),
    }
}

/// A finger that touches at once, and no time that passes.
#[derive(Debug)]
pub struct Finger;

impl Environment for Finger {
    fn now(&mut self) -> Millis {
        Millis(1)
    }

    fn wait_for_touch(&mut self) -> Touch {
        Touch::Touched
    }
}
