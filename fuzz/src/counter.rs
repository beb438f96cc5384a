//! Randomness that is the same in every run.

use rand_core::{CryptoRng, Error, RngCore};

/// Counts. Not random at all; a fuzzer needs to meet the same input again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter(pub u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let block = self.next_u64().to_be_bytes();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

/// For [`keysteward_core::crypto::RustCrypto`], which takes no other kind.
impl CryptoRng for Counter {}
