//! What an administrator does with a key, and the key that it is done with.

mod management;

use crate::cable::{Cable, Gone};
use keysteward_core::cbor::List;
use keysteward_core::crypto::RustCrypto;
use keysteward_core::ctap2::authenticator_config::SetMinPinLength;
use keysteward_core::ctap2::client_pin::Permissions;
use keysteward_core::ctap2::large_blobs::array::LargeBlobArray;
use keysteward_core::ctap2::{
    PublicKeyCredentialParameters, PublicKeyCredentialRpEntity, PublicKeyCredentialUserEntity,
    get_assertion, make_credential,
};
use keysteward_core::ctaphid::{HidTransport, TransportError};
use keysteward_core::pin_protocol::{Pin, PinUvAuthToken};
use keysteward_core::session::{self, Millis, Session};
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;
use keysteward_core::webauthn::cose::Algorithm;
use keysteward_virtual_token::in_process::InProcess;
use keysteward_virtual_token::manufacture::{Manufacturer, Order};
use keysteward_virtual_token::storage::{Change, MAX_RECORD, MemoryStorage, Record, Storage};
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::sync::OnceLock;

pub(crate) type Key = InProcess<MemoryStorage, RustCrypto<OsRng>>;
pub(crate) type Token<'c> = HidTransport<&'c mut Cable<Key>>;
pub(crate) type Error = session::Error<TransportError<Gone>>;
type Talk<'t, 'c> = Session<'t, Token<'c>, RustCrypto<OsRng>>;

/// One thing that is done with a key. What it learned comes back as text.
pub(crate) struct Flow {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut Talk<'_, '_>) -> Result<String, Error>,
}

/// Everything that there is to do.
pub(crate) fn all() -> impl Iterator<Item = &'static Flow> {
    FLOWS.iter().chain(management::FLOWS)
}

const FLOWS: &[Flow] = &[
    flow("info", info),
    flow("retries", |talk| {
        talk.pin_retries().map(|retries| format!("{retries:?}"))
    }),
    flow("change_pin", |talk| {
        talk.change_pin(&pin(PIN), &pin("271828")).map(done)
    }),
    flow("change_wrong_pin", |talk| {
        talk.change_pin(&pin("000000"), &pin("271828")).map(done)
    }),
    flow("set_pin", |talk| talk.set_pin(&pin("271828")).map(done)),
    flow("wrong_pin", |talk| {
        let permissions = Permissions::CREDENTIAL_MANAGEMENT;
        talk.token(&pin("000000"), permissions, None)
            .map(drop)
            .map(done)
    }),
    flow("list", list),
    flow("make", make),
    flow("assert", assert),
    flow("find", |talk| {
        let ids = [&[0xAA; 16][..], &prepared().id];
        let found = talk.find_credential(RP_IDS[0], ids.into_iter(), None)?;
        Ok(format!("{found:?}"))
    }),
    flow("delete", |talk| {
        let token = manager(talk)?;
        talk.delete_credential(&token, &[0xAA; 16]).map(done)
    }),
    flow("configure", |talk| {
        let token = talk.token(&pin(PIN), Permissions::AUTHENTICATOR_CONFIG, None)?;
        let rules = SetMinPinLength {
            new_min_pin_length: Some(6),
            ..SetMinPinLength::default()
        };
        talk.set_min_pin_length(&rules, Some(&token)).map(done)
    }),
    flow("read_blobs", |talk| {
        let mut room = [0; 3 * 4096];
        let array = talk.large_blobs(&mut room)?;
        Ok(format!("{} blobs", array.len()))
    }),
    flow("write_blobs", |talk| {
        let token = manager(talk)?;
        talk.write_large_blobs(Some(&token), LargeBlobArray::INITIAL)
            .map(done)
    }),
    flow("enroll", |talk| {
        let token = manager(talk)?;
        let mut samples = 0;
        talk.enroll_fingerprint(&token, None, &mut |_| {
            samples += 1;
            ControlFlow::Continue(())
        })?;
        Ok(format!("{samples} samples"))
    }),
    flow("fingers", |talk| {
        let token = manager(talk)?;
        let mut fingers = 0;
        talk.fingerprints(&token, &mut |_| {
            fingers += 1;
            ControlFlow::Continue(())
        })?;
        Ok(format!("{fingers} fingers"))
    }),
    flow("select", |talk| talk.select().map(done)),
    flow("reset", |talk| talk.reset().map(done)),
];

const fn flow(name: &'static str, run: fn(&mut Talk<'_, '_>) -> Result<String, Error>) -> Flow {
    Flow { name, run }
}

fn done(_: ()) -> String {
    "done".into()
}

fn info(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let info = talk.info()?;
    Ok(format!("{} versions", info.versions.iter().count()))
}

/// A token that every key with a PIN gives. Those that only say that they have large blobs and
/// fingerprints could give none for these, and do not look at it either.
fn manager(talk: &mut Talk<'_, '_>) -> Result<PinUvAuthToken, Error> {
    talk.token(&pin(PIN), Permissions::CREDENTIAL_MANAGEMENT, None)
}

pub(crate) fn list(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let token = manager(talk)?;
    finish_listing(talk, &token)
}

