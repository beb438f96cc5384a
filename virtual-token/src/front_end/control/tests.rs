use super::*;
use crate::firmware::{Contents, StoredCredential};

#[test]
fn orders_are_carried_out() {
    let device = Device::new(TouchPolicy::Always);
    for (line, plugged) in [
        (r#"{"do":"plug"}"#, true),
        (r#"{"do":"unplug"}"#, false),
        (r#"{"do":"plug"}"#, true),
        (r#"{"do":"touch-policy","policy":"ask"}"#, true),
        (r#"{"do":"advance","ms":10000}"#, true),
        (
            r#"{"do":"fault","after_command":"make_credential","action":"unplug"}"#,
            true,
        ),
        (
            r#"{"do":"fault","before_command":"client_pin","subcommand":4,"action":"drop-response"}"#,
            true,
        ),
    ] {
        assert_eq!(obey(&device, line), json!({"ok": true}), "{line}");
        assert_eq!(device.state().plugged, plugged, "{line}");
    }
}

#[test]
fn orders_that_are_not_understood_say_why() {
    let device = Device::new(TouchPolicy::Always);
    for (line, why) in [
        ("", "EOF"),
        (r#"{"do":"dance"}"#, "unknown variant `dance`"),
        (r#"{"do":"touch"}"#, "nothing waits for a touch"),
        (
            r#"{"do":"touch-policy","policy":"maybe"}"#,
            "unknown variant `maybe`",
        ),
        (r#"{"do":"advance","ms":-1}"#, "invalid value"),
        (
            r#"{"do":"fault","action":"unplug"}"#,
            "either before_command or after_command",
        ),
        (
            r#"{"do":"fault","after_command":"x","action":"unplug"}"#,
            "unknown command `x`",
        ),
        (
            r#"{"do":"fault","after_command":"reset","action":"burn"}"#,
            "unknown variant `burn`",
        ),
    ] {
        let answer = obey(&device, line);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(why), "{line} -> {answer}");
    }
}

#[test]
fn state_tells_what_is_stored() {
    let device = Device::new(TouchPolicy::Always);
    device.plug();
    struct Holder;
    impl crate::firmware::Firmware for Holder {
        fn run(&mut self, io: &crate::device::Io) -> crate::device::PowerCut {
            loop {
                if let Err(cut) = io.receive_any() {
                    return cut;
                }
            }
        }

        fn contents(&self) -> Contents {
            let credential = StoredCredential {
                rp_id: "example.com".into(),
                credential_id: vec![0xAB],
                user_id: vec![1, 2],
            };
            Contents {
                credentials: vec![credential],
                pin_set: true,
                pin_retries: 8,
            }
        }
    }
    let running = Arc::clone(&device);
    std::thread::spawn(move || running.run(&mut Holder));
    let expected = json!({
        "plugged": true,
        "waiting_for_touch": false,
        "power_ups": 1,
            "held": false,
        "credentials": [{"rp_id": "example.com", "credential_id": "ab", "user_id": "0102"}],
        "pin_set": true,
        "pin_retries": 8,
    });
    let end = std::time::Instant::now() + Duration::from_secs(5);
    while obey(&device, r#"{"do":"state"}"#) != expected {
        assert!(
            std::time::Instant::now() < end,
            "{}",
            obey(&device, r#"{"do":"state"}"#)
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_socket_left_by_a_dead_process_is_replaced_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    drop(bind(&path).unwrap());
    let _live = bind(&path).unwrap();
    assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn the_socket_answers_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = bind(&path).unwrap();
    let device = Device::new(TouchPolicy::Always);
    let served = Arc::clone(&device);
    std::thread::spawn(move || run(&served, &listener));
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"{\"do\":\"plug\"}\nnonsense\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next().unwrap().unwrap(), r#"{"ok":true}"#);
    assert!(lines.next().unwrap().unwrap().starts_with(r#"{"error":"#));
    assert!(device.state().plugged);
}
