//! NFCCTAP as client and as card.

use keysteward_core::nfcctap::device::Applet;
use keysteward_core::nfcctap::{NfcTransport, Version};
use keysteward_core::session::CtapTransport;
use keysteward_core::session::ctap1::U2fTransport;

use crate::cbor::go_on;
use crate::iso7816::Reader;
use crate::unknown::{any, see};

pub(crate) fn prove() {
    see(Version::parse(any()));
    see(any::<Version>().as_bytes());

    see(Applet::new(any()).is_executing());
    let applet: &mut Applet = any();
    see(applet.is_executing());
    see(applet.handle_command(any(), any(), any(), any()));
    see(any::<&mut Applet>().respond(any(), any(), any()));
    see(any::<&mut Applet>().keepalive(any(), any()));

    see(NfcTransport::open(Reader, any()));
    let transport: &mut NfcTransport<Reader> = any();
    see(transport.select(any()));
    see(transport.deselect(any()));
    see((transport.version(), transport.framing()));
    transport.set_framing(any());
    see(transport.card_mut());
    see(transport.msg(any(), any(), any(), &mut go_on));
    see(transport.u2f(any(), any(), any()));
    see(transport.exchange(any(), any(), any(), &mut go_on));
    see(U2fTransport::now(transport));
    see(U2fTransport::pause(transport, any()));
    see(transport.exchange_apdu(any(), any(), any(), &mut go_on));
    see(any::<NfcTransport<Reader>>().into_card());
}