fn finish_listing(talk: &mut Talk<'_, '_>, token: &PinUvAuthToken) -> Result<String, Error> {
    let metadata = talk.credentials_metadata(token)?;
    // Room for as many as a key can have, so that a list that never ends shows.
    let (mut rps, mut named) = (Vec::new(), 0);
    talk.relying_parties(token, &mut |party| {
        named += 1;
        if rps.len() < 10 {
            rps.push(party.rp_id_hash);
        }
        ControlFlow::Continue(())
    })?;
    let mut credentials = 0;
    for hash in &rps {
        talk.credentials(token, hash, &mut |_| {
            credentials += 1;
            ControlFlow::Continue(())
        })?;
    }
    Ok(format!(
        "{named} relying parties, {credentials} of {} credentials",
        metadata.existing
    ))
}

fn make(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let token = talk.token(&pin(PIN), Permissions::MAKE_CREDENTIAL, Some(RP_IDS[0]))?;
    let algorithms = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
    let made = talk.make_credential(&request(RP_IDS[0], &algorithms, b"new"), Some(token))?;
    let data = AuthenticatorData::parse(made.auth_data);
    Ok(format!(
        "{} bytes, which {}",
        made.auth_data.len(),
        match data {
            Ok(data) if data.attested_credential.is_some() => "name a credential".into(),
            Ok(_) => "name none".into(),
            Err(error) => format!("cannot be read: {error}"),
        }
    ))
}

fn assert(talk: &mut Talk<'_, '_>) -> Result<String, Error> {
    let token = talk.token(&pin(PIN), Permissions::GET_ASSERTION, Some(RP_IDS[0]))?;
    let mut got = 1;
    let response = talk.get_assertion(&ASSERTION, Some(token))?;
    let total = response.number_of_credentials.unwrap_or(1);
    while got < total.min(3) {
        talk.next_assertion()?;
        got += 1;
    }
    Ok(format!("{got} of {total}"))
}

/// Of every credential of a relying party.
const ASSERTION: get_assertion::Request<'static> = get_assertion::Request {
    rp_id: RP_IDS[0],
    client_data_hash: &[7; 32],
    allow_list: None,
    extensions: None,
    options: None,
    pin_uv_auth_param: None,
    pin_uv_auth_protocol: None,
};

fn request<'a>(
    rp_id: &'a str,
    algorithms: &'a [PublicKeyCredentialParameters<'a>],
    user: &'a [u8],
) -> make_credential::Request<'a> {
    make_credential::Request {
        client_data_hash: &[7; 32],
        rp: PublicKeyCredentialRpEntity {
            id: rp_id,
            name: None,
        },
        user: PublicKeyCredentialUserEntity {
            id: user,
            name: Some("someone"),
            display_name: None,
        },
        pub_key_cred_params: List::new(algorithms),
        exclude_list: None,
        extensions: None,
        options: Some(make_credential::Options {
            rk: Some(true),
            ..make_credential::Options::default()
        }),
        pin_uv_auth_param: None,
        pin_uv_auth_protocol: None,
        enterprise_attestation: None,
        attestation_formats_preference: None,
    }
}

fn pin(text: &str) -> Pin {
    Pin::new(text).unwrap()
}

/// A key with a PIN, two credentials for one relying party and one for another.
struct Prepared {
    records: Vec<(Record, Vec<u8>)>,
    /// Of its first credential.
    id: Vec<u8>,
}

/// Made once, and copied for each meeting.
fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(prepare)
}

pub(crate) fn key() -> Key {
    let changes: Vec<_> = prepared()
        .records
        .iter()
        .map(|(record, bytes)| Change::Write {
            record: *record,
            offset: 0,
            bytes,
        })
        .collect();
    let mut storage = MemoryStorage::new();
    storage.commit(&changes).unwrap();
    Key::plug_in(storage, RustCrypto(OsRng)).unwrap()
}

fn prepare() -> Prepared {
    let manufacturer = Manufacturer::found().unwrap();
    let (mut key, storage) =
        InProcess::manufacture(&manufacturer, &Order::default(), RustCrypto(OsRng)).unwrap();
    let (mut crypto, mut buffers) = (RustCrypto(OsRng), session::Buffers::default());
    let mut go_on = |_| ControlFlow::Continue(());
    let deadline = Millis(u64::MAX);
    let mut talk = Session::new(&mut key, &mut crypto, &mut buffers, deadline, &mut go_on);
    talk.set_pin(&pin(PIN)).unwrap();
    let algorithms = [PublicKeyCredentialParameters::new(Algorithm::Es256)];
    let mut ids = Vec::new();
    for (rp_id, user) in [(RP_IDS[0], b"1"), (RP_IDS[0], b"2"), (RP_IDS[1], b"1")] {
        let token = talk
            .token(&pin(PIN), Permissions::MAKE_CREDENTIAL, Some(rp_id))
            .unwrap();
        let made = talk
            .make_credential(&request(rp_id, &algorithms, user), Some(token))
            .unwrap();
        let data = AuthenticatorData::parse(made.auth_data).unwrap();
        ids.push(data.attested_credential.unwrap().credential_id.to_vec());
    }
    let burned_in = [
        Record::Factory,
        Record::Certificate,
        Record::Root,
        Record::Owner,
    ];
    let stored = burned_in.into_iter().chain((0..3).map(Record::Credential));
    let records = stored.map(|record| {
        let mut bytes = vec![0; MAX_RECORD];
        let length = storage.read(record, 0, &mut bytes).unwrap().unwrap();
        bytes.truncate(length);
        (record, bytes)
    });
    Prepared {
        records: records.collect(),
        id: ids.swap_remove(0),
    }
}

const PIN: &str = "314159";
const RP_IDS: [&str; 2] = ["login.example.com", "other.example.org"];
