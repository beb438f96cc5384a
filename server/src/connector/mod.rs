//! Outside systems: a trait per kind, a file per vendor.
//!
//! Called by operations; calls nothing of ours. A connector turns what an
//! outside system says into our words, tells every failure apart, and says of
//! each whether something may have changed outside.

mod api_key;
pub mod ca;
mod finding;
mod https;
pub mod idp;
mod outcome;
mod said;
mod setting_error;

pub use api_key::ApiKey;
pub use finding::Finding;
pub use outcome::Outcome;
pub use said::Said;
pub use setting_error::SettingError;
