//! OpenSSL 3, in C.

#![allow(unsafe_code, reason = "a C library")]

use std::ffi::{CString, c_char, c_int, c_void};
use std::hint::black_box;

use anyhow::{Result, ensure};

use super::{Exchanged, Given};

/// What is fetched once.
pub(super) struct OpenSsl(*mut c_void);

impl OpenSsl {
    pub(super) fn new() -> Result<Self> {
        // SAFETY: takes nothing.
        let fetched = unsafe { peer_openssl_new() };
        ensure!(!fetched.is_null(), "OpenSSL lacks an algorithm");
        Ok(Self(fetched))
    }

    pub(super) fn exchange(&self, given: &Given) -> Result<Exchanged> {
        let given = black_box(given);
        let pin = CString::new(given.pin)?;
        let mut exchanged = Exchanged {
            point: [0; 65],
            pin_hash_enc: [0; 32],
            mac: [0; 32],
        };
        // SAFETY: all arrays have the lengths that the C side declares.
        let done = unsafe {
            peer_openssl_exchange(
                self.0,
                given.point.as_ptr(),
                pin.as_ptr(),
                given.token_enc.as_ptr(),
                given.client_data_hash.as_ptr(),
                &raw mut exchanged,
            )
        };
        ensure!(done == 1, "OpenSSL refuses a step of the exchange");
        Ok(exchanged)
    }
}

unsafe extern "C" {
    fn peer_openssl_new() -> *mut c_void;
    fn peer_openssl_exchange(
        fetched: *mut c_void,
        point: *const u8,
        pin: *const c_char,
        token_enc: *const u8,
        client_data_hash: *const u8,
        out: *mut Exchanged,
    ) -> c_int;
}
