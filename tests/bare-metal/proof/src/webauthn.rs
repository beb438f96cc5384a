//! Authenticator data, COSE keys, attestation.

use keysteward_core::cbor::Encode;
use keysteward_core::webauthn::attestation::tpm::{
    self, CertInfo, HashAlgorithm, PublicArea, TpmKey,
};
use keysteward_core::webauthn::attestation::{AttestationObject, Statement};
use keysteward_core::webauthn::authenticator_data::{AuthenticatorData, Flags};
use keysteward_core::webauthn::cose::{
    Algorithm, Curve, Ec2Key, KeyAgreementKey, MlDsaKey, OkpKey, PublicKey, RsaKey,
};

use crate::cbor::both_ways;
use crate::unknown::{Primitives, any, see};

pub(crate) fn prove() {
    both_ways::<PublicKey<'_>>();
    both_ways::<KeyAgreementKey<'_>>();
    both_ways::<Algorithm>();
    see(any::<PublicKey<'_>>().algorithm());
    see(any::<PublicKey<'_>>().verify(&Primitives, any(), any()));
    see(any::<PublicKey<'_>>().is_same_key(any()));
    see(i64::from(any::<Algorithm>()));
    see(any::<Algorithm>().fully_specified());
    shapes();

    see(AuthenticatorData::parse(any()));
    see(any::<AuthenticatorData<'_>>().encode(any()));
    see(any::<AuthenticatorData<'_>>().flags_byte());
    see(any::<Flags>().contains(any()));
    see(any::<Flags>().without(any()));
    see(any::<Flags>() | any());

    tpm();
    see(AttestationObject::parse(any()));
    see(any::<AttestationObject<'_>>().statement());
    see(any::<&AttestationObject<'_>>().encode(any()));
    see(Statement::parse(any(), any()));
    let statement: Statement<'_> = any();
    see(statement.fmt());
    see(statement.encode(any()));
    statement.certificates().iter().for_each(see);
    see(statement.verify(&Primitives, any(), any(), any()));
    see(statement.verify_self(&Primitives, any(), any()));
}

fn shapes() {
    see(any::<Curve>().length());
    see(Ec2Key::new(any(), any(), any()));
    let key: Ec2Key<'_> = any();
    see((key.algorithm(), key.curve(), key.x(), key.y()));
    see(OkpKey::new(any(), any()));
    let key: OkpKey<'_> = any();
    see((key.algorithm(), key.curve(), key.x()));
    see(RsaKey::new(any(), any(), any()));
    let key: RsaKey<'_> = any();
    see((key.algorithm(), key.n(), key.e()));
    see(MlDsaKey::new(any(), any()));
    let key: MlDsaKey<'_> = any();
    see((key.algorithm(), key.public()));
}

fn tpm() {
    see(CertInfo::parse(any()));
    see(PublicArea::parse(any()));
    see(any::<TpmKey<'_>>().is(any()));
    see(HashAlgorithm::of(any()));
    see(HashAlgorithm::from(any::<u16>()));
    see(u16::from(any::<HashAlgorithm>()));
    see(tpm::check(
        any(),
        any(),
        any(),
        any(),
        any(),
        &mut |algorithm, parts| {
            see((algorithm, parts));
            any()
        },
    ));
}
