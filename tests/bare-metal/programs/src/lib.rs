//! Programs for a Cortex-M4 (`mps2-an386` in QEMU) that show what the core costs on a
//! microcontroller. `cargo xtask core-size` builds and runs them, and prints what came out;
//! `cargo run --release --bin client` in this folder runs one.
//!
//! | program | is |
//! |---|---|
//! | `empty` | start code and what measures: subtracted from the others |
//! | `codec` | decodes every request, encodes every response, of the commands that `ctap-types` has; reads authenticator data and COSE keys as well |
//! | `codec_further` | the same for all commands of the core |
//! | `peer_ctap_types` | `ctap-types` doing what `codec` does |
//! | `pin_client` | the platform's half of PIN/UV auth protocol two |
//! | `peer_pin_client` | the same on bare RustCrypto |
//! | `client` | sessions, against answers from a script |
//! | `authenticator` | the virtual token without `std` |
//! | `both` | the two against each other, from RAM buffers: getInfo, a PIN, makeCredential, getAssertion; the signature is checked |
//!
//! Nothing here allocates: no allocator is linked. Random numbers come from a constant, so that
//! every run does the same work: what these keys sign is worth nothing.

#![no_std]

mod board;
pub mod codec;
pub mod flash;
pub mod flow;
mod gauge;
pub mod pin;
mod script;
mod seeded;
pub mod token;

pub use board::{done, fail, say, say_number};
pub use cortex_m_rt::entry;
pub use gauge::{Gauge, INSTRUCTIONS_PER_TICK, Reading};
pub use script::{SCRIPT_BYTES, Script};
pub use seeded::Seeded;

/// To be called first.
pub fn begin() {
    match cortex_m::Peripherals::take() {
        Some(mut peripherals) => gauge::set_clock(&mut peripherals.SYST),
        None => fail("the peripherals are taken"),
    }
}

/// Measures one operation and prints it.
#[inline(always)]
pub fn measure<R>(name: &str, operation: impl FnOnce() -> R) -> R {
    let gauge = Gauge::new();
    gauge.start();
    let result = operation();
    gauge.stop();
    report(name, gauge.take());
    result
}

/// Prints bytes that the program brings and the core does not need.
#[inline(never)]
pub fn room(name: &str, bytes: usize) {
    say("room ");
    say(name);
    say(" ");
    say_number(u32::try_from(bytes).unwrap_or(u32::MAX));
    say("\n");
}

/// Prints a reading as `cargo xtask core-size` reads it.
#[inline(never)]
pub fn report(name: &str, reading: Reading) {
    say("measured ");
    say(name);
    say(" ");
    say_number(reading.stack);
    say(" ");
    say_number(reading.instructions);
    say("\n");
}

/// A makeCredential request as a client sent it to a key, with an extension and a PIN.
pub const MAKE_CREDENTIAL: &[u8] =
    include_bytes!("../../../../core-nostd/tests/vectors/opensk_mc_req.bin");
