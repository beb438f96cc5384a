#![no_main]

use keysteward_core::ctaphid::Keepalive;
use keysteward_core::iso7816::{Command, Form, Le, Response, Status};
use keysteward_core::nfcctap::device::{Applet, Event};
use keysteward_core::nfcctap::{AID, Version};
use keysteward_fuzz::Script;
use libfuzzer_sys::fuzz_target;

// An applet among readers that send what they like. At the end a well-behaved one is served.
fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let versions = [Version::Fido2_0, Version::U2fV2, Version::Other];
    let version = versions[usize::from(script.byte().unwrap_or(0)) % 3];
    let mut applet = Applet::new(version);
    let (mut request, mut reply) = (vec![0; 1024], vec![0; 300]);
    let mut message: &[u8] = &[];
    while let Some(step) = script.byte() {
        let running = applet.is_executing();
        match step {
            0..=0xdf => {
                let apdu = script.rest_of_step();
                let event = applet.handle_command(apdu, &mut request, message, &mut reply);
                match event {
                    Event::Reply { len } => assert!(Response::parse(&reply[..len]).is_ok()),
                    Event::Ctap2 { len } | Event::Ctap1 { len, .. } => {
                        assert!(len <= request.len());
                        assert!(!running && applet.is_executing());
                    }
                    Event::Poll | Event::Cancel => assert!(running && applet.is_executing()),
                    Event::Interrupted => assert!(running && !applet.is_executing()),
                }
            }
            0xe0..=0xef => {
                let answer = script.rest_of_step();
                if let Some(len) = applet.respond(answer, Status::Success, &mut reply) {
                    assert!(running && Response::parse(&reply[..len]).is_ok());
                    message = answer;
                }
            }
            0xf0.. => {
                let told = applet.keepalive(Keepalive::UserPresenceNeeded, &mut reply);
                assert!(told.is_none() || (running && applet.is_executing()));
            }
        }
    }
    serves(&mut applet, version, &mut request, &mut reply);
});

fn serves(applet: &mut Applet, version: Version, request: &mut [u8], reply: &mut [u8]) {
    let mut buffer = [0; 64];
    let select = Command {
        cla: 0x00,
        ins: 0xA4,
        p1: 0x04,
        p2: 0x00,
        data: &AID,
        le: Some(Le::SHORT),
    };
    let apdu = select.encode(Form::Short, &mut buffer).expect("the room");
    let mut event = applet.handle_command(apdu, request, &[], reply);
    if event == Event::Interrupted {
        event = applet.handle_command(apdu, request, &[], reply);
    }
    let Event::Reply { len } = event else {
        panic!("no answer to SELECT: {event:?}");
    };
    let answer = Response::parse(&reply[..len]).expect("our own");
    assert_eq!(
        (answer.data, answer.status),
        (version.as_bytes(), Status::Success)
    );

    let get_info = Command {
        cla: 0x80,
        ins: 0x10,
        p1: 0x80,
        p2: 0x00,
        data: &[4],
        ..select
    };
    let apdu = get_info.encode(Form::Short, &mut buffer).expect("the room");
    let event = applet.handle_command(apdu, request, &[], reply);
    assert_eq!(event, Event::Ctap2 { len: 1 });
    assert_eq!(request[0], 4);
    assert_eq!(applet.respond(b"\0", Status::Success, reply), Some(3));
    assert_eq!(&reply[..3], b"\0\x90\x00");
}
