//! makeCredential. CTAP 2.3 §6.1.

use super::{CtapTransport, Error, Session};
use crate::cbor::List;
use crate::crypto::Crypto;
use crate::ctap2::make_credential::{Request, Response};
use crate::ctap2::{Command, PublicKeyCredentialDescriptor};
use crate::pin_protocol::PinUvAuthToken;

impl<T: CtapTransport, C: Crypto> Session<'_, T, C> {
    /// Makes a credential. `request` says everything but its members 08 and
    /// 09, which come from `token`; a touch uses the token up.
    ///
    /// An exclude list longer than the token takes is looked through silently
    /// first. For that the pinUvAuthToken needs permission for getAssertion
    /// too, or credentials of credProtect level 3 escape the look.
    pub fn make_credential(
        &mut self,
        request: &Request<'_>,
        token: Option<PinUvAuthToken>,
    ) -> Result<Response<'_>, Error<T::Error>> {
        let token = token.as_ref();
        let excluded = self.excluded(request, token)?;
        let exclude_list = match &excluded {
            Excluded::AsGiven => request.exclude_list,
            Excluded::Held(held) => Some(List::new(held)),
            Excluded::NoneHeld => None,
        };
        let hash = request.client_data_hash;
        let param = token.map(|token| token.authenticate(self.crypto, &[hash]));
        let answer = self.exchange(
            Command::MakeCredential,
            Some(&Request {
                exclude_list,
                pin_uv_auth_param: param.as_deref(),
                pin_uv_auth_protocol: token.map(|token| token.protocol().id()),
                ..request.clone()
            }),
        )?;
        self.read(answer)
    }

    fn excluded<'a>(
        &mut self,
        request: &Request<'a>,
        token: Option<&PinUvAuthToken>,
    ) -> Result<Excluded<'a>, Error<T::Error>> {
        let Some(list) = request.exclude_list else {
            return Ok(Excluded::AsGiven);
        };
        let facts = self.facts()?;
        let count = list.len();
        let bytes = list
            .iter()
            .fold(0, |sum: usize, one| sum.saturating_add(one.id.len()));
        let fits = (1..=facts.max_credential_count_in_list).contains(&count)
            && bytes <= HALF_OF_A_REQUEST
            && list.iter().all(|one| facts.can_hold(one.id));
        if fits {
            return Ok(Excluded::AsGiven);
        }
        // One that is held suffices: the token then asks for the touch and
        // answers as it would have to the whole list.
        let held = self.find_credential(request.rp.id, list.iter().map(|one| one.id), token)?;
        Ok(match held.and_then(|index| list.iter().nth(index)) {
            Some(held) => Excluded::Held([held]),
            None => Excluded::NoneHeld,
        })
    }
}

/// What becomes of an exclude list.
enum Excluded<'a> {
    AsGiven,
    Held([PublicKeyCredentialDescriptor<'a>; 1]),
    NoneHeld,
}

/// Every token takes 1,024 bytes; the rest of the request wants the others.
const HALF_OF_A_REQUEST: usize = 512;
