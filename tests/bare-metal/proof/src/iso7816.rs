//! APDUs, chains of both, and a card behind a reader.

use keysteward_core::iso7816::{
    Blocks, CardTransport, Command, Exchange, Form, Framing, Le, Outbox, Reassembly, Response,
    Status, exchange,
    tlv::{self, Objects, Tag},
};
use keysteward_core::time::Millis;

use crate::unknown::{Lost, any, overwrite, see};

pub(crate) fn prove() {
    data_objects();
    see(Le::new(any()));
    see(any::<Le>().bytes());
    see(any::<Form>().max_le());
    see(Command::parse(any()));
    see(any::<Command<'_>>().encode(any(), any()));
    see(Response::parse(any()));
    see(any::<Response<'_>>().encode(any()));
    see(Status::from(any::<u16>()));
    see(u16::from(any::<Status>()));

    see(Blocks::new(any(), any()).next());
    see(any::<&mut Blocks<'_>>().next());
    let reassembly: &mut Reassembly = any();
    see(Reassembly::new().is_collecting());
    see(reassembly.is_collecting());
    reassembly.clear();
    see(any::<&mut Reassembly>().handle_command(any(), any()));

    let outbox: &mut Outbox = any();
    see(Outbox::new().is_empty());
    see(outbox.is_empty());
    outbox.hold(any());
    see(outbox.begin(any(), any(), any(), any()));
    see(any::<&mut Outbox>().get_response(any(), any(), any()));
    outbox.clear();

    see(any::<Framing>().form());
    see(Exchange::new(any(), any()));
    let dialogue: &mut Exchange<'_> = any();
    see(dialogue.command());
    see(dialogue.len());
    see(dialogue.is_empty());
    see(dialogue.handle_response(any()));
    see(exchange(&mut Reader, any(), any(), any(), any(), any()));
}

fn data_objects() {
    see(any::<Tag>().is_constructed());
    see(Objects::new(any()).find(any()));
    any::<Objects<'_>>().for_each(see);
    see(any::<&mut Objects<'_>>().next());
    see(tlv::encode(any(), any(), any()));
    see(tlv::template(any(), any(), any()));
    see(tlv::encoded_len(any(), any()));
    see(any::<tlv::Error>().offset());
}

/// A reader, with a card in it, of which nothing is known.
pub(crate) struct Reader;

impl CardTransport for Reader {
    type Error = Lost;

    fn now(&mut self) -> Millis {
        any()
    }

    fn pause(&mut self, until: Millis) {
        see(until);
    }

    fn transmit<'r>(&mut self, command: &[u8], response: &'r mut [u8]) -> Result<&'r [u8], Lost> {
        see(command);
        overwrite(response);
        any()
    }

    fn max_command(&self) -> Option<usize> {
        any()
    }

    fn is_t0(&self) -> bool {
        any()
    }

    fn refused_extended(_: &Lost) -> bool {
        any()
    }
}
