//! Both PIN/UV auth protocols, both halves.

use keysteward_core::crypto::PrivateKey;
use keysteward_core::pin_protocol::{
    EncryptedMember, KeyAgreementKey, PersistentToken, Pin, PinProtocol, PinUvAuthToken, Plaintext,
    SharedSecret,
};

use crate::unknown::{Primitives, any, see};

pub(crate) fn prove() {
    let crypto = &mut Primitives;
    see(any::<PinProtocol>().id());
    see(PinProtocol::from_id(any()));
    see(any::<PinProtocol>().encapsulate(crypto, any()));

    see(Pin::new(any()));
    see(Pin::from_padded(any()));
    let pin: &Pin = any();
    see(pin.code_points());
    see(pin.padded());
    see(pin.hash(crypto));

    see(PrivateKey::from_bytes(any()).as_bytes());
    see(KeyAgreementKey::generate(crypto));
    see(KeyAgreementKey::from_private(any()));
    let key: &KeyAgreementKey = any();
    see(key.public(crypto));
    see(key.decapsulate(crypto, any(), any()));

    let secret: &SharedSecret = any();
    see(secret.protocol());
    see(secret.encrypt(crypto, any()));
    see(secret.decrypt(crypto, any()));
    see(secret.authenticate(crypto, any()));
    see(secret.verify(crypto, any(), any()));
    see(any::<&Plaintext>().as_slice());

    see(PinUvAuthToken::generate(crypto, any()));
    see(PinUvAuthToken::restore(any(), any()));
    see(PinUvAuthToken::decrypt(crypto, any(), any()));
    let token: &PinUvAuthToken = any();
    see(token.encrypt(crypto, any()));
    see(token.protocol());
    see(token.authenticate(crypto, any()));
    see(token.verify(crypto, any(), any()));

    see(PersistentToken::new(any()));
    see(PersistentToken::from_bytes(any()));
    let persistent: &PersistentToken = any();
    see(persistent.to_bytes());
    see(persistent.read_only());
    see(persistent.open(crypto, any::<EncryptedMember>(), any()));
    see(persistent.seal(crypto, any::<EncryptedMember>(), any()));
}
