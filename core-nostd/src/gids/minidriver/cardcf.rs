//! `cardcf`: how often the card was changed. Windows serves what it remembers of a card until one
//! of these numbers is another. Windows Smart Card Minidriver Specification 7.07.

use super::super::Error;

/// What `cardcf` holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CardCf {
    /// Of the form of this file.
    pub version: u8,
    /// Changes of PINs.
    pub pins: u8,
    /// Changes of containers.
    pub containers: u16,
    /// Changes of files.
    pub files: u16,
}

impl CardCf {
    /// Reads the file. Bytes behind what is known are another version's.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        match *bytes {
            [version, pins, c0, c1, f0, f1, ..] => Ok(Self {
                version,
                pins,
                containers: u16::from_le_bytes([c0, c1]),
                files: u16::from_le_bytes([f0, f1]),
            }),
            _ => Err(Error::File {
                name: "cardcf",
                problem: "has fewer than six bytes",
            }),
        }
    }

    /// Its bytes.
    #[must_use]
    pub const fn encode(&self) -> [u8; 6] {
        let [c0, c1] = self.containers.to_le_bytes();
        let [f0, f1] = self.files.to_le_bytes();
        [self.version, self.pins, c0, c1, f0, f1]
    }

    /// After one more change of this kind.
    #[must_use]
    pub const fn after(self, change: Change) -> Self {
        match change {
            Change::Pin => Self {
                pins: self.pins.wrapping_add(1),
                ..self
            },
            Change::Containers => Self {
                containers: self.containers.wrapping_add(1),
                ..self
            },
            Change::Files => Self {
                files: self.files.wrapping_add(1),
                ..self
            },
        }
    }
}

/// What was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// A PIN.
    Pin,
    /// A container, or the key in it.
    Containers,
    /// A file.
    Files,
}
