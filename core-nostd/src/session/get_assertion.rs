//! getAssertion, getNextAssertion. CTAP 2.3 §6.2, §6.3.

use super::exchange::Answer;
use super::pre_flight::Shortened;
use super::{CtapTransport, Error, Session};
use crate::cbor::{Encode, List};
use crate::crypto::Crypto;
use crate::ctap2::get_assertion::{Request, Response};
use crate::ctap2::{Command, PublicKeyCredentialDescriptor};
use crate::pin_protocol::PinUvAuthToken;

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Gets an assertion. `request` says everything but its members 06 and
    /// 07, which come from `token`; a touch uses the token up. Where the
    /// answer counts more than one credential,
    /// [`next_assertion`](Self::next_assertion) gets the others.
    ///
    /// An allow list longer than the token takes is looked through silently
    /// first, and the first credential that is found is used. An empty one
    /// counts as none. A token that answers for a credential that is not on it
    /// is not believed: [`Error::OtherCredential`].
    pub fn get_assertion(
        &mut self,
        request: &Request<'_>,
        token: Option<PinUvAuthToken>,
    ) -> Result<Response<'_>, Error<T::Error>> {
        let answer = self.assert(request, None, token.as_ref())?;
        self.read(answer)
    }

    /// Makes sure that the answer is for a credential of the allow list.
    fn is_allowed(
        &self,
        answer: Answer,
        allowed: List<'_, PublicKeyCredentialDescriptor<'_>>,
    ) -> Result<(), Error<T::Error>> {
        let response: Response<'_> = self.read(answer)?;
        // A token that is sent one credential may leave out which it took.
        match response.credential {
            Some(taken) if !allowed.iter().any(|one| one.id == taken.id) => {
                Err(Error::OtherCredential)
            }
            _ => Ok(()),
        }
    }

    /// The next assertion of the last [`get_assertion`](Self::get_assertion),
    /// whatever its extensions answered.
    pub fn next_assertion(&mut self) -> Result<Response<'_>, Error<T::Error>> {
        let answer = self.exchange(Command::GetNextAssertion, None)?;
        self.read(answer)
    }

    /// Where `extensions` are given, they stand in for those of `request`.
    pub(super) fn assert(
        &mut self,
        request: &Request<'_>,
        extensions: Option<&dyn Encode>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Answer, Error<T::Error>> {
        let list = request.allow_list.filter(|list| !list.is_empty());
        let shortened = match list {
            Some(list) => self.shorten(request.rp_id, list, token)?,
            // maxMsgSize holds for all that is sent.
            None => self.facts().map(|_| Shortened::AsGiven)?,
        };
        let allow_list = match &shortened {
            Shortened::AsGiven => list,
            Shortened::Held(held) => Some(List::new(held)),
            Shortened::NoneHeld => return Err(Error::NoCredentials),
        };
        let answer = self.exchange_around(
            Command::GetAssertion,
            extensions,
            &mut |extensions, crypto, w| {
                let hash = request.client_data_hash;
                let param = token.map(|token| token.authenticate(crypto, &[hash]));
                let request = Request {
                    allow_list,
                    extensions: extensions.or(request.extensions),
                    pin_uv_auth_param: param.as_deref(),
                    pin_uv_auth_protocol: token.map(|token| token.protocol().id()),
                    ..request.clone()
                };
                request.encode(w)
            },
        )?;
        if let Some(allowed) = allow_list {
            self.is_allowed(answer, allowed)?;
        }
        Ok(answer)
    }
}
