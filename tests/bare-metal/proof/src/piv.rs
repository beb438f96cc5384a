//! Messages of PIV cards, both ways, and sessions with one.

mod session;

use keysteward_core::piv::capabilities::Capabilities;
use keysteward_core::piv::certificate::Certificate;
use keysteward_core::piv::chuid::{Chuid, FascN};
use keysteward_core::piv::container_map::{Record, encode_records, records};
use keysteward_core::piv::discovery::Discovery;
use keysteward_core::piv::general_authenticate::{self, Template};
use keysteward_core::piv::key_history::KeyHistory;
use keysteward_core::piv::pkcs1::{Digest, pad};
use keysteward_core::piv::printed::Printed;
use keysteward_core::piv::roots::{Part, parts};
use keysteward_core::piv::select::{self, Properties};
use keysteward_core::piv::yubico::metadata::{self, Metadata};
use keysteward_core::piv::yubico::{
    self, attest, import_key, move_key, set_admin_key, set_pin_retries,
};
use keysteward_core::piv::{
    Algorithm, KeyReference, ObjectId, Pin, PinPolicy, PinReference, PublicKey, Request,
    TouchPolicy, change_reference_data, generate, get_data, put_data, reset_retry_counter, verify,
};

use crate::unknown::{any, see};

pub(crate) fn prove() {
    names();
    commands();
    yubicos();
    objects();
    keys();
    session::prove();
}

fn names() {
    see(any::<Algorithm>().id());
    see(Algorithm::from_id(any()));
    see(any::<Algorithm>().name());
    see(Algorithm::from_name(any()));
    see(any::<Algorithm>().modulus_len());
    see(any::<Algorithm>().bits());
    see(any::<KeyReference>().id());
    see(KeyReference::from_id(any()));
    see(KeyReference::from_name(any()));
    see(any::<KeyReference>().certificate());
    see(any::<ObjectId>().is_bare());
    see(any::<PinPolicy>().id());
    see(PinPolicy::from_id(any()));
    see(any::<PinPolicy>().name());
    see(PinPolicy::from_name(any()));
    see(any::<TouchPolicy>().id());
    see(TouchPolicy::from_id(any()));
    see(any::<TouchPolicy>().name());
    see(TouchPolicy::from_name(any()));
    see(any::<PinReference>().id());
    see(PinReference::from_id(any()));
    see(Pin::new(any()));
    see(Pin::from_padded(any()));
    see(any::<&Pin>().padded());
}

fn commands() {
    see(Request::parse(any()));
    see(select::request());
    see(select::is_named(any()));
    see(Properties::parse(any()));
    let properties: &Properties<'_> = any();
    properties.ciphers().for_each(see);
    see(properties.encode(any()));
    see(any::<get_data::Request>().command(any()));
    see(get_data::Request::parse(any()));
    see(get_data::response(any(), any()));
    see(get_data::encode_response(any(), any(), any()));
    see(any::<put_data::Request<'_>>().command(any()));
    see(put_data::Request::parse(any()));
    see(verify::Request::of(any(), any()));
    see(any::<verify::Request<'_>>().command());
    see(verify::Request::parse(any()));
    see(any::<change_reference_data::Request<'_>>().command(any()));
    see(change_reference_data::Request::parse(any()));
    see(any::<reset_retry_counter::Request<'_>>().command(any()));
    see(reset_retry_counter::Request::parse(any()));
    see(any::<general_authenticate::Request<'_>>().command(any()));
    see(general_authenticate::Request::parse(any()));
    see(any::<Template<'_>>().encode(any()));
    see(Template::parse(any()));
    see(any::<generate::Request>().command(any()));
    see(generate::Request::parse(any()));
}

fn yubicos() {
    see(yubico::version());
    see(yubico::serial());
    see(yubico::reset());
    see(yubico::Version::parse(any()));
    see(yubico::serial_number(any()));
    see(any::<metadata::Request>().command());
    see(metadata::Request::parse(any()));
    see(Metadata::parse(any()));
    let metadata: &Metadata<'_> = any();
    see(metadata.cipher());
    see(metadata.key_algorithm());
    see(metadata.public_key());
    see(metadata.encode(any()));
    see(any::<set_admin_key::Request<'_>>().command(any()));
    see(set_admin_key::Request::parse(any()));
    see(any::<set_pin_retries::Request>().command());
    see(set_pin_retries::Request::parse(any()));
    see(any::<import_key::Request<'_>>().command(any()));
    see(import_key::Request::parse(any()));
    see(any::<import_key::Secret<'_>>().is_of(any()));
    see(any::<attest::Request>().command());
    see(attest::Request::parse(any()));
    see(any::<move_key::Request>().command());
    see(move_key::Request::parse(any()));
}

fn objects() {
    see(Chuid::new(any()));
    see(Chuid::parse(any()));
    see(any::<Chuid<'_>>().encode(any()));
    see(any::<FascN>().encode());
    see(Capabilities::parse(any()));
    see(Capabilities::identifier(any()));
    see(any::<Capabilities<'_>>().encode(any()));
    see(Discovery::parse(any()));
    see(any::<Discovery>().takes_global_pin());
    see(any::<Discovery>().encode(any()));
    see(KeyHistory::parse(any()));
    see(any::<KeyHistory<'_>>().encode(any()));
    see(Certificate::plain(any()));
    see(Certificate::parse(any()));
    see(any::<Certificate<'_>>().encode(any()));
    see(Printed::parse(any()));
    see(any::<Printed<'_>>().encode(any()));
    see(Record::new(any(), any(), any()));
    let record: &mut Record = any();
    see(record.is_default());
    record.set_default(any());
    if let Ok(records) = records(any()) {
        records.for_each(see);
    }
    see(encode_records(any(), any()));
    see(Part::parse(any()));
    see(any::<Part<'_>>().encode(any()));
    parts(any(), any()).for_each(see);
}

fn keys() {
    see(PublicKey::parse(any(), any()));
    see(PublicKey::parse_members(any(), any()));
    let key: PublicKey<'_> = any();
    see(key.algorithm());
    see(key.encode(any()));
    see(key.encode_members(any()));
    see(key.spki(any()));
    see(any::<Digest>().len());
    see(pad(any(), any(), any()));
}
