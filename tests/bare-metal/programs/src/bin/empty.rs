//! What every program here has beside what it is to show.

#![no_std]
#![no_main]

use core::hint::black_box;

use keysteward_bare_metal::{begin, done, entry, measure};

#[entry]
fn main() -> ! {
    begin();
    measure("nothing", || black_box(()));
    done()
}
