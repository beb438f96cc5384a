//! Authenticator data, COSE keys, attestation.

use keysteward_core::webauthn::attestation::{AttestationObject, Statement};
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};
use keysteward_core::webauthn::cose::{Algorithm, KeyAgreementKey, PublicKey};

use crate::cbor::both_ways;
use crate::unknown::{Primitives, any, see};

pub(crate) fn prove() {
    both_ways::<PublicKey<'_>>();
    both_ways::<KeyAgreementKey<'_>>();
    both_ways::<Algorithm>();
    see(any::<PublicKey<'_>>().algorithm());
    see(any::<PublicKey<'_>>().verify(&Primitives, any(), any()));
    see(i64::from(any::<Algorithm>()));

    see(AuthenticatorData::parse(any()));
    see(any::<AuthenticatorData<'_>>().encode(any()));
    see(any::<AuthenticatorData<'_>>().flags_byte());
    see(any::<Flags>().contains(any()));
    see(any::<Flags>().without(any()));
    see(any::<Flags>() | any());

    see(AttestationObject::parse(any()));
    see(any::<AttestationObject<'_>>().statement());
    see(Statement::parse(any(), any()));
    let statement: Statement<'_> = any();
    see(statement.fmt());
    see(keysteward_core::cbor::encode(&statement, any()));
    statement.certificates().iter().for_each(see);
    see(statement.verify(&Primitives, any(), any(), any()));
    see(statement.verify_self(&Primitives, any(), any()));
}
