#![no_main]

use keysteward_core::crypto::RustCrypto;
use keysteward_core::gids::session::{Buffers, NewAdminKey, Session};
use keysteward_core::time::Millis;
use keysteward_fuzz::{Counter, Script, ScriptedCard, ZeroKey, gids_flow};
use libfuzzer_sys::fuzz_target;

// Everything an administrator does to a GIDS card, on one that answers what it likes: it ends, and
// tells how.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let [flow, how] = std::array::from_fn(|_| script.byte().unwrap_or(0));
    let mut card = ScriptedCard::new(script);
    card.is_brief = true;
    card.max_command = (how & 1 == 1).then_some(261);
    run(&mut card, flow, how);
    assert!(card.now <= END.after(1_000), "{:?}", card.now);
});

const END: Millis = Millis(5_000);

fn run(card: &mut ScriptedCard<'_>, flow: u8, number: u8) {
    let mut crypto = RustCrypto(Counter(0));
    let mut buffers = Box::new(Buffers::new());
    let mut session = Session::new(card, &mut crypto, &mut buffers, END);
    if session.select().is_err() {
        return;
    }
    let new_admin_key = NewAdminKey::with_check_value(&[3; 24], [1, 2, 3]);
    let outcome = gids_flow::run(&mut session, &mut ZeroKey, &new_admin_key, flow, number);
    if let Err(Some(error)) = outcome {
        assert!(!error.to_string().is_empty());
    }
}
