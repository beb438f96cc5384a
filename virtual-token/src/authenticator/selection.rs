//! authenticatorSelection: "is it this one?" CTAP 2.3 §6.9.

use super::{Environment, Touch};
use keysteward_core::ctap2::Status;

pub(super) fn selection(environment: &mut dyn Environment) -> Result<(), Status> {
    match environment.wait_for_touch() {
        Touch::Touched => Ok(()),
        Touch::Refused => Err(Status::OperationDenied),
        Touch::TimedOut => Err(Status::UserActionTimeout),
        Touch::Cancelled => Err(Status::KeepaliveCancel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticator::platform::Platform;
    use keysteward_core::ctap2::Command;

    #[test]
    fn selection_tells_what_the_user_did() {
        for (touch, answer) in [
            (Touch::Touched, None),
            (Touch::Refused, Some(Status::OperationDenied)),
            (Touch::TimedOut, Some(Status::UserActionTimeout)),
            (Touch::Cancelled, Some(Status::KeepaliveCancel)),
        ] {
            let mut platform = Platform::new();
            platform.next_touch(touch);
            assert_eq!(
                platform.send(Command::Selection, None).err(),
                answer,
                "{touch:?}"
            );
        }
    }
}
