#![no_main]

use keysteward_core::iso7816::{Command, Framing, Le, exchange};
use keysteward_core::time::Millis;
use keysteward_fuzz::{Script, ScriptedCard};
use libfuzzer_sys::fuzz_target;

// A reader facing a card that answers what it likes.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let [cla, ins, how, room] = std::array::from_fn(|_| script.byte().unwrap_or(0));
    let framing = if how & 1 == 0 {
        Framing::Short
    } else {
        Framing::Extended
    };
    let le = (how & 2 == 2).then(|| Le::new(usize::from(how) << 4));
    let data = script.rest_of_step();
    let command = Command {
        cla,
        ins,
        p1: 0,
        p2: 0,
        data,
        le,
    };
    let mut scratch = vec![0; data.len() + 270];
    let mut response = vec![0; usize::from(room) * 16];
    let mut card = ScriptedCard::new(script);
    let room = response.len();
    let answer = exchange(
        &mut card,
        command,
        framing,
        &mut scratch,
        &mut response,
        Millis(5_000),
    );
    if let Ok(answer) = answer {
        assert!(answer.data.len() + 2 <= room);
    }
});
