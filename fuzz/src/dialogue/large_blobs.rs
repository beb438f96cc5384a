//! largeBlobs, and the extension largeBlob. CTAP 2.3 §6.10, §12.4.

use keysteward_core::cbor::Parse;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::extension::{
    GetAssertionInputs, LargeBlobCreation, LargeBlobInput, LargeBlobSupport, MakeCredentialInputs,
    UnsignedGetAssertionOutputs,
};
use keysteward_core::ctap2::large_blobs::{self, authenticated_message};
use keysteward_core::ctap2::{Command, get_assertion};

use super::credentials::{Asked, Wanted};
use super::{Auth, Facts, Key, Platform, Step, send};

impl Platform {
    pub(super) fn read_blobs(
        &mut self,
        key: &mut dyn Key,
        offset: u32,
        count: u32,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let request = large_blobs::Request::get(count, offset);
        let answer = send(key, Command::LargeBlobs, Some(&request))?;
        let answer = large_blobs::Response::parse(&answer).expect("a fragment");
        let fragment = answer.config.expect("a fragment");
        assert!(fragment.len() <= count as usize);
        facts.push(("fragment", fragment.len() as u64));
        // Of all of it: both were told the same array.
        let sum = fragment.iter().map(|byte| u64::from(*byte)).sum();
        facts.push(("sum", sum));
        facts.push((
            "last",
            fragment.last().map_or(u64::MAX, |&byte| byte.into()),
        ));
        Ok(())
    }

    pub(super) fn write_blobs(
        &mut self,
        key: &mut dyn Key,
        length: u16,
        split: Option<u8>,
        torn: bool,
        auth: Auth,
    ) -> Result<(), u8> {
        let mut array = vec![0x80; usize::from(length % 1500)];
        let hash = self.crypto.sha256(&[&array]);
        array.extend(&hash[..16]);
        if let Some(last) = array.last_mut().filter(|_| torn) {
            *last ^= 1;
        }
        let whole = array.len();
        let first = split.map_or(whole, |split| usize::from(split).min(whole));
        let (first, second) = array.split_at(first);
        let total = u32::try_from(whole).expect("below 2 KiB");
        self.put(key, large_blobs::Request::set_first(first, total), auth)?;
        if second.is_empty() {
            return Ok(());
        }
        let offset = u32::try_from(first.len()).expect("below 2 KiB");
        self.put(key, large_blobs::Request::set_next(second, offset), auth)
    }

    fn put(
        &mut self,
        key: &mut dyn Key,
        request: large_blobs::Request<'_>,
        auth: Auth,
    ) -> Result<(), u8> {
        let fragment = request.set.unwrap_or_default();
        let message = authenticated_message(&self.crypto, request.offset, fragment);
        let (param, protocol) = self.authenticate(auth, &[&message]);
        let request = large_blobs::Request {
            pin_uv_auth_param: param.as_deref(),
            pin_uv_auth_protocol: protocol,
            ..request
        };
        send(key, Command::LargeBlobs, Some(&request)).map(drop)
    }

    pub(super) fn make_for_blob(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let Step::MakeForBlob {
            rp,
            user,
            required,
            rk,
            auth,
        } = *step
        else {
            unreachable!("the caller saw it");
        };
        let support = match required {
            true => LargeBlobSupport::Required,
            false => LargeBlobSupport::Preferred,
        };
        let inputs = MakeCredentialInputs {
            large_blob: Some(LargeBlobCreation { support }),
            ..MakeCredentialInputs::default()
        };
        let wanted = Wanted { rp, user, rk, auth };
        self.make_with(&inputs, wanted, key, facts).map(drop)
    }

    pub(super) fn keep_blob(
        &mut self,
        key: &mut dyn Key,
        asked: Asked,
        write: Option<u8>,
        facts: &mut Facts,
    ) -> Result<(), u8> {
        let blob = write.map(|length| vec![length; usize::from(length) * 20]);
        let inputs = GetAssertionInputs {
            large_blob: Some(LargeBlobInput {
                read: blob.is_none().then_some(true),
                write: blob.as_deref(),
                original_size: blob.as_ref().map(|blob| blob.len() as u64),
            }),
            ..GetAssertionInputs::default()
        };
        let answer = self.assert_with(&inputs, asked, key)?;
        let answer = get_assertion::Response::parse(&answer).expect("an assertion");
        let outputs = answer
            .unsigned_extension_outputs
            .map(|outputs| UnsignedGetAssertionOutputs::parse(outputs.bytes()).expect("outputs"));
        if let Some(told) = outputs.and_then(|outputs| outputs.large_blob) {
            assert_eq!(told.written.is_some(), write.is_some());
            assert_eq!(told.blob.is_some(), told.original_size.is_some());
        }
        facts.push(("asserted", 1));
        Ok(())
    }
}
