//! getInfo. CTAP 2.3 §6.4.

use super::{CtapTransport, Error, Facts, Session};
use crate::crypto::Crypto;
use crate::ctap2::{Command, get_info};

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Asks the token what it is and can do.
    pub fn info(&mut self) -> Result<get_info::Response<'_>, Error<T::Error>> {
        let answer = self.exchange(Command::GetInfo, None)?;
        let facts = Facts::from(&self.read::<get_info::Response<'_>>(answer)?);
        self.remember(facts);
        self.read(answer)
    }

    /// Asks anew, for the facts alone.
    pub(super) fn refresh(&mut self) -> Result<Facts, Error<T::Error>> {
        self.info().map(|info| Facts::from(&info))
    }
}
