//! Where a key keeps what survives power loss: one blob, replaced as a whole.

mod file;
mod memory;

pub use file::FileStorage;
pub use memory::MemoryStorage;

use std::io;
use zeroize::Zeroizing;

/// Keeps one blob. After a [`save`](Storage::save) that returned, power loss brings that blob back;
/// in the middle of one, either the old or the new.
pub trait Storage {
    /// What was saved last; `None` in a key fresh from the factory.
    fn load(&self) -> io::Result<Option<Zeroizing<Vec<u8>>>>;

    fn save(&mut self, blob: &[u8]) -> io::Result<()>;
}
