//! The reader and the writer, one by one and over types of every kind.

use core::ops::ControlFlow;

use keysteward_core::cbor::{
    Encode, Entries, Error, Key, List, Name, Parse, Raw, Reader, Writer, encode,
};
use minicbor::encode::Write;

use crate::unknown::{any, overwrite, see};

pub(crate) fn prove() {
    items();
    containers();
    see(any::<Writer<'_>>().written());
    see(any::<Writer<'_>>().finish());
    writing();
    list::<&str>();
    list::<u8>();
    list::<Raw<'_>>();
    entries::<bool>();
    entries::<u64>();
    raw();
    both_ways::<Key<'_>>();
    names();
    see(any::<Error>().position());
    see(any::<Error>().at_offset(any()));
    both_ways::<bool>();
    both_ways::<u8>();
    both_ways::<i32>();
    both_ways::<i64>();
    both_ways::<u32>();
    both_ways::<u64>();
    both_ways::<&str>();
    both_ways::<u16>();
    both_ways::<usize>();
    both_ways::<&[u8; 7]>();
    both_ways::<&[u8]>();
    see(any::<&[u8; 7]>().as_slice().encode(any()));
    see(str::encode(any(), any()));
}

/// Reads the type from any bytes and writes any value of it.
pub(crate) fn both_ways<T: Parse<'static> + Encode>() {
    see(T::parse(any()));
    see(T::read(any()));
    see(T::of_text(any()));
    see(any::<&T>().encode(any()));
    see(encode(&any::<T>(), any()));
}

fn names() {
    both_ways::<Name<'_>>();
    see(Name::new(any()));
    let name: Name<'static> = any();
    see(name.as_bytes());
    see(name.as_str());
    see(name == *any::<&str>());
    see(any::<Key<'_>>().is(any()));
}

fn items() {
    let r: &mut Reader<'static> = any();
    see(Reader::new(any()));
    see(Reader::with_depth(any(), any()));
    see(r.position());
    see(r.read::<u32>());
    see(r.unsigned::<u8>(any()));
    see(r.integer());
    see(r.boolean());
    see(r.bytes());
    see(r.byte_array::<5>());
    see(r.text());
    see(r.text_prefix());
    see(r.raw());
    see(r.skip());
    see(r.skip_unknown(any()));
    see(any::<Reader<'static>>().finish());
}

fn containers() {
    let r: &mut Reader<'static> = any();
    see(r.array(|r| {
        see(r.position());
        #[cfg(feature = "negative-control")]
        see(any::<&[u8]>()[r.position()]);
        any()
    }));
    see(r.map(|key, r| {
        see((key, r.position()));
        any()
    }));
    see(r.attempt(|r| {
        see(r.position());
        any::<Result<u32, Error>>()
    }));
}

fn writing() {
    see(Writer::new(any()).written());
    let w: &mut Writer<'static> = any();
    see(w.unsigned(any()));
    see(w.integer(any()));
    see(w.boolean(any()));
    see(w.bytes(any()));
    see(w.bytes_with(any(), overwrite));
    see(w.text(any()));
    see(w.raw(any()));
    see(w.write_all(any()));
    see(w.array(any::<&[u32]>().iter()));
    see(w.map(|m| {
        m.entry(any::<i32>(), any::<&str>())?;
        m.entry(any::<i64>(), any::<bool>())?;
        m.entry(any::<&str>(), any::<&[u8]>())?;
        m.optional(any::<i32>(), any::<Option<u64>>())?;
        any()
    }));
}

/// Of these items, in the caller's hands and in a message's.
pub(crate) fn list<T: Parse<'static> + Encode + Copy + PartialEq + 'static>() {
    both_ways::<List<'static, T>>();
    see(List::<T>::read_lenient(any()));
    see(List::<T>::new(any()));
    let list: List<'static, T> = any();
    list.iter().for_each(see);
    see(list.len());
    see(list.is_empty());
    see(list.contains(any()));
    see(list == any());
}

fn entries<V: Parse<'static> + Encode + Copy + PartialEq + 'static>() {
    both_ways::<Entries<'static, V>>();
    see(Entries::<V>::read_lenient(any()));
    see(Entries::<V>::new(any()));
    let entries: Entries<'static, V> = any();
    entries.iter().for_each(see);
    see(entries.get(any()));
    see(entries.is_empty());
    see(entries == any());
}

fn raw() {
    both_ways::<Raw<'_>>();
    see(Raw::encode_in(any::<&Raw<'_>>(), any()));
    let raw: Raw<'static> = any();
    raw.entries().for_each(see);
    see(raw.is_map());
    see(raw.bytes());
}

/// What a callback says next.
pub(crate) fn go_on<T>(value: T) -> ControlFlow<()> {
    see(value);
    any()
}
