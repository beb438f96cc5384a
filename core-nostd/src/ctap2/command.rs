//! Command bytes. CTAP 2.3 §6.

/// The first byte of a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Command {
    /// 0x01
    MakeCredential,
    /// 0x02
    GetAssertion,
    /// 0x04
    GetInfo,
    /// 0x06
    ClientPin,
    /// 0x07
    Reset,
    /// 0x08
    GetNextAssertion,
    /// 0x09, since 2.1
    BioEnrollment,
    /// 0x0A, since 2.1
    CredentialManagement,
    /// 0x0B, since 2.1
    Selection,
    /// 0x0C, since 2.1
    LargeBlobs,
    /// 0x0D, since 2.1
    AuthenticatorConfig,
    /// 0x40, of `FIDO_2_1_PRE`
    BioEnrollmentPreview,
    /// 0x41, of `FIDO_2_1_PRE`
    CredentialManagementPreview,
    /// A vendor's, or one of a later edition.
    Other(u8),
}

impl From<u8> for Command {
    fn from(byte: u8) -> Self {
        match byte {
            0x01 => Self::MakeCredential,
            0x02 => Self::GetAssertion,
            0x04 => Self::GetInfo,
            0x06 => Self::ClientPin,
            0x07 => Self::Reset,
            0x08 => Self::GetNextAssertion,
            0x09 => Self::BioEnrollment,
            0x0a => Self::CredentialManagement,
            0x0b => Self::Selection,
            0x0c => Self::LargeBlobs,
            0x0d => Self::AuthenticatorConfig,
            0x40 => Self::BioEnrollmentPreview,
            0x41 => Self::CredentialManagementPreview,
            other => Self::Other(other),
        }
    }
}

impl From<Command> for u8 {
    fn from(command: Command) -> Self {
        match command {
            Command::MakeCredential => 0x01,
            Command::GetAssertion => 0x02,
            Command::GetInfo => 0x04,
            Command::ClientPin => 0x06,
            Command::Reset => 0x07,
            Command::GetNextAssertion => 0x08,
            Command::BioEnrollment => 0x09,
            Command::CredentialManagement => 0x0a,
            Command::Selection => 0x0b,
            Command::LargeBlobs => 0x0c,
            Command::AuthenticatorConfig => 0x0d,
            Command::BioEnrollmentPreview => 0x40,
            Command::CredentialManagementPreview => 0x41,
            Command::Other(byte) => byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn command_bytes_survive_a_round_trip() {
        for byte in 0..=u8::MAX {
            assert_eq!(u8::from(Command::from(byte)), byte);
        }
    }
}
