use super::fault::{Action, Moment};
use super::*;
use std::io;
use std::sync::mpsc;

/// A host that notes what it gets.
struct Host(mpsc::Sender<Report>);

impl Link for Host {
    fn send(&mut self, report: &Report) -> io::Result<()> {
        self.0.send(*report).map_err(io::Error::other)
    }

    fn close(&mut self) {}
}

struct Bench {
    device: Arc<Device>,
    host: mpsc::Receiver<Report>,
    io: Io,
}

fn bench(policy: TouchPolicy) -> Bench {
    let device = Device::new(policy);
    device.plug();
    let (host, io) = connect(&device);
    Bench { device, host, io }
}

fn connect(device: &Arc<Device>) -> (mpsc::Receiver<Report>, Io) {
    let power_up = device.wait_until_plugged();
    let (sender, host) = mpsc::channel();
    device.attach(power_up, Box::new(Host(sender))).unwrap();
    (host, device.wait_for_power())
}

fn packet(channel: u8, rest: &[u8]) -> Report {
    let mut report = [0; 64];
    report[3] = channel;
    report[4..4 + rest.len()].copy_from_slice(rest);
    report
}

/// CTAPHID_CBOR with a request that fits one packet.
fn cbor(request: &[u8]) -> Report {
    let mut rest = vec![0x90, 0, u8::try_from(request.len()).unwrap()];
    rest.extend(request);
    packet(1, &rest)
}

const GET_INFO: &[u8] = &[0x04];
const ANSWER: &[u8] = &[0x00];

fn fault(moment: Moment, action: Action) -> Fault {
    Fault {
        moment,
        command: 0x04,
        subcommand: None,
        action,
    }
}

#[test]
fn reports_pass_both_ways() {
    let bench = bench(TouchPolicy::Ask);
    bench.device.deliver(cbor(GET_INFO));
    assert_eq!(bench.io.receive_any(), Ok(cbor(GET_INFO)));
    bench.io.send(&cbor(ANSWER)).unwrap();
    assert_eq!(bench.host.try_recv(), Ok(cbor(ANSWER)));
}

#[test]
fn waiting_for_a_report_ends_when_the_clock_says_so() {
    let bench = bench(TouchPolicy::Ask);
    let until = bench.io.now().after(3_600_000);
    bench.device.advance(Duration::from_secs(3600));
    assert_eq!(bench.io.receive(until), Ok(None));
}

#[test]
fn pulling_the_key_cuts_the_power_for_good() {
    let bench = bench(TouchPolicy::Ask);
    let waiting = bench.io.clone();
    let firmware = std::thread::spawn(move || waiting.receive_any());
    bench.device.unplug();
    assert_eq!(firmware.join().unwrap(), Err(PowerCut(())));
    bench.device.plug();
    assert_eq!(
        bench.io.send(&cbor(ANSWER)),
        Err(PowerCut(())),
        "an Io of the earlier life"
    );
    assert_eq!(bench.device.state().power_ups, 2);
}

#[test]
fn losing_the_host_is_no_power_cycle() {
    let bench = bench(TouchPolicy::Ask);
    bench.device.detach(LinkId(1));
    assert_eq!(
        bench.io.send(&cbor(ANSWER)),
        Ok(()),
        "lost, but the key lives"
    );
    let (host, _) = connect(&bench.device);
    bench.io.send(&cbor(ANSWER)).unwrap();
    assert_eq!(host.try_recv(), Ok(cbor(ANSWER)));
    assert_eq!(bench.device.state().power_ups, 1);
}

#[test]
fn a_link_that_comes_after_the_unplug_is_refused() {
    let bench = bench(TouchPolicy::Ask);
    bench.device.unplug();
    let (sender, _host) = mpsc::channel();
    assert_eq!(bench.device.attach(1, Box::new(Host(sender))), None);
}

#[test]
fn the_three_policies_of_touch() {
    for (policy, touched) in [(TouchPolicy::Always, true), (TouchPolicy::Never, false)] {
        let bench = bench(policy);
        assert_eq!(
            bench.io.ask_for_touch().touched(),
            Ok(touched),
            "{policy:?}"
        );
    }
    let bench = bench(TouchPolicy::Ask);
    assert_eq!(bench.device.touch(), Err(NothingWaits));
    let request = bench.io.ask_for_touch();
    assert!(bench.device.state().waiting_for_touch);
    assert_eq!(request.touched(), Ok(false));
    bench.device.touch().unwrap();
    assert_eq!(request.touched(), Ok(true));
    drop(request);
    assert!(!bench.device.state().waiting_for_touch);
    assert_eq!(
        bench.io.ask_for_touch().touched(),
        Ok(false),
        "a touch counts once"
    );
}

