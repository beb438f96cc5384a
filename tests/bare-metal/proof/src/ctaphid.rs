//! CTAPHID as client, as device, and over a link.

use keysteward_core::ctaphid::client::Channel;
use keysteward_core::ctaphid::device::Device;
use keysteward_core::ctaphid::{
    Capabilities, Command, ErrorCode, Fragments, HidTransport, InitResponse, Keepalive, Link,
    Packet, Report,
};
use keysteward_core::session::CtapTransport;
use keysteward_core::session::ctap1::U2fTransport;
use keysteward_core::time::Millis;

use crate::cbor::go_on;
use crate::unknown::{Lost, any, see};

pub(crate) fn prove() {
    packets();
    client();
    device();
    transport();
    see(any::<Millis>().after(any()));
    see(any::<Millis>().since(any()));
}

fn packets() {
    see(Packet::parse(any()));
    see(any::<Packet<'_>>().channel());
    see(InitResponse::parse(any()));
    see(any::<InitResponse>().encode());
    let capabilities: Capabilities = any();
    see((capabilities.wink(), capabilities.cbor(), capabilities.msg()));
    see(Command::from(any::<u8>()));
    see(Command::from_code(any()));
    see(u8::from(any::<Command>()));
    see(ErrorCode::from(any::<u8>()));
    see(u8::from(any::<ErrorCode>()));
    see(Keepalive::from(any::<u8>()));
    see(u8::from(any::<Keepalive>()));
    if let Ok(fragments) = Fragments::new(any(), any(), any()) {
        fragments.for_each(see);
    }
    see(any::<&mut Fragments<'_>>().next());
}

fn client() {
    see(Channel::open(any()));
    let channel: &mut Channel = any();
    see(channel.resync(any()));
    see(channel.id());
    see(channel.request(any(), any()));
    see(channel.cancel());
    see(channel.handle_report(any(), any()));
}

fn device() {
    see(Device::new(any(), any()));
    let device: &mut Device = any();
    see(device.executing());
    see(device.handle_report(any(), any(), any()));
    see(device.poll_timeout(any()));
    see(device.deadline());
    see(device.keepalive(any()));
    see(device.respond(any()));
    see(device.refuse(any()));
}

/// A link of which nothing is known.
pub(crate) struct Wire;

impl Link for Wire {
    type Error = Lost;

    fn now(&mut self) -> Millis {
        any()
    }

    fn send_report(&mut self, report: &Report) -> Result<(), Lost> {
        see(report);
        any()
    }

    fn receive_report(&mut self, until: Millis) -> Result<Option<Report>, Lost> {
        see(until);
        any()
    }
}

fn transport() {
    see(HidTransport::open(Wire, any(), any()));
    let transport: &mut HidTransport<Wire> = any();
    see(transport.info());
    see(transport.capabilities());
    see(transport.link_mut().now());
    see(transport.ping(any(), any(), any()));
    see(transport.wink(any()));
    see(transport.lock(any(), any()));
    see(transport.cbor(any(), any(), any(), &mut go_on));
    see(transport.transact(any(), any(), any(), any(), &mut go_on));
    see(transport.exchange(any(), any(), any(), &mut go_on));
    see(U2fTransport::now(transport));
    see(U2fTransport::pause(transport, any()));
    see(transport.exchange_apdu(any(), any(), any(), &mut go_on));
    any::<HidTransport<Wire>>().into_link();
}
