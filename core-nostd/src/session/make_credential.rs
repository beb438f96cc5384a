//! makeCredential. CTAP 2.3 §6.1.

use super::exchange::Answer;
use super::pre_flight::Shortened;
use super::{CtapTransport, Error, Feature, Session};
use crate::cbor::{Encode, List};
use crate::crypto::Crypto;
use crate::ctap2::Command;
use crate::ctap2::make_credential::{Request, Response};
use crate::pin_protocol::PinUvAuthToken;

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Makes a credential. `request` says everything but its members 08 and
    /// 09, which come from `token`; a touch uses the token up.
    ///
    /// An exclude list longer than the token takes is looked through silently
    /// first. For that the pinUvAuthToken needs permission for getAssertion
    /// too, or credentials of credProtect level 3 escape the look. An empty one
    /// counts as none.
    pub fn make_credential(
        &mut self,
        request: &Request<'_>,
        token: Option<PinUvAuthToken>,
    ) -> Result<Response<'_>, Error<T::Error>> {
        let answer = self.make(request, None, token.as_ref())?;
        self.read(answer)
    }

    /// Where `extensions` are given, they stand in for those of `request`.
    pub(super) fn make(
        &mut self,
        request: &Request<'_>,
        extensions: Option<&dyn Encode>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Answer, Error<T::Error>> {
        // maxMsgSize holds for all that is sent.
        let facts = self.facts()?;
        if request.enterprise_attestation.is_some() {
            match facts.ep {
                None => return Err(Error::Unsupported(Feature::EnterpriseAttestation)),
                Some(false) => {
                    return Err(Error::Unsupported(Feature::EnterpriseAttestationSwitchedOn));
                }
                Some(true) => {}
            }
        }
        let list = request.exclude_list.filter(|list| !list.is_empty());
        let shortened = match list {
            Some(list) => self.shorten(request.rp.id, list, token)?,
            None => Shortened::AsGiven,
        };
        let exclude_list = match &shortened {
            Shortened::AsGiven => list,
            Shortened::Held(held) => Some(List::new(held)),
            Shortened::NoneHeld => None,
        };
        self.exchange_around(
            Command::MakeCredential,
            extensions,
            &mut |extensions, crypto, w| {
                let hash = request.client_data_hash;
                let param = token.map(|token| token.authenticate(crypto, &[hash]));
                let request = Request {
                    exclude_list,
                    extensions: extensions.or(request.extensions),
                    pin_uv_auth_param: param.as_deref(),
                    pin_uv_auth_protocol: token.map(|token| token.protocol().id()),
                    ..request.clone()
                };
                request.encode(w)
            },
        )
    }
}
