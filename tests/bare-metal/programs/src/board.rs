//! Out of the board: words to whoever runs QEMU, and an end.

use core::panic::PanicInfo;

use cortex_m_semihosting::debug::{self, EXIT_FAILURE, EXIT_SUCCESS};
use cortex_m_semihosting::hio;

/// Prints.
pub fn say(words: &str) {
    let written = hio::hstdout().and_then(|mut out| out.write_all(words.as_bytes()));
    if written.is_err() {
        debug::exit(EXIT_FAILURE);
    }
}

/// Prints a number.
pub fn say_number(number: u32) {
    let mut digits = [0; 10];
    let mut left = number;
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        first = place;
        if left == 0 {
            break;
        }
    }
    say(core::str::from_utf8(&digits[first..]).unwrap_or("?"));
}

/// Ends the program: all went well.
pub fn done() -> ! {
    loop {
        debug::exit(EXIT_SUCCESS);
    }
}

/// Ends the program and says why.
pub fn fail(why: &str) -> ! {
    say("failed: ");
    say(why);
    say("\n");
    loop {
        debug::exit(EXIT_FAILURE);
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    fail("a panic")
}