#[test]
fn a_lamp_goes_out_with_the_power() {
    let bench = bench(TouchPolicy::Ask);
    let request = bench.io.ask_for_touch();
    bench.device.unplug();
    assert!(!bench.device.state().waiting_for_touch);
    assert_eq!(request.touched(), Err(PowerCut(())));
    bench.device.plug();
    assert!(!bench.device.state().waiting_for_touch);
    let (_host, io) = connect(&bench.device);
    let again = io.ask_for_touch();
    bench.device.touch().unwrap();
    drop(request);
    let _dead = bench.io.ask_for_touch();
    assert_eq!(
        again.touched(),
        Ok(true),
        "the earlier life's lamp takes nothing away"
    );
}

#[test]
fn a_touch_wakes_firmware_that_waits_for_reports() {
    let bench = bench(TouchPolicy::Ask);
    let request = bench.io.ask_for_touch();
    bench.device.touch().unwrap();
    assert_eq!(bench.io.receive(Millis(u64::MAX)), Ok(None));
    assert_eq!(request.touched(), Ok(true));
}

#[test]
fn firmware_that_blocks_for_a_touch_gets_it_or_runs_out_of_time() {
    let bench = bench(TouchPolicy::Always);
    assert_eq!(bench.io.wait_for_touch(Duration::from_secs(30)), Ok(true));
    bench.device.set_touch_policy(TouchPolicy::Never);
    assert_eq!(bench.io.wait_for_touch(Duration::ZERO), Ok(false));
}

#[test]
fn a_fault_before_a_command_keeps_it_from_firmware_once() {
    let bench = bench(TouchPolicy::Ask);
    bench
        .device
        .arm(fault(Moment::Before, Action::DropResponse));
    bench.device.deliver(cbor(GET_INFO));
    assert_eq!(bench.io.receive(bench.io.now()), Ok(None));
    bench.device.deliver(cbor(GET_INFO));
    assert_eq!(bench.io.receive_any(), Ok(cbor(GET_INFO)));
}

#[test]
fn a_fault_after_a_command_takes_the_whole_answer_and_nothing_else() {
    let bench = bench(TouchPolicy::Ask);
    bench.device.arm(fault(Moment::After, Action::DropResponse));
    bench.device.deliver(cbor(GET_INFO));
    let keepalive = packet(1, &[0xBB, 0, 1, 1]);
    for (report, arrives) in [
        (keepalive, true),
        (packet(1, &[0x90, 0, 100]), false),
        (packet(2, &[0x00]), true),
        (packet(1, &[0x00]), false),
        (packet(1, &[0x90, 0, 1]), true),
    ] {
        bench.io.send(&report).unwrap();
        assert_eq!(bench.host.try_recv().is_ok(), arrives, "{report:02x?}");
    }
}

#[test]
fn an_unplug_fault_cuts_the_power_before_or_after() {
    let before = bench(TouchPolicy::Ask);
    before.device.arm(fault(Moment::Before, Action::Unplug));
    before.device.deliver(cbor(GET_INFO));
    assert_eq!(before.io.receive_any(), Err(PowerCut(())));

    let after = bench(TouchPolicy::Ask);
    after.device.arm(fault(Moment::After, Action::Unplug));
    after.device.deliver(cbor(GET_INFO));
    assert!(after.io.receive_any().is_ok());
    assert_eq!(after.io.send(&cbor(ANSWER)), Err(PowerCut(())));
    assert!(after.host.try_recv().is_err());
    assert!(!after.device.state().plugged);
}

#[test]
fn a_silent_key_stays_silent_until_it_is_replugged() {
    let bench = bench(TouchPolicy::Ask);
    bench.device.arm(fault(Moment::After, Action::Silent));
    bench.device.deliver(cbor(GET_INFO));
    bench.io.send(&cbor(ANSWER)).unwrap();
    bench.device.deliver(packet(1, &[0x86, 0, 8]));
    assert_eq!(bench.io.receive(bench.io.now()), Ok(Some(cbor(GET_INFO))));
    assert_eq!(bench.io.receive(bench.io.now()), Ok(None));
    assert!(bench.host.try_recv().is_err());
    bench.device.unplug();
    bench.device.plug();
    let (_host, io) = connect(&bench.device);
    bench.device.deliver(cbor(GET_INFO));
    assert_eq!(io.receive_any(), Ok(cbor(GET_INFO)));
}

