//! A token's channel that remembers what was done over it.

use std::ops::ControlFlow;

use keysteward_core::{
    cbor::Parse as _,
    ctap2::{Command, bio_enrollment, client_pin, credential_management, large_blobs},
    session::{CtapTransport, Keepalive, Millis},
};

use crate::token::{Channel, ChannelError};

/// Passes everything on, and keeps what it may have done.
#[derive(Debug)]
pub(super) struct Watched<'t> {
    inner: &'t mut Channel,
    effect: Effect,
}

/// What the requests so far have done to the token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Effect {
    /// A change was asked for and confirmed.
    pub(super) changed: bool,
    /// A change was asked for last, and no answer says whether it was made.
    pub(super) open: bool,
}

impl<'t> Watched<'t> {
    pub(super) fn new(inner: &'t mut Channel) -> Self {
        Self {
            inner,
            effect: Effect::default(),
        }
    }

    pub(super) const fn effect(&self) -> Effect {
        self.effect
    }
}

impl CtapTransport for Watched<'_> {
    type Error = ChannelError;

    fn exchange<'r>(
        &mut self,
        request: &[u8],
        response: &'r mut [u8],
        deadline: Millis,
        on_keepalive: &mut dyn FnMut(Keepalive) -> ControlFlow<()>,
    ) -> Result<&'r [u8], Self::Error> {
        let changing = changes(request);
        let answer = self
            .inner
            .exchange(request, response, deadline, on_keepalive);
        self.effect.open = changing && !is_settled(&answer);
        self.effect.changed |= changing && matches!(answer, Ok([0, ..]));
        answer
    }
}

/// Whether this end of an exchange tells what became of the request.
fn is_settled(answer: &Result<&[u8], ChannelError>) -> bool {
    match answer {
        Ok(answer) => !answer.is_empty(),
        Err(error) => error.took_nothing(),
    }
}

/// Whether a request can change more than counters. What is not known is taken to.
fn changes(request: &[u8]) -> bool {
    use bio_enrollment::Subcommand as Fingers;
    use client_pin::Subcommand as Pin;
    use credential_management::Subcommand as Credentials;
    let Some((&command, parameters)) = request.split_first() else {
        return false;
    };
    match Command::from(command) {
        Command::GetInfo
        | Command::Selection
        | Command::GetAssertion
        | Command::GetNextAssertion => false,
        // The others count tries, which is no change that anybody asked for.
        Command::ClientPin => client_pin::Request::parse(parameters).map_or(true, |request| {
            matches!(
                request.sub_command,
                Pin::SetPin | Pin::ChangePin | Pin::Other(_)
            )
        }),
        Command::CredentialManagement | Command::CredentialManagementPreview => {
            credential_management::Request::parse(parameters).map_or(true, |request| {
                matches!(
                    request.sub_command,
                    Credentials::DeleteCredential
                        | Credentials::UpdateUserInformation
                        | Credentials::Other(_)
                )
            })
        }
        Command::BioEnrollment | Command::BioEnrollmentPreview => {
            bio_enrollment::Request::parse(parameters).map_or(true, |request| {
                matches!(
                    request.sub_command,
                    Some(
                        Fingers::EnrollBegin
                            | Fingers::EnrollCaptureNextSample
                            | Fingers::SetFriendlyName
                            | Fingers::RemoveEnrollment
                            | Fingers::Other(_)
                    )
                )
            })
        }
        Command::LargeBlobs => {
            large_blobs::Request::parse(parameters).map_or(true, |request| request.set.is_some())
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_that_cannot_change_a_token_are_taken_for_harmless() {
        for (request, expected) in [
            (&[0x04][..], false),
            (&[0x0b], false),
            (&[0x02, 0xa0], false),
            (&[0x08], false),
            // clientPin {1: 1, 2: 1..}
            (&[0x06, 0xa2, 1, 1, 2, 1], false),
            (&[0x06, 0xa2, 1, 1, 2, 2], false),
            (&[0x06, 0xa2, 1, 1, 2, 3], true),
            (&[0x06, 0xa2, 1, 1, 2, 4], true),
            (&[0x06, 0xa2, 1, 1, 2, 5], false),
            (&[0x06, 0xa2, 1, 1, 2, 9], false),
            (&[0x06, 0xff], true),
            // credentialManagement {1: ..}
            (&[0x0a, 0xa1, 1, 1], false),
            (&[0x41, 0xa1, 1, 4], false),
            (&[0x0a, 0xa1, 1, 6], true),
            (&[0x0a, 0xa1, 1, 7], true),
            (&[0x0a, 0xa1, 1, 0x18, 0x20], true),
            // bioEnrollment {1: 1, 2: ..}
            (&[0x09, 0xa2, 1, 1, 2, 4], false),
            (&[0x40, 0xa2, 1, 1, 2, 7], false),
            (&[0x09, 0xa2, 1, 1, 2, 3], false),
            (&[0x09, 0xa2, 1, 1, 2, 1], true),
            (&[0x09, 0xa2, 1, 1, 2, 2], true),
            (&[0x09, 0xa2, 1, 1, 2, 5], true),
            (&[0x09, 0xa2, 1, 1, 2, 6], true),
            (&[0x09, 0xa1, 6, 0xf5], false),
            // largeBlobs {1: 9, 3: 0}, {2: h'', 3: 0}
            (&[0x0c, 0xa2, 1, 9, 3, 0], false),
            (&[0x0c, 0xa2, 2, 0x40, 3, 0], true),
            (&[0x01, 0xa0], true),
            (&[0x07], true),
            (&[0x0d, 0xa0], true),
            (&[0x50], true),
            (&[], false),
        ] {
            assert_eq!(changes(request), expected, "{request:02x?}");
        }
    }
}
