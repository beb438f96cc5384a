//! Random numbers that are the same in every run.

use rand_core::{CryptoRng, Error, RngCore, impls};

/// xorshift64* from a constant: for measuring, where the same work must be done in every run.
/// Nothing that it gives is a secret.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The one seed there is.
    pub const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Default for Seeded {
    fn default() -> Self {
        Self::new()
    }
}

impl RngCore for Seeded {
    fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        impls::fill_bytes_via_next(self, bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

/// What the primitives demand of their source.
impl CryptoRng for Seeded {}
