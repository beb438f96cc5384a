//! A GIDS card in software: what Windows' own smart cards do. Generic Identity Device Specification
//! 2.0; the messages are [`keysteward_core::gids`].
//!
//! | file | commands |
//! |---|---|
//! | `pins` | VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER |
//! | `admin` | the admin key proven, one way and both ways |
//! | `files` | CREATE FILE, ACTIVATE FILE, SELECT, DELETE FILE |
//! | `objects` | GET DATA, PUT DATA |
//! | `keys` | keys made, written, read; signatures and decipherment |
//! | `rsa_key` | RSA itself |
//! | `memory` | what survives power loss |
//!
//! A card is blank until ACTIVATE FILE of the applet itself: until then everybody may do everything,
//! and afterwards the rules of each file hold.
//!
//! Left out, and refused with 6A81: OAEP, for which no client asks; elliptic curves, which Windows
//! does not use here; keys that come enciphered.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use keysteward_core::crypto::RustCrypto;
//! use keysteward_core::gids::session::{Buffers, Session};
//! use keysteward_core::time::Millis;
//! use keysteward_virtual_token::card::{Applet, InProcessCard};
//! use keysteward_virtual_token::gids::GidsCard;
//! use keysteward_virtual_token::storage::MemoryStorage;
//! use rand_core::OsRng;
//!
//! let gids = GidsCard::new(MemoryStorage::new(), RustCrypto(OsRng));
//! let mut card = InProcessCard::new(vec![Box::new(gids) as Box<dyn Applet + Send>]);
//! let (mut crypto, mut buffers) = (RustCrypto(OsRng), Box::new(Buffers::new()));
//! let mut session = Session::new(&mut card, &mut crypto, &mut buffers, Millis(10_000));
//! session.select()?;
//! assert_eq!(session.facts()?.card_id, None, "it is blank");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admin;
mod files;
mod keys;
mod memory;
mod objects;
mod pins;
mod rsa_key;
#[cfg(all(test, feature = "std"))]
mod tests;

use crate::card::Applet;
use crate::storage::Storage;
use admin::Dialogue;
use alloc::vec::Vec;
use keysteward_core::crypto::Crypto;
use keysteward_core::gids::file::{Access, FileId};
use keysteward_core::gids::key_file::KeySize;
use keysteward_core::gids::security_operation::Environment;
use keysteward_core::gids::select::{FileControlInformation, Protocols, is_selected_by};
use keysteward_core::iso7816::{Command, Status};
use memory::Memory;
use rsa_key::RsaKey;
use zeroize::Zeroizing;

/// A GIDS card.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct GidsCard<S, C> {
    memory: Memory<S>,
    crypto: C,
    protocols: Protocols,
    checks_keys: bool,
    make_key: MakeKey,
    volatile: Volatile,
}

/// Makes a key of a size: RSAPrivateKey in DER, as PKCS #1 has it; `None` where it cannot.
pub type MakeKey = fn(KeySize) -> Option<Zeroizing<Vec<u8>>>;

/// What is forgotten when another applet is selected.
struct Volatile {
    /// The PIN was verified.
    user: bool,
    /// The admin key was proven.
    admin: bool,
    /// Where a proof of the admin key stands.
    dialogue: Dialogue,
    /// The file that ACTIVATE and DELETE are about.
    selected: FileId,
    /// The key of the next operation.
    environment: Option<Environment>,
}

impl Volatile {
    const NOTHING: Self = Self {
        user: false,
        admin: false,
        dialogue: Dialogue::Idle,
        selected: FileId::APPLICATION,
        environment: None,
    };
}

/// An answer whose data lie in the response.
type Answer = Result<usize, Status>;

impl<S: Storage, C: Crypto> GidsCard<S, C> {
    /// The card that the storage holds: a blank one, if that is blank.
    pub const fn new(storage: S, crypto: C) -> Self {
        Self {
            memory: Memory(storage),
            crypto,
            protocols: Protocols::BOTH,
            checks_keys: false,
            make_key: RsaKey::generate,
            volatile: Volatile::NOTHING,
        }
    }

    /// Authenticates its administrator in these ways only.
    #[must_use]
    pub fn with_protocols(self, protocols: Protocols) -> Self {
        Self { protocols, ..self }
    }

    /// Compares the key check value of an admin key that is written. Most cards do not, and OpenSC
    /// writes the same one with every key.
    #[must_use]
    pub fn checking_keys(self) -> Self {
        Self {
            checks_keys: true,
            ..self
        }
    }

    /// Has its keys made by this and not by the applet, which takes a second for each.
    #[must_use]
    pub fn with_keys_made_by(self, make_key: MakeKey) -> Self {
        Self { make_key, ..self }
    }

    fn forget(&mut self) {
        self.volatile = Volatile {
            selected: self.volatile.selected,
            ..Volatile::NOTHING
        };
    }

    /// Whether rules hold.
    fn is_activated(&self) -> Result<bool, Status> {
        Ok(self.memory.state()?.is_some_and(|state| state.activated))
    }

    fn permit(&self, rule: Access) -> Result<(), Status> {
        let open = !self.is_activated()?;
        match open || rule.permits(self.volatile.user, self.volatile.admin) {
            true => Ok(()),
            false => Err(Status::SecurityStatusNotSatisfied),
        }
    }

    fn dispatch(&mut self, command: &Command<'_>, response: &mut [u8]) -> Answer {
        match command.ins {
            _ if command.cla != 0 => Err(Status::ClaNotSupported),
            0x20 => self.verify(command),
            0x22 => self.manage_security_environment(command),
            0x24 => self.change_reference_data(command),
            0x2A => self.perform_security_operation(command, response),
            0x2C => self.reset_retry_counter(command),
            0x44 => self.activate_file(command),
            0x47 => self.generate_key(command),
            0x87 => self.general_authenticate(command, response),
            0xA4 => self.select_file(command),
            0xCB => self.get_data(command, response),
            0xDB => self.put_data(command),
            0xE0 => self.create_file(command),
            0xE4 => self.delete_file(command),
            _ => Err(Status::InsNotSupported),
        }
    }
}

impl<S: Storage, C: Crypto> Applet for GidsCard<S, C> {
    fn is_named(&self, aid: &[u8]) -> bool {
        is_selected_by(aid)
    }

    fn select<'r>(&mut self, response: &'r mut [u8]) -> (&'r [u8], Status) {
        self.volatile = Volatile::NOTHING;
        let said = FileControlInformation {
            protocols: Some(self.protocols),
            ..FileControlInformation::VERSION_2
        };
        match said.encode(response) {
            Ok(said) => (said, Status::Success),
            Err(_) => (&[], Status::NoDiagnosis),
        }
    }

    fn deselect(&mut self) {
        self.volatile = Volatile::NOTHING;
    }

    fn execute<'r>(&mut self, command: &Command<'_>, response: &'r mut [u8]) -> (&'r [u8], Status) {
        match self.dispatch(command, response) {
            Ok(len) => (&response[..len], Status::Success),
            Err(status) => (&[], status),
        }
    }
}

/// What is wrong with the card itself is not the command's fault.
fn broken<E>(_: E) -> Status {
    Status::NoDiagnosis
}
