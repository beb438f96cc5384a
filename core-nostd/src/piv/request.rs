//! Whichever command comes to the card.

use super::{
    change_reference_data, general_authenticate, generate, get_data, ins, put_data,
    reset_retry_counter, verify, yubico,
};
use crate::iso7816::{Command, Status};

/// A request, as the card gets it.
#[expect(missing_debug_implementations, reason = "may hold secrets")]
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Request<'a> {
    /// GET DATA
    GetData(get_data::Request),
    /// PUT DATA
    PutData(put_data::Request<'a>),
    /// VERIFY
    Verify(verify::Request<'a>),
    /// CHANGE REFERENCE DATA
    ChangeReferenceData(change_reference_data::Request<'a>),
    /// RESET RETRY COUNTER
    ResetRetryCounter(reset_retry_counter::Request<'a>),
    /// GENERAL AUTHENTICATE
    GeneralAuthenticate(general_authenticate::Request<'a>),
    /// GENERATE ASYMMETRIC KEY PAIR
    Generate(generate::Request),
    /// GET VERSION
    Version,
    /// GET SERIAL
    Serial,
    /// GET METADATA
    Metadata(yubico::metadata::Request),
    /// SET MANAGEMENT KEY
    SetAdminKey(yubico::set_admin_key::Request<'a>),
    /// SET PIN RETRIES
    SetPinRetries(yubico::set_pin_retries::Request),
    /// RESET
    Reset,
    /// IMPORT ASYMMETRIC KEY
    ImportKey(yubico::import_key::Request<'a>),
    /// ATTEST
    Attest(yubico::attest::Request),
    /// MOVE KEY
    MoveKey(yubico::move_key::Request),
}

impl<'a> Request<'a> {
    /// Reads a command; the status is what the card answers to one that is none.
    pub fn parse(command: &Command<'a>) -> Result<Self, Status> {
        if command.cla != 0x00 {
            return Err(Status::ClaNotSupported);
        }
        Ok(match command.ins {
            ins::GET_DATA => Self::GetData(get_data::Request::parse(command)?),
            ins::PUT_DATA => Self::PutData(put_data::Request::parse(command)?),
            ins::VERIFY => Self::Verify(verify::Request::parse(command)?),
            ins::CHANGE_REFERENCE_DATA => {
                Self::ChangeReferenceData(change_reference_data::Request::parse(command)?)
            }
            ins::RESET_RETRY_COUNTER => {
                Self::ResetRetryCounter(reset_retry_counter::Request::parse(command)?)
            }
            ins::GENERAL_AUTHENTICATE => {
                Self::GeneralAuthenticate(general_authenticate::Request::parse(command)?)
            }
            ins::GENERATE => Self::Generate(generate::Request::parse(command)?),
            ins::VERSION => Self::Version,
            ins::SERIAL => Self::Serial,
            ins::METADATA => Self::Metadata(yubico::metadata::Request::parse(command)?),
            ins::SET_ADMIN_KEY => {
                Self::SetAdminKey(yubico::set_admin_key::Request::parse(command)?)
            }
            ins::SET_PIN_RETRIES => {
                Self::SetPinRetries(yubico::set_pin_retries::Request::parse(command)?)
            }
            ins::RESET => match (command.p1, command.p2, command.data) {
                (0x00, 0x00, []) => Self::Reset,
                _ => return Err(Status::IncorrectP1P2),
            },
            ins::IMPORT_KEY => Self::ImportKey(yubico::import_key::Request::parse(command)?),
            ins::ATTEST => Self::Attest(yubico::attest::Request::parse(command)?),
            ins::MOVE_KEY => Self::MoveKey(yubico::move_key::Request::parse(command)?),
            _ => return Err(Status::InsNotSupported),
        })
    }
}
