#![no_main]

use keysteward_core::ctap1::{MAX_APDU, MAX_DATA};
use keysteward_core::ctap1::{Request, authenticate, register};
use keysteward_core::ctap2::{get_assertion, make_credential};
use keysteward_core::iso7816::{Command, Form};
use keysteward_fuzz::{ROOM, survive, written};
use libfuzzer_sys::fuzz_target;

// Both directions of U2F, and what they mean in CTAP2.
fuzz_target!(|bytes: &[u8]| {
    if let Ok((command, _)) = Command::parse(bytes)
        && let Ok(request) = Request::parse(&command)
    {
        let mut data = [0; MAX_DATA];
        let mut short = [0; 64];
        let again = match request {
            Request::Register(request) => request.command(&mut short),
            Request::Authenticate(request) => request.command(&mut data).expect("it was parsed"),
            Request::Version => keysteward_core::ctap1::version(),
        };
        let mut apdu = [0; MAX_APDU];
        let apdu = again.encode(Form::Extended, &mut apdu).expect("the room");
        let (command, _) = Command::parse(apdu).expect("our own");
        assert_eq!(Request::parse(&command), Ok(request));
    }

    let mut buffer = vec![0; ROOM];
    if let Ok(response) = register::Response::parse(bytes) {
        assert_eq!(response.encode(&mut buffer), Ok(bytes));
        if let Ok(credential) = response.make_credential(&[0x5A; 32], &mut buffer) {
            let credential = written(&credential);
            survive!(&credential => make_credential::Response<'_>);
        }
    }
    if let Ok(response) = authenticate::Response::parse(bytes) {
        assert_eq!(response.encode(&mut buffer), Ok(bytes));
        if let Ok(assertion) = response.get_assertion(&[0x5A; 32], b"id", &mut buffer) {
            let assertion = written(&assertion);
            survive!(&assertion => get_assertion::Response<'_>);
        }
    }
});
