//! PINs: as they travel, how long they are, how many tries they have.

use super::*;

#[test]
fn pins_travel_as_they_are() {
    let (old, new) = (pin("1234"), pin("correct horse"));
    assert_eq!(apdu(pin::verify(&old)), "002000800431323334");
    assert_eq!(apdu(pin::deauthenticate()), "00200082");
    assert_eq!(apdu(Change::first(&old)), "002401800431323334");
    assert_eq!(apdu(pin::reset(&old)), "002C02800431323334");
    let mut buffer = [0; 254];
    let change = Change::exchange(&old, &new, &mut buffer);
    let both = hex::encode_upper("1234correct horse");
    assert_eq!(apdu(change), std::format!("0024008011{both}"));

    assert!(Verify::parse(&pin::verify(&old)) == Ok(Verify::Attempt(Reference::Pin, b"1234")));
    assert!(Verify::parse(&pin::deauthenticate()) == Ok(Verify::Deauthenticate));
    assert!(Change::parse(&change) == Ok(Change::Exchange(b"1234correct horse")));
    assert!(Change::parse(&Change::first(&old)) == Ok(Change::First(b"1234")));
    assert_eq!(pin::parse_reset(&pin::reset(&old)), Ok(&b"1234"[..]));
}

#[test]
fn commands_about_other_secrets_are_refused() {
    let verify = |text| Verify::parse(&parsed(&bytes(text))).err();
    assert_eq!(verify("00200084"), Some(Status::ReferenceNotFound));
    assert_eq!(verify("00200180"), Some(Status::IncorrectP1P2));
    let change = |text| Change::parse(&parsed(&bytes(text))).err();
    assert_eq!(
        change("002400810431323334"),
        Some(Status::ReferenceNotFound)
    );
    assert_eq!(change("002402800431323334"), Some(Status::IncorrectP1P2));
    let reset = |text| pin::parse_reset(&parsed(&bytes(text))).err();
    assert_eq!(reset("002C00800431323334"), Some(Status::IncorrectP1P2));
    assert_eq!(reset("002C02810431323334"), Some(Status::ReferenceNotFound));
}

#[test]
fn a_pin_has_4_to_127_bytes() {
    assert_eq!(
        Pin::new(b"123").err(),
        Some(PinError::TooShort { bytes: 3 })
    );
    assert!(Pin::new(&[b'x'; 127]).is_ok());
    let long = Pin::new(&[b'x'; 128]).err();
    assert_eq!(long, Some(PinError::TooLong { bytes: 128 }));
    let (old, new) = (
        Pin::new(&[b'o'; 127]).ok().unwrap(),
        Pin::new(&[b'n'; 127]).ok().unwrap(),
    );
    let mut buffer = [0; 254];
    assert_eq!(Change::exchange(&old, &new, &mut buffer).data.len(), 254);
}

#[test]
fn tries_are_told_under_the_tag_of_either_version() {
    for (answer, left, limit) in [
        ("7F7106970102930103", 2, Some(3)),
        ("7F71049F170105", 5, None),
        ("7F71079F170102930104", 2, Some(4)),
    ] {
        let tries = Tries::parse(&bytes(answer), Reference::Pin);
        assert_eq!(tries, Ok(Tries { left, limit }), "{answer}");
    }
    let mut buffer = [0; 16];
    let tries = Tries {
        left: 2,
        limit: Some(3),
    };
    let answer = tries.encode(Reference::Puk, &mut buffer).unwrap();
    assert_eq!(answer, bytes("7F7306970102930103"));
    assert_eq!(Tries::parse(answer, Reference::Puk), Ok(tries));
    let other = Tries::parse(answer, Reference::Pin);
    assert_eq!(other, Err(Error::Missing(Tag(0x7F71))));
    let none = Tries::parse(&bytes("7F7103930103"), Reference::Pin);
    assert_eq!(none, Err(Error::Missing(Tag(0x97))));
    let long = Tries::parse(&bytes("7F710497020001"), Reference::Pin);
    let wrong = Error::WrongLength {
        tag: Tag(0x97),
        len: 2,
    };
    assert_eq!(long, Err(wrong));
    let mut buffer = [0; 8];
    let command = pin::tries(Reference::Puk, &mut buffer).unwrap();
    assert_eq!(apdu(command), "00CB3FFF045C027F7300");
}
