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
