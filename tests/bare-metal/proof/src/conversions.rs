//! One type from another, and values that are there before anybody chose.

use keysteward_core::cbor::{BufferFull, Entries, Key, List};
use keysteward_core::ctap2::bio_enrollment::{self, FingerprintKind, Modality};
use keysteward_core::ctap2::extension::{CredProtect, LargeBlobSupport};
use keysteward_core::ctap2::large_blobs::array::EditError;
use keysteward_core::ctap2::{authenticator_config, credential_management};
use keysteward_core::gids::session::{AdminAuthenticated, Authority, PinVerified};
use keysteward_core::iso7816::{CardError, ExchangeError, ResponseTooShort, tlv};
use keysteward_core::nfcctap::NfcError;
use keysteward_core::webauthn::attestation::{self, tpm::TpmError};
use keysteward_core::webauthn::{authenticator_data, cose};
use keysteward_core::{crypto, ctap1, gids, piv, session};

use crate::unknown::{Lost, any, see};

pub(crate) fn prove() {
    codes();
    borrowed();
    errors();
    defaults();
}

fn codes() {
    from::<u8, bio_enrollment::Subcommand>();
    from::<bio_enrollment::Subcommand, u8>();
    from::<u8, FingerprintKind>();
    from::<Modality, u8>();
    from::<u8, CredProtect>();
    from::<CredProtect, u8>();
    from::<authenticator_config::Subcommand, u8>();
    from::<credential_management::Subcommand, u8>();
    from::<LargeBlobSupport, &str>();
    from::<i64, cose::Algorithm>();
    from::<i32, Key<'_>>();
    from::<i64, Key<'_>>();
    from::<&str, Key<'_>>();
}

fn borrowed() {
    from::<&[&str], List<'_, &str>>();
    from::<&[&str; 3], List<'_, &str>>();
    from::<&[(&str, bool)], Entries<'_, bool>>();
    from::<&PinVerified, Authority<'_>>();
    from::<&AdminAuthenticated, Authority<'_>>();
}

fn errors() {
    from::<BufferFull, EditError>();
    from::<ResponseTooShort, ExchangeError>();
    from::<CardError<Lost>, NfcError<Lost>>();
    from::<tlv::Error, gids::Error>();
    from::<gids::Error, gids::session::Error<Lost>>();
    from::<crypto::Error, gids::session::Error<Lost>>();
    from::<CardError<Lost>, gids::session::Error<Lost>>();
    from::<gids::session::Error<Lost>, gids::session::AdminError<Lost, Lost>>();
    from::<CardError<Lost>, piv::session::Error<Lost>>();
    from::<piv::session::Error<Lost>, piv::session::AdminError<Lost, Lost>>();
    from::<ctap1::KeyHandleTooLong, session::ctap1::Error<Lost>>();
    from::<TpmError, attestation::VerifyError>();
    from::<authenticator_data::Error, attestation::VerifyError>();
    from::<cose::VerifyError, attestation::VerifyError>();
}

fn defaults() {
    default::<List<'_, u8>>();
    default::<Entries<'_, bool>>();
    default::<session::Buffers>();
    default::<session::ctap1::U2fBuffers>();
    default::<piv::session::Buffers>();
    default::<gids::session::Buffers>();
}

fn from<A, B: From<A>>() {
    see(B::from(any()));
}

fn default<T: Default>() {
    see(T::default());
}
