use super::*;
use crate::authenticator::platform::{End, Platform};
use keysteward_core::cbor::Parse;
use keysteward_core::ctap2::Command;
use keysteward_core::ctap2::large_blobs::Response;
use keysteward_core::pin_protocol::PinUvAuthToken;

/// As much of the array as comes in fragments of `count` bytes.
fn read(platform: &mut Platform, count: u32) -> Vec<u8> {
    let mut array = Vec::new();
    loop {
        let offset = u32::try_from(array.len()).unwrap();
        let request = Request::get(count, offset);
        let map = platform.send(Command::LargeBlobs, Some(&request)).unwrap();
        let fragment = Response::parse(&map).unwrap().config.unwrap();
        array.extend_from_slice(fragment);
        if fragment.len() < count.try_into().unwrap() {
            return array;
        }
    }
}

/// An array of bytes that nobody reads, with its hash.
fn array(platform: &Platform, length: usize, byte: u8) -> Vec<u8> {
    let mut array = vec![byte; length - HASH_LENGTH];
    let hash = platform.crypto.sha256(&[&array]);
    array.extend_from_slice(&hash[..HASH_LENGTH]);
    array
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

fn put(platform: &mut Platform, token: Option<&PinUvAuthToken>, request: &Request<'_>) -> Status {
    let mac = token.map(|token| {
        let fragment = request.set.unwrap();
        let message = authenticated_message(&platform.crypto, request.offset, fragment);
        platform.mac(token, &[&message])
    });
    let request = Request {
        pin_uv_auth_param: mac.as_deref(),
        pin_uv_auth_protocol: mac.as_ref().map(|_| 2),
        ..request.clone()
    };
    platform.status(Command::LargeBlobs, &request)
}

/// Writes in fragments of 500 bytes.
fn write(platform: &mut Platform, token: Option<&PinUvAuthToken>, array: &[u8]) -> Status {
    let mut offset = 0;
    for fragment in array.chunks(500) {
        let request = match offset {
            0 => Request::set_first(fragment, length(array)),
            offset => Request::set_next(fragment, offset),
        };
        let status = put(platform, token, &request);
        if status != Status::Ok {
            return status;
        }
        offset += length(fragment);
    }
    Status::Ok
}

#[test]
fn a_new_key_holds_the_empty_array() {
    let mut platform = Platform::new();
    assert_eq!(read(&mut platform, 1024), LargeBlobArray::INITIAL);
    assert_eq!(read(&mut platform, 5), LargeBlobArray::INITIAL);
}

#[test]
fn an_array_is_written_and_read_in_fragments_and_survives_power_loss() {
    let mut platform = Platform::with_pin();
    for (size, byte) in [(4096, 1), (17, 2), (1024, 3), (500, 4), (1000, 5)] {
        let token = platform.token(0x10, None);
        let new = array(&platform, size, byte);
        assert_eq!(write(&mut platform, Some(&token), &new), Status::Ok);
        platform.key.replug();
        assert_eq!(read(&mut platform, 333), new, "{size} bytes");
    }
    assert_eq!(platform.send_bytes(&[0x07]), [0x00]);
    assert_eq!(read(&mut platform, 100), LargeBlobArray::INITIAL);
}

#[test]
fn without_user_verification_whoever_holds_the_key_may_write() {
    let mut platform = Platform::new();
    let new = array(&platform, 700, 1);
    assert_eq!(write(&mut platform, None, &new), Status::Ok);
    assert_eq!(read(&mut platform, 1000), new);
    // Nobody looks at what authenticates.
    let new = array(&platform, 500, 2);
    let wrong = Request {
        pin_uv_auth_param: Some(&[0xAA; 32]),
        pin_uv_auth_protocol: Some(9),
        ..Request::set_first(&new, 500)
    };
    let status = platform.status(Command::LargeBlobs, &wrong);
    assert_eq!(status, Status::Ok);
    assert_eq!(read(&mut platform, 1000), new);
    // toggleAlwaysUv
    assert_eq!(platform.send_bytes(&[0x0D, 0xA1, 0x01, 0x02]), [0x00]);
    assert_eq!(write(&mut platform, None, &new), Status::PuatRequired);
}

#[test]
fn a_write_wants_a_right_mac_of_a_token_that_permits_it() {
    let mut platform = Platform::with_pin();
    let new = array(&platform, 100, 1);
    let request = Request::set_first(&new, 100);
    assert_eq!(put(&mut platform, None, &request), Status::PuatRequired);
    let other = platform.token(0x24, None);
    let refused = put(&mut platform, Some(&other), &request);
    assert_eq!(refused, Status::PinAuthInvalid);
    let token = platform.token(0x10, None);
    let message = authenticated_message(&platform.crypto, 1, &new);
    let elsewhere = platform.mac(&token, &[&message]);
    let moved = Request {
        pin_uv_auth_param: Some(&elsewhere),
        pin_uv_auth_protocol: Some(2),
        ..request.clone()
    };
    let status = platform.status(Command::LargeBlobs, &moved);
    assert_eq!(status, Status::PinAuthInvalid);
    assert_eq!(put(&mut platform, Some(&token), &request), Status::Ok);
}

#[test]
fn a_wrong_hash_leaves_the_old_array() {
    let mut platform = Platform::new();
    let old = array(&platform, 600, 1);
    assert_eq!(write(&mut platform, None, &old), Status::Ok);
    let mut wrong = array(&platform, 900, 2);
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(write(&mut platform, None, &wrong), Status::IntegrityFailure);
    assert_eq!(read(&mut platform, 1000), old);
    let new = array(&platform, 600, 3);
    assert_eq!(write(&mut platform, None, &new), Status::Ok);
    assert_eq!(read(&mut platform, 1000), new);
}

#[test]
fn any_other_command_in_between_loses_the_write() {
    let ends: [(&str, End); 4] = [
        ("getInfo", |platform| {
            platform.send(Command::GetInfo, None).unwrap();
        }),
        ("a read", |platform| {
            read(platform, 100);
        }),
        ("a wrong offset", |platform| {
            let wrong = Request::set_next(&[0; 5], 501);
            assert_eq!(put(platform, None, &wrong), Status::InvalidSeq);
        }),
        ("a power cycle", |platform| platform.key.replug()),
    ];
    for (name, end) in ends {
        let mut platform = Platform::new();
        let new = array(&platform, 1000, 1);
        let (first, rest) = new.split_at(500);
        let request = Request::set_first(first, 1000);
        assert_eq!(put(&mut platform, None, &request), Status::Ok);
        end(&mut platform);
        let next = Request::set_next(rest, 500);
        assert_eq!(
            put(&mut platform, None, &next),
            Status::InvalidSeq,
            "{name}"
        );
        assert_eq!(read(&mut platform, 100), LargeBlobArray::INITIAL);
    }
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let bytes = vec![0; 7546];
    let get = |count, offset| Request::get(count, offset);
    for (name, request, refusal) in [
        (
            "neither get nor set",
            Request {
                get: None,
                ..get(1, 0)
            },
            Status::InvalidParameter,
        ),
        (
            "both",
            Request {
                set: Some(&bytes[..17]),
                ..get(1, 0)
            },
            Status::InvalidParameter,
        ),
        (
            "a read with a length",
            Request {
                length: Some(17),
                ..get(1, 0)
            },
            Status::InvalidParameter,
        ),
        (
            "a read with a MAC",
            Request {
                pin_uv_auth_param: Some(&[0; 32]),
                ..get(1, 0)
            },
            Status::InvalidParameter,
        ),
        ("too long a read", get(7546, 0), Status::InvalidLength),
        (
            "a read behind the end",
            get(1, 18),
            Status::InvalidParameter,
        ),
        (
            "no length",
            Request {
                length: None,
                ..Request::set_first(&bytes[..17], 17)
            },
            Status::InvalidParameter,
        ),
        (
            "too short an array",
            Request::set_first(&bytes[..16], 16),
            Status::InvalidParameter,
        ),
        (
            "too long an array",
            Request::set_first(&bytes[..17], 4097),
            Status::LargeBlobStorageFull,
        ),
        (
            "too long a fragment",
            Request::set_first(&bytes, 4096),
            Status::InvalidLength,
        ),
        (
            "more than was announced",
            Request::set_first(&bytes[..18], 17),
            Status::InvalidParameter,
        ),
        (
            "a length in the middle",
            Request {
                length: Some(17),
                ..Request::set_next(&bytes[..17], 4)
            },
            Status::InvalidParameter,
        ),
        (
            "a middle without a beginning",
            Request::set_next(&bytes[..17], 4),
            Status::InvalidSeq,
        ),
    ] {
        let mut platform = Platform::new();
        let status = platform.status(Command::LargeBlobs, &request);
        assert_eq!(status, refusal, "{name}");
    }
    let end = Platform::new().send(Command::LargeBlobs, Some(&get(7545, 17)));
    assert_eq!(
        Response::parse(&end.unwrap()).unwrap().config,
        Some(&[][..])
    );
}

#[test]
fn a_storage_that_fails_keeps_what_it_had() {
    let mut platform = Platform::new();
    let new = array(&platform, 100, 1);
    platform.storage.set_worn_out(true);
    assert_eq!(write(&mut platform, None, &new), Status::OtherError);
    platform.storage.set_worn_out(false);
    assert_eq!(read(&mut platform, 100), LargeBlobArray::INITIAL);
}
