//! Requests to a token as a platform makes them, one from what the last ones answered: PIN tokens
//! that work, credentials that exist. A fuzzer chooses the order and what is wrong with them.

use arbitrary::Arbitrary;
use keysteward_core::cbor::{Encode, List, Parse, Raw};
use keysteward_core::crypto::{Crypto, PublicPoint, RustCrypto};
use keysteward_core::ctap2::authenticator_config::{self, SetMinPinLength};
use keysteward_core::ctap2::client_pin::{self, Permissions, Subcommand};
use keysteward_core::ctap2::credential_management::{self, SubcommandParams};
use keysteward_core::ctap2::extension::{CredProtect, MakeCredentialInputs};
use keysteward_core::ctap2::{
    self, Command, PublicKeyCredentialDescriptor, PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity, get_assertion, get_info,
    make_credential,
};
use keysteward_core::pin_protocol::{PADDED_PIN, PinProtocol, PinUvAuthToken, SharedSecret};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::{Algorithm, KeyAgreementKey};

use crate::Counter;

/// A token, plugged in.
pub trait Key {
    /// One message there and back. The user touches at once.
    fn send(&mut self, request: &[u8]) -> Vec<u8>;
    fn power_cycle(&mut self);
    fn wait(&mut self, milliseconds: u64);
}

