#![no_main]

use keysteward_fuzz::dialogue::{Platform, Step};
use keysteward_fuzz::virtual_key::VirtualKey;
use keysteward_virtual_token::authenticator::profile::Profile;
use libfuzzer_sys::fuzz_target;

// The virtual token's authenticator, of any profile, among platforms that ask what they like in
// whatever order. It answers everything with a status, and starts again whatever happened.
fuzz_target!(|input: (u8, Vec<Step<'_>>)| {
    let (profile, steps) = input;
    let profile = Profile::ALL[usize::from(profile) % Profile::ALL.len()];
    let mut key = VirtualKey::new(profile);
    let mut platform = Platform::new();
    for step in steps.iter().take(24) {
        let outcome = platform.play(step, &mut key);
        for (name, value) in outcome.facts {
            match name {
                "pinRetries" => assert!(value <= 8),
                "minPINLength" => assert!((4..=63).contains(&value)),
                _ => {}
            }
        }
    }
    let _status = platform.play(&Step::PowerCycle, &mut key);
    let there = platform.play(&Step::GetInfo, &mut key);
    assert!(
        there.status == 0 || profile == Profile::U2fOnly,
        "{there:?}"
    );
});
