//! How deep the stack went, and how many instructions ran.
//!
//! The free part of the stack is painted; what lost its paint was used. Instructions are counted
//! by SysTick: under `-icount shift=0` QEMU lets 1 ns pass with each instruction, and the board's
//! clock of 25 MHz ticks every [`INSTRUCTIONS_PER_TICK`] of them.
//!
//! A gauge is stopped while another runs, so that two halves of a dialogue are told apart.

#![allow(unsafe_code)]

use core::cell::Cell;
use core::ptr;

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m::register::msp;

use crate::fail;

/// The resolution of [`Reading::instructions`].
pub const INSTRUCTIONS_PER_TICK: u32 = 40;

/// What was used between start and stop.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Bytes below where the gauge was started.
    pub stack: u32,
    /// A multiple of [`INSTRUCTIONS_PER_TICK`].
    pub instructions: u32,
}

/// Measures stretches of a program.
#[derive(Debug)]
pub struct Gauge {
    reading: Cell<Reading>,
    /// Where the stack ended when the stretch began.
    base: Cell<u32>,
}

impl Gauge {
    /// A gauge at zero. The clock must be [set](set_clock).
    pub const fn new() -> Self {
        Self {
            reading: Cell::new(Reading {
                stack: 0,
                instructions: 0,
            }),
            base: Cell::new(0),
        }
    }

    /// Begins a stretch whose stack is counted from here.
    #[inline(always)]
    pub fn start(&self) {
        self.base.set(msp::read());
        self.resume();
    }

    /// Begins a further stretch, deeper in the stack.
    #[inline(always)]
    pub fn resume(&self) {
        paint(msp::read());
        restart_clock();
    }

    /// Ends a stretch.
    #[inline(never)]
    pub fn stop(&self) {
        let instructions = clock();
        let reading = self.reading.get();
        self.reading.set(Reading {
            stack: reading
                .stack
                .max(self.base.get().saturating_sub(lowest_without_paint())),
            instructions: reading.instructions + instructions,
        });
    }

    /// What was counted since the last call; begins at zero again.
    pub fn take(&self) -> Reading {
        self.reading.take()
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new()
    }
}

/// Sets SysTick to the processor's clock, for the whole program.
pub fn set_clock(syst: &mut SYST) {
    syst.set_clock_source(SystClkSource::Core);
    syst.set_reload(LONGEST);
    syst.enable_counter();
}

fn restart_clock() {
    // SAFETY: one core without interrupts; writing any value sets the counter to zero, from
    // which it reloads, and clears the flag that `clock` reads.
    unsafe { (*SYST::PTR).cvr.write(0) };
}

fn clock() -> u32 {
    let left = SYST::get_current();
    // SAFETY: a read of the control register, which clears the flag; nobody else looks at it.
    let wrapped = unsafe { (*SYST::PTR).csr.read() } & COUNTED_TO_ZERO != 0;
    if wrapped {
        fail("more instructions than SysTick counts");
    }
    // Zero is where the counter stands until its first tick.
    let ticks = if left == 0 { 0 } else { LONGEST - left + 1 };
    ticks.saturating_mul(INSTRUCTIONS_PER_TICK)
}

unsafe extern "C" {
    /// Where the stack may reach at the deepest; from the linker script.
    static mut __sheap: u32;
}

#[inline(always)]
fn paint(end: u32) {
    let mut word = &raw mut __sheap;
    while (word as u32) < end {
        // SAFETY: the words between the last static and the stack pointer belong to nobody, and
        // this function is inlined, so that no frame of its own lies there.
        unsafe {
            ptr::write_volatile(word, PAINT);
            word = word.add(1);
        }
    }
}

fn lowest_without_paint() -> u32 {
    let mut word = (&raw const __sheap).cast::<u32>();
    // SAFETY: reads RAM upwards from the last static; the frame of `main` lies above and is not
    // paint throughout, so this ends within the stack.
    while unsafe { ptr::read_volatile(word) } == PAINT {
        word = unsafe { word.add(1) };
    }
    word as u32
}

const PAINT: u32 = 0xa5a5_a5a5;
/// SysTick has 24 bits.
const LONGEST: u32 = 0x00ff_ffff;
const COUNTED_TO_ZERO: u32 = 1 << 16;
