//! What a client does with a new key, step by step.

use core::hint::black_box;
use core::ops::ControlFlow;

use keysteward_core::cbor::List;
use keysteward_core::crypto::Crypto;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::{
    PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, get_assertion, make_credential,
};
use keysteward_core::pin_protocol::{Pin, PinUvAuthToken};
use keysteward_core::session::{Buffers, CtapTransport, Keepalive, Millis, Session};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{Algorithm, PublicKey};

use crate::{Gauge, fail};

/// A session with this token.
#[derive(Debug)]
pub struct Client<'t, T, C> {
    session: Session<'t, T, C>,
    gauge: &'t Gauge,
}

/// A credential that was made: its id and its P-256 key.
#[derive(Debug)]
pub struct Made {
    id: heapless::Vec<u8, 128>,
    x: [u8; 32],
    y: [u8; 32],
}

/// An assertion: what was signed besides the hash, and the signature.
#[derive(Debug)]
pub struct Asserted {
    auth_data: heapless::Vec<u8, 256>,
    signature: heapless::Vec<u8, 72>,
}

/// What a keep-alive is worth here.
pub fn wait(_: Keepalive) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl<'t, T: CtapTransport, C: Crypto> Client<'t, T, C> {
    /// Measures on `gauge`.
    pub fn new(
        link: &'t mut T,
        crypto: &'t mut C,
        buffers: &'t mut Buffers,
        wait: &'t mut dyn FnMut(Keepalive) -> ControlFlow<()>,
        gauge: &'t Gauge,
    ) -> Self {
        Self {
            session: Session::new(link, crypto, buffers, Millis(u64::MAX), wait),
            gauge,
        }
    }

    /// getInfo.
    #[inline(never)]
    pub fn get_info(&mut self) {
        self.gauge.start();
        let versions = self.session.info().map(|info| info.versions.len());
        self.gauge.stop();
        if !versions.is_ok_and(|count| count > 0) {
            fail("getInfo");
        }
    }

    /// The first PIN.
    #[inline(never)]
    pub fn set_pin(&mut self, pin: &Pin) {
        self.gauge.start();
        let set = self.session.set_pin(pin);
        self.gauge.stop();
        if set.is_err() {
            fail("setting the PIN");
        }
    }

    /// A token for what comes next.
    #[inline(never)]
    pub fn pin_token(&mut self, pin: &Pin, permissions: Permissions) -> PinUvAuthToken {
        self.gauge.start();
        let token = self.session.token(pin, permissions, Some(RP_ID));
        self.gauge.stop();
        token.unwrap_or_else(|_| fail("getting a PIN token"))
    }

    /// makeCredential, up to the public key.
    #[inline(never)]
    pub fn make_credential(&mut self, token: PinUvAuthToken) -> Made {
        let algorithms = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
        let request = make_credential::Request {
            client_data_hash: black_box(&HASH),
            rp: PublicKeyCredentialRpEntity {
                id: RP_ID,
                name: Some("Example"),
            },
            user: PublicKeyCredentialUserEntity {
                id: b"user 1",
                name: Some("user"),
                display_name: None,
            },
            pub_key_cred_params: List::new(&algorithms),
            exclude_list: None,
            extensions: None,
            options: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
            enterprise_attestation: None,
            attestation_formats_preference: None,
        };
        self.gauge.start();
        let response = self.session.make_credential(&request, Some(token));
        let made = response.ok().as_ref().and_then(made);
        self.gauge.stop();
        made.unwrap_or_else(|| fail("making a credential"))
    }

    /// getAssertion with the credential.
    #[inline(never)]
    pub fn get_assertion(&mut self, made: &Made, token: PinUvAuthToken) -> Asserted {
        let allowed = [PublicKeyCredentialDescriptor::new(&made.id)];
        let request = get_assertion::Request {
            rp_id: RP_ID,
            client_data_hash: black_box(&HASH),
            allow_list: Some(List::new(&allowed)),
            extensions: None,
            options: None,
            pin_uv_auth_param: None,
            pin_uv_auth_protocol: None,
        };
        self.gauge.start();
        let response = self.session.get_assertion(&request, Some(token));
        let asserted = response.ok().as_ref().and_then(asserted);
        self.gauge.stop();
        asserted.unwrap_or_else(|| fail("getting an assertion"))
    }
}

impl Asserted {
    /// Checks the signature by the key that the token gave when it made the credential.
    pub fn verify(&self, made: &Made, crypto: &impl Crypto) {
        let key = PublicKey::Es256 {
            x: &made.x,
            y: &made.y,
        };
        if key
            .verify(crypto, &[&self.auth_data, &HASH], &self.signature)
            .is_err()
        {
            fail("the signature is wrong");
        }
    }
}

fn made(response: &make_credential::Response<'_>) -> Option<Made> {
    let data = AuthenticatorData::parse(response.auth_data).ok()?;
    let credential = data.attested_credential?;
    let PublicKey::Es256 { x, y } = credential.public_key else {
        return None;
    };
    Some(Made {
        id: heapless::Vec::from_slice(credential.credential_id).ok()?,
        x: *x,
        y: *y,
    })
}

fn asserted(response: &get_assertion::Response<'_>) -> Option<Asserted> {
    AuthenticatorData::parse(response.auth_data).ok()?;
    Some(Asserted {
        auth_data: heapless::Vec::from_slice(response.auth_data).ok()?,
        signature: heapless::Vec::from_slice(response.signature).ok()?,
    })
}

/// The PIN.
pub const PIN: &str = "correct horse";
const RP_ID: &str = "example.com";
/// Of the client data.
pub const HASH: [u8; 32] = [0x5a; 32];
