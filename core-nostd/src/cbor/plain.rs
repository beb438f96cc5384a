//! Integers, booleans, text and byte strings as items.

use super::{BufferFull, Encode, Error, Parse, Reader, Writer};

impl<T: Encode + ?Sized> Encode for &T {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        (**self).encode(w)
    }
}

impl Encode for str {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.text(self)
    }
}

impl Encode for [u8] {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.bytes(self)
    }
}

impl<const N: usize> Encode for [u8; N] {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.bytes(self)
    }
}

impl Encode for bool {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.boolean(*self)
    }
}

impl Encode for usize {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
        w.unsigned(u64::try_from(*self).map_err(|_| BufferFull)?)
    }
}

macro_rules! encode_integer {
    ($($type:ty => $method:ident),*) => {$(
        impl Encode for $type {
            #[cfg_attr(target_pointer_width = "64", inline(always))]
            fn encode(&self, w: &mut Writer<'_>) -> Result<(), BufferFull> {
                w.$method((*self).into())
            }
        }
    )*};
}

encode_integer!(u8 => unsigned, u16 => unsigned, u32 => unsigned, u64 => unsigned);
encode_integer!(i32 => integer, i64 => integer);

macro_rules! parse_unsigned {
    ($($type:ty: $expected:literal),*) => {$(
        impl<'b> Parse<'b> for $type {
            #[cfg_attr(target_pointer_width = "64", inline(always))]
            fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
                r.unsigned($expected)
            }
        }
    )*};
}

parse_unsigned! {
    u8: "an unsigned integer of 8 bits",
    u16: "an unsigned integer of 16 bits",
    u32: "an unsigned integer of 32 bits",
    u64: "an unsigned integer",
    usize: "an unsigned integer"
}

impl<'b> Parse<'b> for i64 {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.integer()
    }
}

impl<'b> Parse<'b> for i32 {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        let position = r.position();
        r.integer()?.try_into().map_err(|_| Error::OutOfRange {
            position,
            expected: "an integer of 32 bits",
        })
    }
}

impl<'b> Parse<'b> for bool {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.boolean()
    }
}

impl<'b> Parse<'b> for &'b str {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.text()
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn of_text(text: &'b str) -> Option<Self> {
        Some(text)
    }
}

impl<'b> Parse<'b> for &'b [u8] {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.bytes()
    }
}

impl<'b, const N: usize> Parse<'b> for &'b [u8; N] {
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn read(r: &mut Reader<'b>) -> Result<Self, Error> {
        r.byte_array()
    }
}
