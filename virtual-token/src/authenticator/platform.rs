//! The platform's half, for the tests of every command: it builds each request by hand, so that a
//! test can get one member wrong.

mod state;

pub(super) use state::State;

use super::{Sample, Scan, Touch};
use crate::in_process::{InProcess, World};
use crate::manufacture::{Manufacturer, Order, Profile};
use crate::storage::MemoryStorage;
use keysteward_core::cbor::{Encode, List, Parse, Raw};
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::ctap2::bio_enrollment::SampleStatus;
use keysteward_core::ctap2::client_pin::{self, Permissions, Subcommand};
use keysteward_core::ctap2::{
    self, Command, PublicKeyCredentialParameters, PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity, Status, get_assertion, make_credential,
};
use keysteward_core::ctaphid::MAX_MESSAGE;
use keysteward_core::pin_protocol::{
    PADDED_PIN, PinProtocol, PinUvAuthParam, PinUvAuthToken, SharedSecret,
};
use keysteward_core::session::{CtapTransport, Millis};
use keysteward_core::webauthn::cose::{Algorithm, KeyAgreementKey};
use rand_core::OsRng;
use std::ops::ControlFlow;

pub(super) const PIN: &str = "1234";
pub(super) const RP_ID: &str = "example.com";
pub(super) const ENTERPRISE_RP_ID: &str = "corp.example";
pub(super) const HASH: [u8; 32] = [0x5A; 32];
pub(super) const ES256: &[PublicKeyCredentialParameters<'static>] =
    &[PublicKeyCredentialParameters::new(Algorithm::Es256)];
pub(super) const BOTH: [PinProtocol; 2] = [PinProtocol::One, PinProtocol::Two];

/// Something that happens between two requests.
pub(super) type End = fn(&mut Platform);

/// A platform with a key plugged in.
pub(super) struct Platform {
    pub(super) key: InProcess<MemoryStorage, RustCrypto<OsRng>>,
    pub(super) storage: MemoryStorage,
    pub(super) crypto: RustCrypto<OsRng>,
}

impl Platform {
    /// A key without a PIN.
    pub(super) fn new() -> Self {
        Self::of(Profile::default())
    }

    /// A key of another kind, without a PIN.
    pub(super) fn of(profile: Profile) -> Self {
        let order = Order {
            profile,
            serial: Some("KS-0001".into()),
            enterprise_rp_ids: vec![ENTERPRISE_RP_ID.into()],
            ..Order::default()
        };
        let manufacturer = Manufacturer::found().unwrap();
        let (key, storage) =
            InProcess::manufacture(&manufacturer, &order, RustCrypto(OsRng)).unwrap();
        Self {
            key,
            storage,
            crypto: RustCrypto(OsRng),
        }
    }

    /// A key whose PIN is [`PIN`].
    pub(super) fn with_pin() -> Self {
        let mut platform = Self::new();
        assert_eq!(platform.set_pin(PIN), Status::Ok);
        platform
    }

    /// A key with a fingerprint sensor, whose PIN is [`PIN`].
    pub(super) fn biometric() -> Self {
        let mut platform = Self::of(Profile::Biometric);
        assert_eq!(platform.set_pin(PIN), Status::Ok);
        platform
    }

    /// The sensor sees these fingers next, each well.
    pub(super) fn fingers(&mut self, fingers: &[u32]) {
        let samples = fingers.iter().map(|&finger| {
            Scan::Sample(Sample {
                finger,
                quality: SampleStatus::Good,
            })
        });
        self.world().scans.extend(samples);
    }

    pub(super) fn world(&mut self) -> &mut World {
        self.key.world()
    }

    pub(super) fn pass(&mut self, milliseconds: u64) {
        let now = &mut self.world().now;
        *now = now.after(milliseconds);
    }

    /// The next request for a touch ends like this.
    pub(super) fn next_touch(&mut self, touch: Touch) {
        self.world().touches.push_back(touch);
    }

    pub(super) fn state(&self) -> State {
        State::read(&self.storage)
    }

    pub(super) fn send_bytes(&mut self, request: &[u8]) -> Vec<u8> {
        let mut room = vec![0; MAX_MESSAGE];
        self.key
            .exchange(request, &mut room, Millis(u64::MAX), &mut |_| {
                ControlFlow::Continue(())
            })
            .unwrap()
            .to_vec()
    }

    pub(super) fn send(
        &mut self,
        command: Command,
        parameters: Option<&dyn Encode>,
    ) -> Result<Vec<u8>, Status> {
        let mut room = vec![0; MAX_MESSAGE];
        let request = ctap2::request(command, parameters, &mut room)
            .unwrap()
            .to_vec();
        let response = self.send_bytes(&request);
        match ctap2::response(&response).unwrap() {
            (Status::Ok, map) => Ok(map.to_vec()),
            (refusal, map) => {
                assert!(map.is_empty(), "a refusal with a map");
                Err(refusal)
            }
        }
    }

    /// The status alone.
    pub(super) fn status(&mut self, command: Command, parameters: &dyn Encode) -> Status {
        self.send(command, Some(parameters))
            .err()
            .unwrap_or(Status::Ok)
    }

    pub(super) fn client_pin(&mut self, request: &client_pin::Request<'_>) -> Status {
        self.status(Command::ClientPin, request)
    }

    pub(super) fn pin_retries(&mut self) -> (u8, bool) {
        let request = client_pin::Request::new(Subcommand::PinRetries);
        let map = self.send(Command::ClientPin, Some(&request)).unwrap();
        let response = client_pin::Response::parse(&map).unwrap();
        (
            response.pin_retries.unwrap(),
            response.power_cycle_state.unwrap(),
        )
    }

    /// getKeyAgreement, and this platform's half.
    pub(super) fn agree(&mut self, protocol: PinProtocol) -> (PublicPoint, SharedSecret) {
        let request = client_pin::Request {
            pin_uv_auth_protocol: Some(protocol.id()),
            ..client_pin::Request::new(Subcommand::KeyAgreement)
        };
        let map = self.send(Command::ClientPin, Some(&request)).unwrap();
        let peer = client_pin::Response::parse(&map)
            .unwrap()
            .key_agreement
            .unwrap();
        let peer = PublicPoint {
            x: *peer.x,
            y: *peer.y,
        };
        protocol.encapsulate(&mut self.crypto, &peer).unwrap()
    }

    pub(super) fn set_pin(&mut self, pin: &str) -> Status {
        self.set_pin_over(PinProtocol::Two, pin)
    }

    pub(super) fn set_pin_over(&mut self, protocol: PinProtocol, pin: &str) -> Status {
        self.set_padded_pin(protocol, &padded(pin.as_bytes()))
    }

    /// The hash of an RP ID.
    pub(super) fn hash(rp_id: &str) -> [u8; 32] {
        RustCrypto(OsRng).sha256(&[rp_id.as_bytes()])
    }

    /// setPIN with whatever is meant to be a padded PIN.
    pub(super) fn set_padded_pin(&mut self, protocol: PinProtocol, padded: &[u8]) -> Status {
        let (point, secret) = self.agree(protocol);
        let new_pin_enc = secret.encrypt(&mut self.crypto, padded).unwrap();
        let mac = secret.authenticate(&mut self.crypto, &[&new_pin_enc]);
        self.client_pin(&client_pin::Request {
            pin_uv_auth_protocol: Some(protocol.id()),
            key_agreement: Some(KeyAgreementKey {
                x: &point.x,
                y: &point.y,
            }),
            pin_uv_auth_param: Some(&mac),
            new_pin_enc: Some(&new_pin_enc),
            ..client_pin::Request::new(Subcommand::SetPin)
        })
    }

    pub(super) fn change_pin(&mut self, protocol: PinProtocol, old: &str, new: &str) -> Status {
        let (point, secret) = self.agree(protocol);
        let crypto = &mut self.crypto;
        let new_pin_enc = secret.encrypt(crypto, &padded(new.as_bytes())).unwrap();
        let pin_hash_enc = secret.encrypt(crypto, &pin_hash(crypto, old)).unwrap();
        let mac = secret.authenticate(crypto, &[&new_pin_enc, &pin_hash_enc]);
        self.client_pin(&client_pin::Request {
            pin_uv_auth_protocol: Some(protocol.id()),
            key_agreement: Some(KeyAgreementKey {
                x: &point.x,
                y: &point.y,
            }),
            pin_uv_auth_param: Some(&mac),
            new_pin_enc: Some(&new_pin_enc),
            pin_hash_enc: Some(&pin_hash_enc),
            ..client_pin::Request::new(Subcommand::ChangePin)
        })
    }

    /// A token by PIN; by getPinToken where no permissions are named.
    pub(super) fn token_over(
        &mut self,
        protocol: PinProtocol,
        pin: &str,
        permissions: Option<u32>,
        rp_id: Option<&str>,
    ) -> Result<PinUvAuthToken, Status> {
        let (point, secret) = self.agree(protocol);
        let hash = pin_hash(&self.crypto, pin);
        let pin_hash_enc = secret.encrypt(&mut self.crypto, &hash).unwrap();
        let sub_command = match permissions {
            Some(_) => Subcommand::PinUvAuthTokenUsingPinWithPermissions,
            None => Subcommand::PinToken,
        };
        let request = client_pin::Request {
            pin_uv_auth_protocol: Some(protocol.id()),
            key_agreement: Some(KeyAgreementKey {
                x: &point.x,
                y: &point.y,
            }),
            pin_hash_enc: Some(&pin_hash_enc),
            permissions: permissions.map(Permissions),
            rp_id,
            ..client_pin::Request::new(sub_command)
        };
        let map = self.send(Command::ClientPin, Some(&request))?;
        let response = client_pin::Response::parse(&map).unwrap();
        let encrypted = response.pin_uv_auth_token.unwrap();
        Ok(PinUvAuthToken::decrypt(&mut self.crypto, &secret, encrypted).unwrap())
    }

    pub(super) fn token(&mut self, permissions: u32, rp_id: Option<&str>) -> PinUvAuthToken {
        self.token_over(PinProtocol::Two, PIN, Some(permissions), rp_id)
            .unwrap()
    }

    pub(super) fn mac(&mut self, token: &PinUvAuthToken, parts: &[&[u8]]) -> PinUvAuthParam {
        token.authenticate(&mut self.crypto, parts)
    }

    /// Makes a credential with a PIN token, where a PIN is set; the response's CBOR.
    pub(super) fn make(
        &mut self,
        request: &make_credential::Request<'_>,
    ) -> Result<Vec<u8>, Status> {
        if self.state().owner.pin.is_none() {
            return self.send(Command::MakeCredential, Some(request));
        }
        let token = self.token(0x01, Some(request.rp.id));
        let mac = self.mac(&token, &[request.client_data_hash]);
        let request = make_credential::Request {
            pin_uv_auth_param: Some(&mac),
            pin_uv_auth_protocol: Some(2),
            ..request.clone()
        };
        self.send(Command::MakeCredential, Some(&request))
    }

    /// Asserts with a PIN token; the response's CBOR.
    pub(super) fn assert_verified(
        &mut self,
        request: &get_assertion::Request<'_>,
    ) -> Result<Vec<u8>, Status> {
        let token = self.token(0x02, Some(request.rp_id));
        let mac = self.mac(&token, &[request.client_data_hash]);
        let request = get_assertion::Request {
            pin_uv_auth_param: Some(&mac),
            pin_uv_auth_protocol: Some(2),
            ..request.clone()
        };
        self.send(Command::GetAssertion, Some(&request))
    }
}

/// makeCredential for a discoverable credential of `user`.
pub(super) fn resident(user: &str) -> make_credential::Request<'_> {
    let options = make_credential::Options {
        rk: Some(true),
        ..Default::default()
    };
    make_credential::Request {
        options: Some(options),
        ..derived(user)
    }
}