#[test]
fn a_fault_strikes_its_own_command_and_subcommand_only() {
    let bench = bench(TouchPolicy::Ask);
    let delete = Fault {
        moment: Moment::Before,
        command: 0x0A,
        subcommand: Some(0x06),
        action: Action::DropResponse,
    };
    bench.device.arm(delete);
    for (request, passes) in [
        (&[0x04][..], true),
        (&[0x0A, 0xA1, 0x01, 0x01], true),
        (&[0x06, 0xA2, 0x01, 0x02, 0x02, 0x06], true),
        (&[0x41, 0xA1, 0x01, 0x06], false),
        (&[0x41, 0xA1, 0x01, 0x06], true),
    ] {
        bench.device.deliver(cbor(request));
        let got = bench.io.receive(bench.io.now()).unwrap().is_some();
        assert_eq!(got, passes, "{request:02x?}");
    }
}

#[test]
fn a_request_in_several_packets_is_struck_at_its_end() {
    let bench = bench(TouchPolicy::Ask);
    bench.device.arm(Fault {
        command: 0x01,
        ..fault(Moment::Before, Action::DropResponse)
    });
    bench.device.deliver(packet(1, &[0x90, 0, 58, 0x01]));
    assert!(bench.io.receive(bench.io.now()).unwrap().is_some());
    bench.device.deliver(packet(1, &[0x00]));
    assert_eq!(bench.io.receive(bench.io.now()), Ok(None));
}

#[test]
fn every_program_that_has_the_key_open_sees_what_it_sends() {
    let bench = bench(TouchPolicy::Ask);
    let (other, _) = connect(&bench.device);
    bench.io.send(&cbor(ANSWER)).unwrap();
    assert_eq!(bench.host.try_recv(), Ok(cbor(ANSWER)));
    assert_eq!(other.try_recv(), Ok(cbor(ANSWER)));
    bench.device.detach(LinkId(2));
    bench.io.send(&cbor(ANSWER)).unwrap();
    assert_eq!(bench.host.try_recv(), Ok(cbor(ANSWER)));
    assert!(other.try_recv().is_err());
}

#[test]
fn what_a_fault_holds_goes_on_its_way_when_released() {
    for (moment, executed) in [(Moment::Before, false), (Moment::After, true)] {
        let bench = bench(TouchPolicy::Ask);
        bench.device.arm(fault(moment, Action::Hold));
        bench.device.deliver(cbor(GET_INFO));
        let seen = bench.io.receive(bench.io.now()).unwrap();
        assert_eq!(seen.is_some(), executed, "{moment:?}");
        if executed {
            bench.io.send(&cbor(ANSWER)).unwrap();
        }
        assert!(bench.device.state().held, "{moment:?}");
        assert!(bench.host.try_recv().is_err(), "{moment:?}");
        bench.device.release();
        assert!(!bench.device.state().held);
        if executed {
            assert_eq!(bench.host.try_recv(), Ok(cbor(ANSWER)));
        } else {
            assert_eq!(bench.io.receive(bench.io.now()), Ok(Some(cbor(GET_INFO))));
        }
    }
}

#[test]
fn requests_are_seen_as_they_were_sent_and_the_oldest_are_forgotten() {
    let bench = bench(TouchPolicy::Ask);
    bench.device.deliver(cbor(GET_INFO));
    // credentialManagement's preview, in two packets.
    let begin = [&[0x90, 0, 58, 0x41, 0xA1, 0x01, 0x02][..], &[0; 53]].concat();
    bench.device.deliver(packet(1, &begin));
    bench.device.deliver(packet(1, &[0]));
    let preview = Seen {
        command: 0x41,
        subcommand: Some(0x02),
    };
    let get_info = Seen {
        command: 0x04,
        subcommand: None,
    };
    assert_eq!(bench.device.take_seen(), [get_info, preview]);
    assert_eq!(bench.device.take_seen(), []);
    for _ in 0..10_000 {
        bench.device.deliver(cbor(GET_INFO));
    }
    assert_eq!(bench.device.take_seen().len(), 1024);
}
