//! `keysteward --agent ADDRESS token fido vendor`: a vendor's own command of authenticatorConfig.
//! CTAP 2.3 §6.11.5.

use std::collections::BTreeMap;

use keysteward_core::cbor::{Encode as _, Parse as _, Raw, Writer};
use keysteward_proto::agent::v1::{self as wire, step::Verb};

use super::{
    Key, prove,
    user::{Proven, Wanted},
};
use crate::{
    connect::Agent,
    failure::{Failure, Result},
    output::Output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    key: Key,
    /// As `info` lists it under vendor prototype config commands; 0x for hexadecimal
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    id: u64,
    /// A parameter, one CBOR item in hexadecimal; may be given several times
    #[arg(long = "param", value_name = "KEY=CBOR", value_parser = item)]
    params: Vec<Parameter>,
    /// A parameter that is a whole number; may be given several times
    #[arg(long = "integer", value_name = "KEY=NUMBER", value_parser = integer)]
    integers: Vec<Parameter>,
}

/// Bytes: a head and 64 bits.
const LONGEST_INTEGER: usize = 9;

/// A key, from 2 on, and a CBOR item.
type Parameter = (u32, Vec<u8>);

pub(super) async fn run(args: Args, agent: &Agent, output: &mut Output<'_>) -> Result<()> {
    let parameters = in_order(args.params.into_iter().chain(args.integers))?;
    let proven = Proven::find(agent, &args.key, Wanted::OfProtected).await?;
    let verb = Verb::VendorConfigure(wire::VendorConfigure {
        pin: proven.pin.clone(),
        vendor_command_id: args.id,
        parameters,
    });
    prove(agent, proven, "vendor-configure", verb, output).await
}

fn in_order(parameters: impl Iterator<Item = Parameter>) -> Result<Vec<wire::VendorParameter>> {
    let mut ordered = BTreeMap::new();
    for (key, value) in parameters {
        if ordered.insert(key, value).is_some() {
            return Err(Failure::wrong(
                "parameter",
                format!("{key} twice"),
                "each key once",
            ));
        }
    }
    Ok(ordered
        .into_iter()
        .map(|(key, value)| wire::VendorParameter { key, value })
        .collect())
}

fn number(text: &str) -> std::result::Result<u64, String> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .map_err(|error| error.to_string())
}

fn item(text: &str) -> std::result::Result<Parameter, String> {
    let (key, value) = assignment(text)?;
    let value = hex::decode(value).map_err(|error| error.to_string())?;
    match Raw::parse(&value) {
        Ok(_) => Ok((key, value)),
        Err(error) => Err(format!("that is no CBOR item: {error}")),
    }
}

fn integer(text: &str) -> std::result::Result<Parameter, String> {
    let (key, value) = assignment(text)?;
    let number: i64 = value.parse().map_err(|error| format!("{value}: {error}"))?;
    let mut room = [0; LONGEST_INTEGER];
    let mut writer = Writer::new(&mut room);
    number
        .encode(&mut writer)
        .map_err(|error| error.to_string())?;
    Ok((key, writer.written().to_vec()))
}

fn assignment(text: &str) -> std::result::Result<(u32, &str), String> {
    let (key, value) = text.split_once('=').ok_or("a key, =, and a value")?;
    match key.parse() {
        Ok(key @ 2..) => Ok((key, value)),
        _ => Err(format!("{key} is no key from 2 on; 1 is the command's id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_they_are_typed_and_sent_in_the_order_of_their_keys() {
        let typed = [
            item("4=43010203").unwrap(),
            integer("3=-7").unwrap(),
            integer("2=500").unwrap(),
        ];
        let sent = in_order(typed.into_iter()).unwrap();
        let sent: Vec<_> = sent
            .iter()
            .map(|one| (one.key, hex::encode(&one.value)))
            .collect();
        let due = [(2, "1901f4"), (3, "26"), (4, "43010203")];
        assert_eq!(sent, due.map(|(key, value)| (key, value.to_owned())));
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        for text in ["", "2", "1=01", "x=01", "2=", "2=zz", "2=4301", "2=0101"] {
            assert!(item(text).is_err(), "{text}");
        }
        for text in ["2=", "2=1.5", "2=9223372036854775808", "1=1"] {
            assert!(integer(text).is_err(), "{text}");
        }
        let twice = [integer("2=1").unwrap(), integer("2=2").unwrap()];
        assert!(in_order(twice.into_iter()).is_err());
    }

    #[test]
    fn an_id_is_typed_as_it_is_shown() {
        assert_eq!(number("0xffffffffffffffff"), Ok(u64::MAX));
        assert_eq!(number("513"), Ok(513));
        assert!(number("0x").is_err() && number("-1").is_err());
    }
}
