//! libfido2, in C: its calls cannot be parted, so a row holds a whole one, over a transport in
//! memory. It encodes the request, cuts it into reports, joins the answer from reports, and
//! decodes that.

#![allow(unsafe_code, reason = "a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::make_credential;

use super::Direction;
use crate::exchange::{Exchange, Message};
use crate::measure::Entry;

pub(super) fn enter(
    direction: Direction,
    message: Message,
    exchange: &'static Exchange,
) -> Option<Entry> {
    let call: fn(&Key) -> c_int = match (direction, message) {
        // SAFETY (all three): the key is open, what it points to lives as long as the program.
        (Direction::Decode, Message::Info) => |key| unsafe { peer_fido2_get_info(key.device) },
        (Direction::Decode, Message::MakeResponse) => {
            |key| unsafe { peer_fido2_make_credential(key.device, &raw const key.asked) }
        }
        (Direction::Decode, Message::GetResponse) => {
            |key| unsafe { peer_fido2_get_assertion(key.device, &raw const key.asked) }
        }
        _ => return None,
    };
    let Some(key) = Key::open(exchange) else {
        return Some(Entry::Fails("does not open the key".to_owned()));
    };
    let entry = Entry::of(move || match key.call(call) {
        0 => Ok(()),
        // SAFETY: a string that lives as long as the library.
        error => Err(unsafe { CStr::from_ptr(peer_fido2_error(error)) }.to_string_lossy()),
    });
    Some(entry.but("a whole call: encodes the request and moves both in reports, too"))
}

/// An open key, and what is asked of it.
struct Key {
    device: *mut c_void,
    answers: Answers,
    asked: Asked,
}

impl Key {
    fn open(exchange: &'static Exchange) -> Option<Self> {
        let request = make_credential::Request::parse(exchange.make_request).ok()?;
        let asked = Asked {
            client_data_hash: request.client_data_hash.as_ptr(),
            rp_id: text(Some(request.rp.id)),
            rp_name: text(request.rp.name),
            user_id: request.user.id.as_ptr(),
            user_id_length: request.user.id.len(),
            user_name: text(request.user.name),
            user_display_name: text(request.user.display_name),
        };
        let answers = Answers {
            info: Bytes::answer(exchange.info),
            made: Bytes::answer(exchange.make_response),
            got: Bytes::answer(exchange.get_response),
        };
        // SAFETY: the answers live as long as the program.
        let device = unsafe { peer_fido2_open(answers) };
        (!device.is_null()).then_some(Self {
            device,
            answers,
            asked,
        })
    }

    /// All keys share one transport: each puts its answers there first.
    fn call(&self, call: fn(&Self) -> c_int) -> c_int {
        // SAFETY: as in `open`.
        unsafe { peer_fido2_answers(self.answers) };
        call(self)
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Bytes {
    at: *const u8,
    length: usize,
}

impl Bytes {
    /// With the status byte before it. Kept for good, as the recordings are.
    fn answer(cbor: &[u8]) -> Self {
        let whole: &'static [u8] = [&[0], cbor].concat().leak();
        Self {
            at: whole.as_ptr(),
            length: whole.len(),
        }
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Answers {
    info: Bytes,
    made: Bytes,
    got: Bytes,
}

#[repr(C)]
struct Asked {
    client_data_hash: *const u8,
    rp_id: *const c_char,
    rp_name: *const c_char,
    user_id: *const u8,
    user_id_length: usize,
    user_name: *const c_char,
    user_display_name: *const c_char,
}

/// C's text; none is a null pointer.
fn text(text: Option<&str>) -> *const c_char {
    text.and_then(|text| CString::new(text).ok())
        .map_or(ptr::null(), |text| text.into_raw().cast_const())
}

unsafe extern "C" {
    fn peer_fido2_open(answers: Answers) -> *mut c_void;
    fn peer_fido2_answers(answers: Answers);
    fn peer_fido2_get_info(device: *mut c_void) -> c_int;
    fn peer_fido2_make_credential(device: *mut c_void, asked: *const Asked) -> c_int;
    fn peer_fido2_get_assertion(device: *mut c_void, asked: *const Asked) -> c_int;
    fn peer_fido2_error(error: c_int) -> *const c_char;
}