/// What happens next.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step<'a> {
    GetInfo,
    PinRetries,
    SetPin {
        protocol: Protocol,
        pin: Pins,
    },
    ChangePin {
        protocol: Protocol,
        current: Pins,
        new: Pins,
    },
    /// getPinToken where no permissions are asked for.
    Token {
        protocol: Protocol,
        pin: Pins,
        permissions: Option<u8>,
        rp: Option<Rp>,
    },
    MakeCredential {
        rp: Rp,
        user: u8,
        algorithms: Algorithms,
        options: Options,
        auth: Auth,
        exclude: bool,
        cred_protect: Option<u8>,
        enterprise_attestation: Option<u8>,
    },
    GetAssertion {
        rp: Rp,
        allow: Allow,
        options: Options,
        auth: Auth,
    },
    GetNextAssertion,
    Metadata {
        auth: Auth,
    },
    RelyingParties {
        auth: Auth,
    },
    NextRelyingParty,
    Credentials {
        rp: Rp,
        auth: Auth,
    },
    NextCredential,
    DeleteCredential {
        at: u8,
        auth: Auth,
    },
    UpdateUser {
        at: u8,
        user: u8,
        auth: Auth,
    },
    SetMinPinLength {
        length: Option<u8>,
        force: Option<bool>,
        auth: Auth,
    },
    ToggleAlwaysUv {
        auth: Auth,
    },
    Selection,
    /// Right after a power cycle, when it is allowed.
    Reset,
    /// Too late.
    LateReset,
    PowerCycle,
    /// Whatever comes to mind.
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    One,
    Two,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pins {
    First,
    Second,
    /// Of three characters.
    Short,
    Long,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rp {
    Com,
    Org,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithms {
    Es256,
    EdDsa,
    Unknown,
    UnknownThenEs256,
    None,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    pub rk: Option<bool>,
    pub up: Option<bool>,
    pub uv: Option<bool>,
}

/// pinUvAuthParam and pinUvAuthProtocol.
#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    None,
    /// Of the last token that was got.
    Token,
    Wrong,
    Empty,
    WithoutProtocol,
    UnknownProtocol,
}

#[derive(Arbitrary, Clone, Copy, Debug, Eq, PartialEq)]
pub enum Allow {
    None,
    Known,
    Unknown,
}

/// What came of a step.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Outcome {
    /// Status of the last request that the step made.
    pub status: u8,
    /// What the answer said, of what every token says alike.
    pub facts: Vec<(&'static str, u64)>,
}

/// The platform's memory.
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub struct Platform {
    crypto: RustCrypto<Counter>,
    token: Option<PinUvAuthToken>,
    ids: Vec<Vec<u8>>,
}

type Answer = Result<Vec<u8>, u8>;

impl Platform {
    pub const fn new() -> Self {
        Self {
            crypto: RustCrypto(Counter(1)),
            token: None,
            ids: Vec::new(),
        }
    }

    /// Does the step with the key.
    pub fn play(&mut self, step: &Step<'_>, key: &mut dyn Key) -> Outcome {
        let mut facts = Vec::new();
        let status = match self.request(step, key, &mut facts) {
            Ok(_) => 0,
            Err(status) => status,
        };
        Outcome { status, facts }
    }

    fn request(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Vec<(&'static str, u64)>,
    ) -> Result<(), u8> {
        match *step {
            Step::GetInfo => {
                let answer = send(key, Command::GetInfo, None)?;
                let info = get_info::Response::parse(&answer).expect("getInfo");
                facts.push(("clientPin", info.options.client_pin().map_or(2, u64::from)));
                facts.push(("alwaysUv", info.options.always_uv().map_or(2, u64::from)));
                facts.push(("minPINLength", info.min_pin_length.unwrap_or(4).into()));
                facts.push((
                    "forcePINChange",
                    info.force_pin_change.unwrap_or(false).into(),
                ));
            }
            Step::PinRetries => {
                // Not wanted by the specification, but by some keys.
                let request = client_pin::Request {
                    pin_uv_auth_protocol: Some(2),
                    ..client_pin::Request::new(Subcommand::PinRetries)
                };
                let answer = send(key, Command::ClientPin, Some(&request))?;
                let answer = client_pin::Response::parse(&answer).expect("getPINRetries");
                facts.push(("pinRetries", answer.pin_retries.expect("a count").into()));
                let power_cycle = answer.power_cycle_state.unwrap_or(false);
                facts.push(("powerCycleState", power_cycle.into()));
            }
            Step::SetPin { protocol, pin } => self.set_pin(key, protocol, pin)?,
            Step::ChangePin {
                protocol,
                current,
                new,
            } => {
                self.change_pin(key, protocol, current, new)?;
            }
            Step::Token {
                protocol,
                pin,
                permissions,
                rp,
            } => {
                self.get_token(key, protocol, pin, permissions, rp)?;
            }
            Step::MakeCredential { .. } => self.make_credential(step, key, facts)?,
            Step::GetAssertion {
                rp,
                allow,
                options,
                auth,
            } => {
                self.get_assertion(key, rp, allow, options, auth, facts)?;
            }
            Step::GetNextAssertion => {
                let answer = send(key, Command::GetNextAssertion, None)?;
                asserted(&answer, facts);
            }
            Step::Selection => drop(send(key, Command::Selection, None)?),
            Step::Reset => {
                key.power_cycle();
                self.token = None;
                send(key, Command::Reset, None)?;
                self.ids.clear();
            }
            Step::LateReset => {
                key.power_cycle();
                self.token = None;
                key.wait(11_000);
                send(key, Command::Reset, None)?;
            }
            Step::PowerCycle => {
                key.power_cycle();
                self.token = None;
            }
            Step::Bytes(bytes) => {
                let answer = key.send(bytes);
                let (&status, map) = answer.split_first().expect("a status");
                assert!(map.is_empty() || Raw::parse(map).is_ok(), "{map:02x?}");
                if status != 0 {
                    return Err(status);
                }
            }
            Step::SetMinPinLength {
                length,
                force,
                auth,
            } => {
                let rules = SetMinPinLength {
                    new_min_pin_length: length.map(Into::into),
                    force_change_pin: force,
                    ..SetMinPinLength::default()
                };
                let sub_command = authenticator_config::Subcommand::SetMinPinLength;
                self.configure(key, sub_command, Some(&rules), auth)?;
            }
            Step::ToggleAlwaysUv { auth } => {
                let sub_command = authenticator_config::Subcommand::ToggleAlwaysUv;
                self.configure(key, sub_command, None, auth)?;
            }
            _ => self.manage(step, key, facts)?,
        }
        Ok(())
    }

    fn agree(&mut self, key: &mut dyn Key, protocol: Protocol) -> Result<Agreed, u8> {
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

    fn set_pin(&mut self, key: &mut dyn Key, protocol: Protocol, pin: Pins) -> Result<(), u8> {
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

    fn change_pin(
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

    fn get_token(
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
        let answer = send(key, Command::ClientPin, Some(&request))?;
        let answer = client_pin::Response::parse(&answer).expect("a token");
        let token = answer.pin_uv_auth_token.expect("a token");
        let token = PinUvAuthToken::decrypt(&mut self.crypto, &secret, token);
        self.token = Some(token.expect("32 bytes"));
        Ok(())
    }

    fn make_credential(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Vec<(&'static str, u64)>,
    ) -> Result<(), u8> {
        let Step::MakeCredential {
            rp,
            user,
            algorithms,
            options,
            auth,
            exclude,
            cred_protect,
            enterprise_attestation,
        } = *step
        else {
            unreachable!("the caller saw it");
        };
        let (param, protocol) = self.authenticate(auth, &[HASH]);
        let listed: Vec<_> = self.descriptors();
        let inputs = MakeCredentialInputs {
            cred_protect: cred_protect.map(CredProtect::from),
            ..MakeCredentialInputs::default()
        };
        let mut room = [0; 64];
        let inputs = Raw::encode_in(&inputs, &mut room).expect("the room");
        let id = [user & 3; 4];
        let request = make_credential::Request {
            client_data_hash: HASH,
            rp: PublicKeyCredentialRpEntity {
                id: rp.id(),
                name: None,
            },
            user: PublicKeyCredentialUserEntity {
                id: &id,
                name: Some("n"),
                display_name: None,
            },
            pub_key_cred_params: algorithms.list(),
            exclude_list: (exclude && !listed.is_empty()).then_some(List::new(&listed)),
            extensions: cred_protect.map(|_| inputs),
            options: options.member(),
            pin_uv_auth_param: param.as_deref(),
            pin_uv_auth_protocol: protocol,
            enterprise_attestation,
            attestation_formats_preference: None,
        };
        let answer = send(key, Command::MakeCredential, Some(&request))?;
        let answer = make_credential::Response::parse(&answer).expect("a credential");
        let data = AuthenticatorData::parse(answer.auth_data).expect("authenticator data");
        facts.push(("flags", data.flags_byte().into()));
        let made = data.attested_credential.expect("a credential");
        self.ids.push(made.credential_id.to_vec());
        Ok(())
    }

    fn get_assertion(
        &mut self,
        key: &mut dyn Key,
        rp: Rp,
        allow: Allow,
        options: Options,
        auth: Auth,
        facts: &mut Vec<(&'static str, u64)>,
    ) -> Result<(), u8> {
        let (param, protocol) = self.authenticate(auth, &[HASH]);
        let listed = match allow {
            Allow::None => Vec::new(),
            Allow::Known => self.descriptors(),
            Allow::Unknown => vec![PublicKeyCredentialDescriptor::new(&[0x77; 32])],
        };
        let request = get_assertion::Request {
            rp_id: rp.id(),
            client_data_hash: HASH,
            allow_list: (!listed.is_empty()).then_some(List::new(&listed)),
            extensions: None,
            options: options.member(),
            pin_uv_auth_param: param.as_deref(),
            pin_uv_auth_protocol: protocol,
        };
        let answer = send(key, Command::GetAssertion, Some(&request))?;
        asserted(&answer, facts);
        Ok(())
    }

    fn manage(
        &mut self,
        step: &Step<'_>,
        key: &mut dyn Key,
        facts: &mut Vec<(&'static str, u64)>,
    ) -> Result<(), u8> {
        use credential_management::Subcommand as Management;
        let unknown = vec![0x77; 32];
        let id = |at: u8| self.ids.get(usize::from(at) % self.ids.len().max(1));
        let of = |at| PublicKeyCredentialDescriptor::new(id(at).unwrap_or(&unknown));
        let mut params = SubcommandParams::default();
        let (hash, user_id);
        let (sub_command, auth) = match *step {
            Step::Metadata { auth } => (Management::CredsMetadata, auth),
            Step::RelyingParties { auth } => (Management::EnumerateRpsBegin, auth),
            Step::NextRelyingParty => (Management::EnumerateRpsGetNextRp, Auth::None),
            Step::Credentials { rp, auth } => {
                hash = self.crypto.sha256(&[rp.id().as_bytes()]);
                params.rp_id_hash = Some(&hash);
                (Management::EnumerateCredentialsBegin, auth)
            }
            Step::NextCredential => (
                Management::EnumerateCredentialsGetNextCredential,
                Auth::None,
            ),
            Step::DeleteCredential { at, auth } => {
                params.credential_id = Some(of(at));
                (Management::DeleteCredential, auth)
            }
            Step::UpdateUser { at, user, auth } => {
                user_id = [user & 3; 4];
                params.credential_id = Some(of(at));
                params.user = Some(PublicKeyCredentialUserEntity {
                    id: &user_id,
                    name: Some("renamed"),
                    display_name: None,
                });
                (Management::UpdateUserInformation, auth)
            }
            ref other => unreachable!("{other:?} is no management"),
        };
        let mut room = [0; 512];
        let params = match params {
            SubcommandParams {
                rp_id_hash: None,
                credential_id: None,
                ..
            } => None,
            params => Some(Raw::encode_in(&params, &mut room).expect("the room")),
        };
        let prefix = credential_management::authenticated_prefix(sub_command);
        let parts = [&prefix[..], params.map_or(&[], Raw::bytes)];
        let (token, crypto) = (self.token.as_ref(), &mut self.crypto);
        let (param, protocol) = authenticate(token, crypto, auth, &parts);
        let request = credential_management::Request {
            sub_command,
            sub_command_params: params,
            pin_uv_auth_protocol: protocol,
            pin_uv_auth_param: param.as_deref(),
        };
        let answer = send(key, Command::CredentialManagement, Some(&request))?;
        if answer.is_empty() {
            return Ok(());
        }
        let answer = credential_management::Response::parse(&answer).expect("an answer");
        let count = |count: Option<u32>| count.map_or(u64::MAX, Into::into);
        facts.push((
            "existing",
            count(answer.existing_resident_credentials_count),
        ));
        facts.push(("totalRPs", count(answer.total_rps)));
        facts.push(("totalCredentials", count(answer.total_credentials)));
        Ok(())
    }

    fn configure(
        &mut self,
        key: &mut dyn Key,
        sub_command: authenticator_config::Subcommand,
        params: Option<&dyn Encode>,
        auth: Auth,
    ) -> Result<(), u8> {
        let mut room = [0; 64];
        let params = params.map(|one| Raw::encode_in(one, &mut room).expect("the room"));
        let prefix = authenticator_config::authenticated_prefix(sub_command);
        let (param, protocol) = self.authenticate(auth, &[&prefix, params.map_or(&[], Raw::bytes)]);
        let request = authenticator_config::Request {
            sub_command,
            sub_command_params: params,
            pin_uv_auth_protocol: protocol,
            pin_uv_auth_param: param.as_deref(),
        };
        send(key, Command::AuthenticatorConfig, Some(&request)).map(drop)
    }

    fn descriptors(&self) -> Vec<PublicKeyCredentialDescriptor<'_>> {
        let last = self.ids.iter().rev().take(4);
        last.map(|id| PublicKeyCredentialDescriptor::new(id))
            .collect()
    }

    fn authenticate(&mut self, auth: Auth, parts: &[&[u8]]) -> (Option<Vec<u8>>, Option<u8>) {
        authenticate(self.token.as_ref(), &mut self.crypto, auth, parts)
    }
}

type Agreed = (PublicPoint, SharedSecret);

fn authenticate(
    token: Option<&PinUvAuthToken>,
    crypto: &mut RustCrypto<Counter>,
    auth: Auth,
    parts: &[&[u8]],
) -> (Option<Vec<u8>>, Option<u8>) {
    let protocol = token.map_or(2, |token| token.protocol().id());
    let good = token.map_or(vec![0; 32], |token| {
        token.authenticate(crypto, parts).to_vec()
    });
    match auth {
        Auth::None => (None, None),
        Auth::Token => (Some(good), Some(protocol)),
        Auth::Wrong => (
            Some(good.iter().map(|byte| byte ^ 1).collect()),
            Some(protocol),
        ),
        Auth::Empty => (Some(Vec::new()), Some(protocol)),
        Auth::WithoutProtocol => (Some(good), None),
        Auth::UnknownProtocol => (Some(good), Some(3)),
    }
}

fn send(key: &mut dyn Key, command: Command, parameters: Option<&dyn Encode>) -> Answer {
    let mut room = [0; 2048];
    let request = ctap2::request(command, parameters, &mut room).expect("the room");
    let answer = key.send(request);
    match answer.split_first().expect("a status") {
        (0, map) => Ok(map.to_vec()),
        (&status, map) => {
            assert!(map.is_empty(), "a refusal with a map");
            Err(status)
        }
    }
}

fn asserted(answer: &[u8], facts: &mut Vec<(&'static str, u64)>) {
    let answer = get_assertion::Response::parse(answer).expect("an assertion");
    let data = AuthenticatorData::parse(answer.auth_data).expect("authenticator data");
    facts.push(("flags", data.flags_byte().into()));
    let count = answer.number_of_credentials.unwrap_or(1);
    facts.push(("numberOfCredentials", count.into()));
    let user = answer.user.map_or(&[][..], |user| user.id);
    facts.push((
        "user",
        user.first().map_or(u64::MAX, |byte| u64::from(*byte)),
    ));
}

const fn cose(point: &PublicPoint) -> KeyAgreementKey<'_> {
    KeyAgreementKey {
        x: &point.x,
        y: &point.y,
    }
}

impl From<Protocol> for PinProtocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::One => Self::One,
            Protocol::Two => Self::Two,
        }
    }
}

impl Pins {
    const fn text(self) -> &'static str {
        match self {
            Self::First => "1234",
            Self::Second => "567890",
            Self::Short => "123",
            Self::Long => "a rather long one, of sixty-three characters as the longest are",
        }
    }

    fn padded(self) -> Vec<u8> {
        let mut padded = self.text().as_bytes().to_vec();
        padded.resize(PADDED_PIN, 0);
        padded
    }

    fn hash(self, crypto: &impl Crypto) -> [u8; 16] {
        let hash = crypto.sha256(&[self.text().as_bytes()]);
        *hash.first_chunk().expect("32 bytes")
    }
}

impl Rp {
    const fn id(self) -> &'static str {
        match self {
            Self::Com => "example.com",
            Self::Org => "example.org",
        }
    }
}

impl Algorithms {
    fn list(self) -> List<'static, PublicKeyCredentialParameters<'static>> {
        const ES256: PublicKeyCredentialParameters<'_> =
            PublicKeyCredentialParameters::new(Algorithm::Es256);
        const EDDSA: PublicKeyCredentialParameters<'_> =
            PublicKeyCredentialParameters::new(Algorithm::EdDsa);
        const UNKNOWN: PublicKeyCredentialParameters<'_> =
            PublicKeyCredentialParameters::new(Algorithm::Other(-65535));
        List::new(match self {
            Self::Es256 => &[ES256],
            Self::EdDsa => &[EDDSA, ES256],
            Self::Unknown => &[UNKNOWN],
            Self::UnknownThenEs256 => &[UNKNOWN, ES256],
            Self::None => &[],
        })
    }
}

impl Options {
    fn member(self) -> Option<make_credential::Options> {
        let Self { rk, up, uv } = self;
        let any = rk.or(up).or(uv);
        any.map(|_| make_credential::Options { rk, up, uv })
    }
}

const HASH: &[u8; 32] = &[0x5A; 32];
