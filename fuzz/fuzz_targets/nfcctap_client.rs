#![no_main]

use std::ops::ControlFlow;

use keysteward_core::ctap1;
use keysteward_core::nfcctap::NfcTransport;
use keysteward_core::time::Millis;
use keysteward_fuzz::{Script, ScriptedCard};
use libfuzzer_sys::fuzz_target;

const DEADLINE: Millis = Millis(20_000);

// A program facing a card that answers what it likes. The card's clock runs, so it ends.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let max_command = [None, Some(261), Some(4096), Some(usize::MAX)];
    let max_command = max_command[usize::from(script.byte().unwrap_or(0)) % 4];
    let selected = script.byte().unwrap_or(0) & 1 == 1;
    let mut card = ScriptedCard::new(script);
    card.max_command = max_command;
    card.select_answer = selected.then_some(b"FIDO_2_0\x90\x00");
    let Ok(mut transport) = NfcTransport::open(card, DEADLINE) else {
        return;
    };
    let request = [0x5A; 700];
    let mut response = [0; 2048];
    while let Some(step) = transport.card_mut().script.byte() {
        let deadline = transport.card_mut().now.after(u64::from(step) * 8);
        match step & 7 {
            0 => drop(transport.select(deadline)),
            1 => drop(transport.deselect(deadline)),
            2 => drop(transport.u2f(ctap1::version(), &mut response, deadline)),
            _ => {
                let cancel = step & 8 == 8;
                let request = &request[..usize::from(step) * 2];
                let answer = transport.msg(request, &mut response, deadline, &mut |_| {
                    if cancel {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                drop(answer.map(<[u8]>::len));
            }
        }
    }
});
