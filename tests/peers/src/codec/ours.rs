//! Our own codec. What others decode whole is decoded whole here too: lists, which are read when
//! they are asked for, are asked for; extensions and attestation statement, which have parsers of
//! their own, are parsed; authenticator data and the COSE key in it, which others leave opaque,
//! as well.

use std::hint::black_box;

use keysteward_core::cbor::{BufferFull, Encode, Entries, List, Parse, Raw, encode};
use keysteward_core::ctap2::extension::MakeCredentialInputs;
use keysteward_core::ctap2::{
    PublicKeyCredentialParameters, get_assertion, get_info, make_credential,
};
use keysteward_core::webauthn::attestation::Statement;
use keysteward_core::webauthn::authenticator_data::AuthenticatorData;

use super::{Direction, same_bytes};
use crate::exchange::{Exchange, Message};
use crate::measure::{Entry, job};

pub(super) fn enter(
    direction: Direction,
    message: Message,
    exchange: &'static Exchange,
) -> Option<Entry> {
    let bytes = exchange.bytes(message);
    Some(match direction {
        Direction::Decode => decode(message, bytes),
        Direction::Encode => encoder(message, bytes).unwrap_or_else(Entry::Fails),
    })
}

fn decode(message: Message, bytes: &'static [u8]) -> Entry {
    match message {
        Message::Info => Entry::of(move || info(black_box(bytes))),
        Message::MakeRequest => Entry::of(move || make_request(black_box(bytes))),
        Message::MakeResponse => Entry::of(move || make_response(black_box(bytes))),
        Message::GetRequest => Entry::of(move || get_request(black_box(bytes))),
        Message::GetResponse => Entry::of(move || get_response(black_box(bytes))),
    }
}

fn encoder(message: Message, bytes: &'static [u8]) -> Result<Entry, String> {
    match message {
        Message::Info => {
            let info = info(bytes).map_err(|e| e.to_string())?;
            encode_value(from_slices(info), bytes)
        }
        Message::MakeRequest => {
            let (request, inputs) = make_request(bytes).map_err(|e| e.to_string())?;
            let parameters: Vec<PublicKeyCredentialParameters> =
                request.pub_key_cred_params.iter().collect();
            let request = make_credential::Request {
                pub_key_cred_params: List::new(parameters.leak()),
                ..request
            };
            let mut extensions = [0; 256];
            let mut buffer = [0; 1024];
            encode_with(bytes, move |check| {
                let mut request = black_box(&request).clone();
                if let Some(inputs) = black_box(&inputs) {
                    request.extensions = Some(Raw::encode_in(inputs, &mut extensions)?);
                }
                Ok(check(encode(&request, &mut buffer)?))
            })
        }
        Message::MakeResponse => {
            let response = make_credential::Response::parse(bytes).map_err(|e| e.to_string())?;
            encode_value(response, bytes)
        }
        Message::GetRequest => {
            let request = get_request(bytes).map_err(|e| e.to_string())?;
            encode_value(request, bytes)
        }
        Message::GetResponse => {
            let response = get_assertion::Response::parse(bytes).map_err(|e| e.to_string())?;
            encode_value(response, bytes)
        }
    }
}

fn info(bytes: &[u8]) -> Result<get_info::Response<'_>, keysteward_core::cbor::Error> {
    let info = get_info::Response::parse(bytes)?;
    walk(info.versions);
    info.extensions.into_iter().for_each(walk);
    info.transports.into_iter().for_each(walk);
    info.pin_uv_auth_protocols.into_iter().for_each(walk);
    info.algorithms.into_iter().for_each(walk);
    info.attestation_formats.into_iter().for_each(walk);
    info.transports_for_reset.into_iter().for_each(walk);
    info.authenticator_config_commands
        .into_iter()
        .for_each(walk);
    for option in info.options.0.iter() {
        black_box(&option);
    }
    Ok(info)
}

type MakeRequest<'a> = (
    make_credential::Request<'a>,
    Option<MakeCredentialInputs<'a>>,
);

fn make_request(bytes: &[u8]) -> Result<MakeRequest<'_>, keysteward_core::cbor::Error> {
    let request = make_credential::Request::parse(bytes)?;
    walk(request.pub_key_cred_params);
    request.exclude_list.into_iter().for_each(walk);
    let extensions = request.extensions;
    let inputs = extensions.map(|raw| MakeCredentialInputs::parse(raw.bytes()));
    Ok((request, inputs.transpose()?))
}

fn make_response(bytes: &[u8]) -> anyhow::Result<Statement<'_>> {
    let response = make_credential::Response::parse(bytes)?;
    black_box(&AuthenticatorData::parse(response.auth_data)?);
    let statement = response.attestation_object().statement()?;
    if let Statement::Packed { x5c: Some(x5c), .. } = &statement {
        walk(*x5c);
    }
    black_box(&response);
    Ok(statement)
}

fn get_request(bytes: &[u8]) -> Result<get_assertion::Request<'_>, keysteward_core::cbor::Error> {
    let request = get_assertion::Request::parse(bytes)?;
    request.allow_list.into_iter().for_each(walk);
    Ok(request)
}

fn get_response(bytes: &[u8]) -> anyhow::Result<get_assertion::Response<'_>> {
    let response = get_assertion::Response::parse(bytes)?;
    black_box(&AuthenticatorData::parse(response.auth_data)?);
    Ok(response)
}

fn walk<'a, T: Parse<'a> + Copy>(list: List<'a, T>) {
    for item in list.iter() {
        black_box(&item);
    }
}

/// The response as firmware holds it: lists of items, not bytes that came.
fn from_slices(info: get_info::Response<'static>) -> get_info::Response<'static> {
    let options = info.options.0.iter();
    let options: Vec<(&str, bool)> = options.map(|(name, on)| (name.as_str(), on)).collect();
    get_info::Response {
        versions: items(info.versions),
        extensions: info.extensions.map(items),
        options: get_info::Options(Entries::new(options.leak())),
        pin_uv_auth_protocols: info.pin_uv_auth_protocols.map(items),
        transports: info.transports.map(items),
        algorithms: info.algorithms.map(items),
        attestation_formats: info.attestation_formats.map(items),
        transports_for_reset: info.transports_for_reset.map(items),
        authenticator_config_commands: info.authenticator_config_commands.map(items),
        ..info
    }
}

fn items<T: Parse<'static> + Copy>(list: List<'static, T>) -> List<'static, T> {
    List::new(list.iter().collect::<Vec<T>>().leak())
}

fn encode_value(value: impl Encode + 'static, bytes: &'static [u8]) -> Result<Entry, String> {
    let mut buffer = [0; 2048];
    encode_with(bytes, move |check| {
        Ok(check(encode(black_box(&value), &mut buffer)?))
    })
}

/// `write` hands what it wrote to the function that it is given.
fn encode_with(
    bytes: &'static [u8],
    mut write: impl FnMut(&mut dyn FnMut(&[u8]) -> usize) -> Result<usize, BufferFull> + 'static,
) -> Result<Entry, String> {
    let mut same = Ok(());
    write(&mut |written| {
        same = same_bytes(written, bytes);
        written.len()
    })
    .map_err(|e| e.to_string())?;
    same?;
    Ok(Entry::Works(job(move || {
        write(&mut |written| written.len())
    })))
}
