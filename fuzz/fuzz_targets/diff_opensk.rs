#![no_main]

use keysteward_core::ctap2::Status;
use keysteward_fuzz::dialogue::{Auth, Outcome, Platform, Salts, Step};
use keysteward_fuzz::opensk_key::OpenSk;
use keysteward_fuzz::virtual_key::VirtualKey;
use keysteward_virtual_token::authenticator::profile::Profile;
use libfuzzer_sys::fuzz_target;

// The virtual token beside OpenSK, asked the same in the same order: both answer alike, or the
// difference is listed in `differs`, with its reason.
fuzz_target!(|steps: Vec<Step<'_>>| {
    let (mut ours, mut theirs) = (VirtualKey::new(Profile::Ctap23), OpenSk::new());
    let (mut with_ours, mut with_theirs) = (Platform::new(), Platform::new());
    for (at, step) in steps.iter().take(24).enumerate() {
        // Bytes of no meaning are for the decoders' own comparisons; OpenSK hears CTAP1 through its
        // own CTAPHID alone, and has neither a long touch for its reset nor hmac-secret-mc, nor, as
        // it is built here, enterprise attestation. Salts that are torn it sees behind the touch, which
        // costs the token its permissions, and our key before it (CTAP 2.3 §6.2.2 leaves extensions
        // their own time).
        if matches!(
            step,
            Step::Bytes(_)
                | Step::Register { .. }
                | Step::Authenticate { .. }
                | Step::Version
                | Step::EnableLongTouch { .. }
                | Step::EnableEnterpriseAttestation { .. }
                | Step::MakeForSecret {
                    at_once: Some(_),
                    ..
                }
                | Step::DeriveSecret {
                    salts: Salts { torn: true, .. },
                    ..
                }
        ) {
            continue;
        }
        let our_answer = with_ours.play(step, &mut ours);
        let their_answer = with_theirs.play(step, &mut theirs);
        if our_answer == their_answer {
            continue;
        }
        match differs(step, &our_answer, &their_answer) {
            Some(Difference::OfWords) => {}
            // From here on they hold different things.
            Some(Difference::OfDeeds) => return,
            None => panic!("step {at}, {step:?}: {our_answer:?}, OpenSK {their_answer:?}"),
        }
    }
});

/// What a listed difference means for what follows.
enum Difference {
    /// Both refused, or both did it.
    OfWords,
    /// One did it and the other did not.
    OfDeeds,
}

/// Where they differ, and why.
fn differs(step: &Step<'_>, ours: &Outcome, theirs: &Outcome) -> Option<Difference> {
    let pair = (Status::from(ours.status), Status::from(theirs.status));
    match (step, pair) {
        // CTAP 2.3 §6.10.2, §6.11: without a PIN and without alwaysUv nobody looks at what
        // authenticates. OpenSK refuses a protocol that it does not know as it decodes.
        (
            Step::ToggleAlwaysUv { auth }
            | Step::SetMinPinLength { auth, .. }
            | Step::NameRpIds { auth, .. }
            | Step::WriteBlobs { auth, .. },
            (_, Status::InvalidParameter),
        ) if matches!(auth, Auth::UnknownProtocol) => Some(Difference::OfDeeds),
        // CTAP 2.3 §6.10.2: to read from behind the end is an invalid parameter. OpenSK reads nothing
        // there.
        (Step::ReadBlobs { .. }, (Status::InvalidParameter, Status::Ok)) => {
            Some(Difference::OfWords)
        }
        // CTAP 2.3 §6.8.3 leaves it open which relying party comes first.
        (Step::RelyingParties { .. } | Step::NextRelyingParty, (Status::Ok, Status::Ok))
            if without("example.org", ours) == without("example.org", theirs) =>
        {
            Some(Difference::OfWords)
        }
        // CTAP 2.3 §6.5.5.6, §6.5.5.7: changePIN and getPinToken say that there is no PIN. OpenSK
        // says that a token is wanted.
        (
            Step::ChangePin { .. } | Step::Token { .. },
            (Status::PinNotSet, Status::PuatRequired),
        ) => Some(Difference::OfWords),
        // CTAP 2.3 §6.5.5.7.2: permissions are looked at before the PIN is. OpenSK looks for a PIN
        // and at it first, which may cost a try, and gives permissions for what it does not have.
        (Step::Token { .. }, (Status::UnauthorizedPermission, _)) => Some(Difference::OfDeeds),
        // The same: who makes or uses credentials names an RP ID.
        (Step::Token { .. }, (Status::MissingParameter, Status::InvalidParameter)) => {
            Some(Difference::OfWords)
        }
        // CTAP 2.3 §6.8.5, §6.8.6: a token for one RP ID is refused before the credential is looked for.
        // OpenSK looks for it first, and so tells such a token what there is of others.
        (
            Step::DeleteCredential { .. } | Step::UpdateUser { .. },
            (Status::PinAuthInvalid, Status::NoCredentials),
        ) => Some(Difference::OfWords),
        // CTAP 2.3 §6.1.2: options in step 5, enterprise attestation in step 9.
        (
            Step::MakeCredential {
                enterprise_attestation: Some(_),
                ..
            },
            (Status::InvalidOption, Status::InvalidParameter),
        ) => Some(Difference::OfWords),
        // OpenSK refuses options as it decodes, before what CTAP 2.3 has before them, and calls `rk`
        // invalid where §6.2.2, step 5, calls it unsupported.
        (Step::MakeCredential { options, .. }, (refused, Status::InvalidOption))
            if options.up == Some(false) && refused != Status::Ok =>
        {
            Some(Difference::OfWords)
        }
        (Step::GetAssertion { options, .. }, (refused, Status::InvalidOption))
            if options.rk.is_some() && refused != Status::Ok =>
        {
            Some(Difference::OfWords)
        }
        // A credProtect that §12.1 does not have: OpenSK refuses it as it decodes.
        (
            Step::MakeCredential {
                cred_protect: Some(policy),
                ..
            },
            (ours, Status::CborUnexpectedType),
        ) if !(1..=3).contains(policy) => Some(if ours == Status::Ok {
            Difference::OfDeeds
        } else {
            Difference::OfWords
        }),
        // CTAP 2.3 §6.5.5.7.2: a PIN that has to be changed is against the policy. OpenSK says, as to
        // getPinToken, that it is wrong; it costs no try.
        (Step::Token { .. }, (Status::PinPolicyViolation, Status::PinInvalid)) => {
            Some(Difference::OfWords)
        }
        // What has not the length of a MAC is not verified. OpenSK calls it an invalid parameter.
        (_, (Status::PinAuthInvalid, Status::InvalidParameter)) => Some(Difference::OfWords),
        // CTAP 2.3 §6.1.2, step 11, §6.2.2, step 6: what cannot be verified is invalid. OpenSK keeps
        // to CTAP 2.0 here.
        (
            Step::MakeCredential { .. }
            | Step::GetAssertion { .. }
            | Step::MakeForBlob { .. }
            | Step::KeepBlob { .. }
            | Step::MakeForSecret { .. }
            | Step::DeriveSecret { .. },
            (Status::PinAuthInvalid, Status::PinNotSet),
        ) => Some(Difference::OfWords),
        _ => None,
    }
}

/// What an answer said, but for one fact.
fn without(fact: &str, outcome: &Outcome) -> Vec<(&'static str, u64)> {
    let others = outcome.facts.iter().filter(|(name, _)| *name != fact);
    others.copied().collect()
}
