//! Tokens, token types and templates as pure data and rules: no I/O, no clock.
//!
//! - [`moves`]: which events move a token from one state to another; one table.
//! - [`token_type`]: how a model is recognised and what it must prove.
//! - [`template`]: what issuing means; [`pin_policy`] is its part about PINs,
//!   [`card_section`] its part about cards; [`card_type`] a token type's.
//!
//! Everything that a person writes is checked here: an [`Invalid`] names the
//! field, what was found and what is allowed.

mod aaguid;
pub mod card_section;
pub mod card_type;
mod invalid;
pub mod moves;
pub mod pin_policy;
pub mod template;
pub mod token_type;

pub use crate::store::token::State as TokenState;
pub use aaguid::Aaguid;
pub use card_section::{CardSection, CertificateSlot, KeyAlgorithm};
pub use card_type::{Applet, CardType, Cipher};
pub use invalid::Invalid;
pub(crate) use invalid::check_name;
pub use moves::{ALLOWED, Event, NotAllowed, after};
pub use pin_policy::{Alphabet, Custody, PinPolicy};
pub use template::Template;
pub use token_type::{Registration, TokenType, TrustedBy, Unrooted};
