//! Links only if nothing in `keysteward-core` can panic.
//!
//! The panic handler calls a symbol that no one defines. As long as one way from an entry point to
//! a panic is left after optimisation, the handler is in the program and the linker refuses it.
//! Every public function of the core is called here, methods of traits included, with values that
//! the optimiser cannot know ([`unknown`]): what it takes away cannot happen for any input. That none
//! is missing `cargo xtask core-size` sees for itself: rustdoc tells what there is, and the calls of
//! this program, compiled without optimisation, tell what it reaches. Overflow checks are on (profile
//! `proof`), so arithmetic that wraps is caught as well; so are the lines for the log, and what
//! errors say to people.
//!
//! It is linked for ARM and for x86-64, because reader and writer have parts that only 64-bit
//! targets are given, for speed.
//!
//! Not proven here:
//! - the primitives behind the trait `Crypto`, which are stubs: what RustCrypto does is its own;
//! - what the compiler derives: it does the same to each member;
//! - `Debug` of what holds text or a map: the compiler's own `core` keeps panics where it escapes
//!   text and where it puts a map together. `cargo xtask core-size` names these types;
//! - that the stack suffices: `cargo xtask core-size` measures it.
//!
//! When it does not link, build it with `RUSTFLAGS="-C link-arg=--unresolved-symbols=ignore-all"`
//! and look in the disassembly for who calls `core::panicking`: mostly an index, a slice or a copy
//! whose lengths the optimiser was not shown to fit.
//!
//! The feature `negative-control` adds one index that can be out of bounds, deep inside a callback:
//! then this must not link, or the proof would prove nothing.

#![no_std]
#![no_main]

mod admin_key;
mod cbor;
mod conversions;
mod ctap1;
mod ctap2;
mod ctaphid;
mod gids;
mod iso7816;
mod lent;
mod nfcctap;
mod pin_protocol;
mod piv;
mod secrets;
mod session;
mod text;
mod unknown;
mod webauthn;

use core::panic::PanicInfo;

/// Where the linker begins to keep code.
#[unsafe(no_mangle)]
#[allow(unsafe_code)]
extern "C" fn _start() -> ! {
    admin_key::prove();
    cbor::prove();
    conversions::prove();
    ctap1::prove();
    ctap2::prove();
    ctaphid::prove();
    gids::prove();
    iso7816::prove();
    lent::prove();
    nfcctap::prove();
    pin_protocol::prove();
    piv::prove();
    secrets::prove();
    session::prove();
    text::prove();
    webauthn::prove();
    loop {
        core::hint::spin_loop();
    }
}

#[allow(unsafe_code)]
mod undefined {
    unsafe extern "C" {
        /// Named so that the linker's message says what is wrong.
        pub(super) fn a_panic_is_reachable() -> !;
    }
}

#[panic_handler]
#[allow(unsafe_code)]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: never linked, hence never called.
    unsafe { undefined::a_panic_is_reachable() }
}
