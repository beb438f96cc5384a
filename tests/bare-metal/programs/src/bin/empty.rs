//! What every program here has beside what it is to show.

#![no_std]
#![no_main]

use core::hint::black_box;

use keysteward_bare_metal::{begin, done, entry, measure, room};

#[entry]
fn main() -> ! {
    begin();
    room("nothing", 0);
    measure("nothing", || black_box(()));
    done()
}
