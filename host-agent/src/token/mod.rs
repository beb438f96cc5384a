//! The tokens that are plugged in: known by name, read once, leased to one caller at a time.
//!
//! Above [`crate::transport`], below [`crate::verb`]. Everything that touches a token runs on that
//! token's own thread, which lives from plug-in to unplug; a caller that hangs up cuts nothing.

mod facts;
mod identity;
mod inventory;

use std::sync::{Arc, PoisonError, RwLock};

pub use facts::Facts;
pub use inventory::{Event, Inventory};

use crate::{
    journal::TokenName,
    transport::{Description, Kind},
};

/// A token that is plugged in, or was until a moment ago.
#[derive(Debug)]
pub struct Token {
    presence_id: String,
    description: Description,
    reading: RwLock<Reading>,
}

/// What is known from the token itself.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It was plugged in just now.
    Unread,
    /// authenticatorGetInfo was read.
    Read(Arc<Facts>),
    /// It could not be read, and why.
    Fault(String),
}

impl Token {
    fn new(presence_id: String, description: Description) -> Self {
        Self {
            presence_id,
            description,
            reading: RwLock::new(Reading::Unread),
        }
    }

    /// Names this token from plug-in to unplug, and never another.
    #[must_use]
    pub fn presence_id(&self) -> &str {
        &self.presence_id
    }

    /// What its link tells.
    #[must_use]
    pub const fn description(&self) -> &Description {
        &self.description
    }

    /// What it told itself.
    #[must_use]
    pub fn reading(&self) -> Reading {
        // Replaced whole, so never half written.
        self.reading
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How the journal writes it down.
    #[must_use]
    pub fn name(&self) -> TokenName {
        let aaguid = match self.reading() {
            Reading::Read(facts) => facts.aaguid,
            Reading::Unread | Reading::Fault(_) => [0; 16],
        };
        TokenName {
            presence_id: self.presence_id.clone(),
            vendor_id: self.description.vendor_id,
            product_id: self.description.product_id,
            serial: self.description.serial.clone(),
            aaguid,
        }
    }

    /// Exists in software only.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.description.kind == Kind::Socket
    }

    fn set_reading(&self, reading: Reading) {
        *self.reading.write().unwrap_or_else(PoisonError::into_inner) = reading;
    }
}
