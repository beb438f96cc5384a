//! clientPIN: PINs, and tokens by PIN and by finger. CTAP 2.3 §6.5.

use keysteward_core::cbor::Parse;
use keysteward_core::crypto::PublicPoint;
use keysteward_core::ctap2::Command;
use keysteward_core::ctap2::client_pin::{self, Permissions, Subcommand};
use keysteward_core::pin_protocol::{PinProtocol, PinUvAuthToken, SharedSecret};
use keysteward_core::webauthn::cose::KeyAgreementKey;

use super::{Key, Pins, Platform, Protocol, Rp, send};

type Agreed = (PublicPoint, SharedSecret);

impl Platform {
    pub(super) fn agree(&mut self, key: &mut dyn Key, protocol: Protocol) -> Result<Agreed, u8> {
        let protocol = PinProtocol::from(protocol);
        let request = client_pin::Request {
            pin_uv_auth_protocol: Some(protocol.id()),
            ..client_pin::Request::new(Subcommand::KeyAgreement)
        };
        let answer = send(key, Command::ClientPin, Some(&request))?;
        let answer = client_pin::Response::parse(&answer).expect("getKeyAgreement");
        let peer = answer.key_agreement.expect("a key");
        let peer = PublicPoint {
            x: *peer.x,
            y: *peer.y,
        };
        Ok(protocol
            .encapsulate(&mut self.crypto, &peer)
            .expect("a point"))
    }

    pub(super) fn set_pin(
        &mut self,
        key: &mut dyn Key,
        protocol: Protocol,
        pin: Pins,
    ) -> Result<(), u8> {
        let (point, secret) = self.agree(key, protocol)?;
        let new = secret
            .encrypt(&mut self.crypto, &pin.padded())
            .expect("whole blocks");
        let param = secret.authenticate(&mut self.crypto, &[&new]);
        let request = client_pin::Request {
            pin_uv_auth_protocol: Some(secret.protocol().id()),
            key_agreement: Some(cose(&point)),
            pin_uv_auth_param: Some(&param),
            new_pin_enc: Some(&new),
            ..client_pin::Request::new(Subcommand::SetPin)
        };
        send(key, Command::ClientPin, Some(&request)).map(drop)
    }

    pub(super) fn change_pin(
        &mut self,
        key: &mut dyn Key,
        protocol: Protocol,
        current: Pins,
        new: Pins,
    ) -> Result<(), u8> {
        let (point, secret) = self.agree(key, protocol)?;
        let hash = current.hash(&self.crypto);
        let new = secret
            .encrypt(&mut self.crypto, &new.padded())
            .expect("whole blocks");
        let hash = secret.encrypt(&mut self.crypto, &hash).expect("a block");
        let param = secret.authenticate(&mut self.crypto, &[&new, &hash]);
        let request = client_pin::Request {
            pin_uv_auth_protocol: Some(secret.protocol().id()),
            key_agreement: Some(cose(&point)),
            pin_uv_auth_param: Some(&param),
            new_pin_enc: Some(&new),
            pin_hash_enc: Some(&hash),
            ..client_pin::Request::new(Subcommand::ChangePin)
        };
        send(key, Command::ClientPin, Some(&request)).map(drop)
    }

    pub(super) fn get_token(
        &mut self,
        key: &mut dyn Key,
        protocol: Protocol,
        pin: Pins,
        permissions: Option<u8>,
        rp: Option<Rp>,
    ) -> Result<(), u8> {
        let (point, secret) = self.agree(key, protocol)?;
        let hash = pin.hash(&self.crypto);
        let hash = secret.encrypt(&mut self.crypto, &hash).expect("a block");
        let sub_command = match permissions {
            Some(_) => Subcommand::PinUvAuthTokenUsingPinWithPermissions,
            None => Subcommand::PinToken,
        };
        let request = client_pin::Request {
            pin_uv_auth_protocol: Some(secret.protocol().id()),
            key_agreement: Some(cose(&point)),
            pin_hash_enc: Some(&hash),
            permissions: permissions.map(|one| Permissions(one.into())),
            rp_id: permissions.and(rp).map(Rp::id),
            ..client_pin::Request::new(sub_command)
        };
        self.take_token(key, &request, &secret)
    }

    pub(super) fn get_token_by_finger(
        &mut self,
        key: &mut dyn Key,
        protocol: Protocol,
        permissions: u8,
        rp: Option<Rp>,
    ) -> Result<(), u8> {
        let (point, secret) = self.agree(key, protocol)?;
        let request = client_pin::Request {
            pin_uv_auth_protocol: Some(secret.protocol().id()),
            key_agreement: Some(cose(&point)),
            permissions: Some(Permissions(permissions.into())),
            rp_id: rp.map(Rp::id),
            ..client_pin::Request::new(Subcommand::PinUvAuthTokenUsingUvWithPermissions)
        };
        self.take_token(key, &request, &secret)
    }

    fn take_token(
        &mut self,
        key: &mut dyn Key,
        request: &client_pin::Request<'_>,
        secret: &SharedSecret,
    ) -> Result<(), u8> {
        let answer = send(key, Command::ClientPin, Some(request))?;
        let answer = client_pin::Response::parse(&answer).expect("a token");
        let token = answer.pin_uv_auth_token.expect("a token");
        let token = PinUvAuthToken::decrypt(&mut self.crypto, secret, token);
        self.token = Some(token.expect("32 bytes"));
        Ok(())
    }
}

pub(super) const fn cose(point: &PublicPoint) -> KeyAgreementKey<'_> {
    KeyAgreementKey {
        x: &point.x,
        y: &point.y,
    }
}
