//! Against another implementation, and against chance.

use std::string::String;
use std::vec::Vec;

use ciborium::Value;
use proptest::prelude::*;

use crate::cbor::head::Major;
use crate::cbor::{BufferFull, Encode, Error, Key, Parse, Raw, Reader, Writer, encode};

/// Anything that a message may hold.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    Bool(bool),
    Array(Vec<Tree>),
    Map(Vec<(Name, Tree)>),
}

#[derive(Clone, Debug, PartialEq)]
enum Name {
    Int(i64),
    Text(String),
}

impl Name {
    fn key(&self) -> Key<'_> {
        match self {
            Self::Int(key) => Key::Int(*key),
            Self::Text(key) => Key::from(key.as_str()),
        }
    }

    /// CTAP 2.3 §8: major type, then length, then bytes.
    fn canonical(&self) -> (u8, usize, Vec<u8>) {
        let mut buffer = [0; 128];
        let bytes = encode(&self.key(), &mut buffer).unwrap();
        (bytes[0] >> 5, bytes.len(), bytes.to_vec())
    }
}

impl Encode for Tree {
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::Int(value) => w.integer(*value),
            Self::Bytes(value) => w.bytes(value),
            Self::Text(value) => w.text(value),
            Self::Bool(value) => w.boolean(*value),
            Self::Array(items) => w.array(items.iter()),
            Self::Map(entries) => w.map(|m| {
                entries
                    .iter()
                    .try_for_each(|(name, value)| m.entry(name.key(), value))
            }),
        }
    }
}

impl<'b> Parse<'b> for Tree {
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        Ok(match r.peek()?.major {
            Major::Unsigned | Major::Negative => Self::Int(r.integer()?),
            Major::Bytes => Self::Bytes(r.bytes()?.into()),
            Major::Text => Self::Text(r.text()?.into()),
            Major::Simple => Self::Bool(r.boolean()?),
            Major::Array => {
                let mut items = Vec::new();
                r.array(|r| {
                    items.push(Self::read(r)?);
                    Ok(())
                })?;
                Self::Array(items)
            }
            Major::Map => {
                let mut entries = Vec::new();
                r.map(|key, r| {
                    let name = match key {
                        Key::Int(key) => Name::Int(key),
                        Key::Text(key) => Name::Text(key.as_str().into()),
                        Key::Bytes(_) => unreachable!("trees have no such keys"),
                    };
                    entries.push((name, Self::read(r)?));
                    Ok(())
                })?;
                Self::Map(entries)
            }
            Major::Tag => unreachable!("trees have no tags"),
        })
    }
}

impl From<Tree> for Value {
    fn from(tree: Tree) -> Self {
        match tree {
            Tree::Int(value) => Self::from(value),
            Tree::Bytes(value) => Self::from(value),
            Tree::Text(value) => Self::from(value),
            Tree::Bool(value) => Self::from(value),
            Tree::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Tree::Map(entries) => Self::Map(
                entries
                    .into_iter()
                    .map(|(name, value)| match name {
                        Name::Int(key) => (Self::from(key), value.into()),
                        Name::Text(key) => (Self::from(key), value.into()),
                    })
                    .collect(),
            ),
        }
    }
}

fn integers() -> impl Strategy<Value = i64> {
    prop_oneof![-30..30_i64, -70_000..70_000_i64, any::<i64>()]
}

fn names() -> impl Strategy<Value = Name> {
    prop_oneof![
        integers().prop_map(Name::Int),
        ".{0,20}".prop_map(Name::Text)
    ]
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaves = prop_oneof![
        integers().prop_map(Tree::Int),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Tree::Bytes),
        ".{0,30}".prop_map(Tree::Text),
        any::<bool>().prop_map(Tree::Bool),
    ];
    leaves.prop_recursive(4, 60, 30, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..30).prop_map(Tree::Array),
            proptest::collection::vec((names(), inner), 0..30).prop_map(|mut entries| {
                entries.sort_by_key(|(name, _)| name.canonical());
                entries.dedup_by(|(a, _), (b, _)| a == b);
                Tree::Map(entries)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same_here_and_in_ciborium(tree in trees()) {
        let mut buffer = std::vec![0; 1 << 18];
        let bytes = encode(&tree, &mut buffer).unwrap();
        let value = Value::from(tree.clone());

        let mut theirs = Vec::new();
        ciborium::into_writer(&value, &mut theirs).unwrap();
        prop_assert_eq!(bytes, &*theirs);
        prop_assert_eq!(ciborium::from_reader::<Value, _>(bytes).unwrap(), value);
        prop_assert_eq!(Tree::parse(bytes), Ok(tree));
    }

    #[test]
    fn entries_in_any_order_are_the_same_map(
        entries in proptest::collection::btree_map(-500..500_i64, any::<u8>(), 0..60),
        seed in any::<u64>(),
    ) {
        let mut shuffled: Vec<_> = entries.iter().collect();
        shuffled.sort_by_key(|(key, _)| (**key as u64).wrapping_mul(seed | 1));
        let value = Value::Map(
            shuffled.iter().map(|(key, value)| ((**key).into(), (**value).into())).collect(),
        );
        let mut bytes = Vec::new();
        ciborium::into_writer(&value, &mut bytes).unwrap();
        let mut read = std::collections::BTreeMap::new();
        Reader::new(&bytes).map(|key, r| {
            let Key::Int(key) = key else { panic!("no such key was written") };
            read.insert(key, r.read::<u8>()?);
            Ok(())
        }).unwrap();
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn a_repeated_key_is_found_in_any_order(
        mut keys in proptest::collection::vec(-500..500_i64, 1..60),
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
    ) {
        let twice = keys[which.index(keys.len())];
        keys.insert(place.index(keys.len() + 1), twice);
        let value = Value::Map(keys.iter().map(|key| ((*key).into(), true.into())).collect());
        let mut bytes = Vec::new();
        ciborium::into_writer(&value, &mut bytes).unwrap();
        let duplicate = matches!(Raw::parse(&bytes), Err(Error::DuplicateKey { .. }));
        prop_assert!(duplicate);
    }

    #[test]
    fn chance_bytes_are_read_to_their_end_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(raw) = Raw::parse(&bytes) {
            prop_assert_eq!(raw.bytes(), &*bytes);
        }
    }
}
