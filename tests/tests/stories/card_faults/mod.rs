//! Cards whose reader another program uses too: nothing half done, nothing lost, no try burned.
//!
//! A life goes through every operation while the other program does what it can. What did not succeed
//! is asked for once more, which has to succeed; then server, card and authority must agree.

mod desk;
mod intruder;
mod life;

/// Each told beside a pcscd of its own.
macro_rules! stories {
    ($($name:ident: $story:path,)*) => {$(
        mod $name {
            #[test]
            fn over_pcscd() {
                keysteward_tests::pcscd::tell(concat!(module_path!(), "::over_pcscd"), $story);
            }
        }
    )*};
}

stories! {
    another_program_resets_a_piv_card_between_leases: super::intruder::of_piv,
    another_program_resets_a_gids_card_between_leases: super::intruder::of_gids,
}