/// makeCredential for a credential that is not stored.
pub(super) fn derived(user: &str) -> make_credential::Request<'_> {
    make_credential::Request {
        client_data_hash: &HASH,
        rp: PublicKeyCredentialRpEntity {
            id: RP_ID,
            name: Some("Example"),
        },
        user: PublicKeyCredentialUserEntity {
            id: user.as_bytes(),
            name: Some(user),
            display_name: Some(user),
        },
        pub_key_cred_params: List::new(ES256),
        exclude_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    }
}

pub(super) fn assertion<'a>() -> get_assertion::Request<'a> {
    get_assertion::Request {
        rp_id: RP_ID,
        client_data_hash: &HASH,
        allow_list: None,
        extensions: None,
        options: None,
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
    }
}

/// Encodes what a request carries as bytes.
pub(super) fn raw<'b>(value: &dyn Encode, room: &'b mut [u8]) -> Raw<'b> {
    Raw::encode_in(value, room).unwrap()
}

pub(super) fn padded(pin: &[u8]) -> Vec<u8> {
    let mut padded = pin.to_vec();
    padded.resize(PADDED_PIN.max(pin.len()), 0);
    padded
}

pub(super) fn pin_hash(crypto: &impl Crypto, pin: &str) -> [u8; 16] {
    *crypto.sha256(&[pin.as_bytes()]).first_chunk().unwrap()
}
