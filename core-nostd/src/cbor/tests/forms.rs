//! An item means the same in each form that its heads may have: what is read by the code for short
//! forms alone is read alike by the code for all.

use core::mem::discriminant;
use std::vec::Vec;

use proptest::prelude::*;

use crate::cbor::{Error, Key, Parse, Raw, Reader};

/// What may stand in a message, well-formed or not.
#[derive(Clone, Debug)]
enum Item {
    Integer(bool, u8),
    Bytes(Vec<u8>),
    /// UTF-8 or not.
    Text(Vec<u8>),
    Simple(u8),
    Array(Vec<Item>),
    /// With keys of any type, in any order, and more than once.
    Map(Vec<(Item, Item)>),
    Tag(u8, std::boxed::Box<Item>),
}

/// Bytes of a head.
#[derive(Clone, Copy)]
enum Form {
    Shortest,
    Two,
    Nine,
}

impl Item {
    fn write(&self, form: Form, out: &mut Vec<u8>) {
        let head = |major: u8, argument: usize, out: &mut Vec<u8>| {
            let small = u8::try_from(argument).unwrap();
            match form {
                Form::Shortest if small < 24 => out.push(major << 5 | small),
                Form::Shortest | Form::Two => out.extend([major << 5 | 24, small]),
                Form::Nine => {
                    out.push(major << 5 | 27);
                    out.extend(u64::from(small).to_be_bytes());
                }
            }
        };
        match self {
            Self::Integer(negative, argument) => head((*negative).into(), (*argument).into(), out),
            Self::Bytes(bytes) => {
                head(2, bytes.len(), out);
                out.extend(bytes);
            }
            Self::Text(bytes) => {
                head(3, bytes.len(), out);
                out.extend(bytes);
            }
            // Simple values have one form.
            Self::Simple(value) => out.push(7 << 5 | value),
            Self::Array(items) => {
                head(4, items.len(), out);
                items.iter().for_each(|item| item.write(form, out));
            }
            Self::Map(entries) => {
                head(5, entries.len(), out);
                for (key, value) in entries {
                    key.write(form, out);
                    value.write(form, out);
                }
            }
            Self::Tag(tag, item) => {
                head(6, (*tag).into(), out);
                item.write(form, out);
            }
        }
    }

    fn encoded(&self, form: Form) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(form, &mut out);
        out
    }
}

fn strings() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c]{0,3}".prop_map(Into::into),
        "[a-b]{6,19}".prop_map(Into::into),
        "[a-b\u{e9}]{0,9}".prop_map(Into::into),
        proptest::collection::vec(any::<u8>(), 0..30),
    ]
}

fn keys() -> impl Strategy<Value = Item> {
    prop_oneof![
        8 => (any::<bool>(), 0..30_u8).prop_map(|(negative, one)| Item::Integer(negative, one)),
        8 => strings().prop_map(Item::Text),
        1 => strings().prop_map(Item::Bytes),
        1 => Just(Item::Simple(20)),
    ]
}

fn items() -> impl Strategy<Value = Item> {
    let leaves = prop_oneof![
        keys(),
        strings().prop_map(Item::Bytes),
        (20..24_u8).prop_map(Item::Simple),
    ];
    leaves.prop_recursive(5, 40, 12, |inner| {
        let entries = proptest::collection::vec((keys(), inner.clone()), 0..12);
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 0..26).prop_map(Item::Array),
            4 => (entries, any::<bool>()).prop_map(|(mut entries, in_order)| {
                // As they are in nearly all messages.
                if in_order {
                    entries.sort_by_key(|(key, _)| {
                        let key = key.encoded(Form::Shortest);
                        (key[0] >> 5, key.len(), key)
                    });
                }
                Item::Map(entries)
            }),
            1 => (0..9_u8, inner).prop_map(|(tag, item)| Item::Tag(tag, item.into())),
        ]
    })
}

/// How reading it ends, whatever the places.
fn outcome<T>(read: &Result<T, Error>) -> Option<core::mem::Discriminant<Error>> {
    read.as_ref().err().map(discriminant)
}

/// The keys of a map, each value untouched.
fn keys_of(bytes: &[u8]) -> Result<Vec<Key<'_>>, Error> {
    let mut keys = Vec::new();
    let mut reader = Reader::new(bytes);
    reader.map(|key, _| {
        keys.push(key);
        Ok(())
    })?;
    reader.finish()?;
    Ok(keys)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_item_is_read_or_refused_in_every_form_alike(item in items()) {
        let short = item.encoded(Form::Shortest);
        let longer = [Form::Two, Form::Nine].map(|form| item.encoded(form));
        for longer in &longer {
            prop_assert_eq!(outcome(&Raw::parse(&short)), outcome(&Raw::parse(longer)));
            let (ours, theirs) = (keys_of(&short), keys_of(longer));
            prop_assert_eq!(outcome(&ours), outcome(&theirs));
            prop_assert_eq!(ours.ok(), theirs.ok());
        }
    }

    #[test]
    fn an_item_that_is_cut_off_is_never_read(item in items()) {
        let whole = item.encoded(Form::Shortest);
        for cut in 0..whole.len() {
            prop_assert!(Raw::parse(&whole[..cut]).is_err());
            prop_assert!(keys_of(&whole[..cut]).is_err());
        }
    }
}
