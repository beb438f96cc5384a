use super::*;

fn allowance(applet: &str) -> Allowance {
    Allowance::of(&CardStep {
        applet: applet.into(),
        ..CardStep::default()
    })
}

#[test]
fn what_a_card_needs_for_two_proofs_is_answered_and_no_block_more() {
    for (applet, needed) in [("piv", 2), ("gids", 20)] {
        let mut allowance = allowance(applet);
        for candidate in [0, 3] {
            for block in 0..needed {
                let answered = allowance.take(candidate);
                assert!(answered.is_ok(), "{applet}: block {block}");
            }
            for _ in 0..100 {
                let more = allowance.take(candidate);
                assert!(matches!(more, Err(CallError::Malformed(_))), "{applet}");
            }
        }
    }
}

#[test]
fn no_more_keys_are_asked_about_than_a_step_has() {
    let mut allowance = allowance("piv");
    for candidate in 0..4 {
        allowance.take(candidate).unwrap();
    }
    assert!(allowance.take(4).is_err());
    assert!(allowance.take(u32::MAX).is_err());
    assert!(allowance.take(0).is_ok(), "its own bound stands");
}
