//! Windows' smart cards: every message both ways, every file, every flow with a card that may
//! answer anything; and the nested objects that they are made of.

use core::ops::ControlFlow;

use keysteward_core::admin_key::{AdminKey, Answer, Cipher};
use keysteward_core::der;
use keysteward_core::gids::data_object::{self, GetData, PutData};
use keysteward_core::gids::file::{self, Access, CreateFile};
use keysteward_core::gids::generate::Generate;
use keysteward_core::gids::key_file::{KeyFile, KeySize, Usage};
use keysteward_core::gids::minidriver::{
    cardcf::CardCf,
    certificate::{self, CertificateFile},
    cmapfile::{self, Container},
    key_map::{self, Key},
    masterfile::{self, Entry, Name},
};
use keysteward_core::gids::pin::{self, Change, Pin, Reference, Tries, Verify};
use keysteward_core::gids::public_key::PublicKey;
use keysteward_core::gids::security_operation::{Environment, Mechanism, Operation};
use keysteward_core::gids::select::{self, FileControlInformation, Protocols, is_selected_by};
use keysteward_core::gids::session::{
    Authority, Buffers, Error, NewAdminKey, PinVerified, Session,
};
use keysteward_core::gids::{KeyReference, authenticate};

use crate::iso7816::Reader;
use crate::unknown::{Lost, Primitives, any, see};

/// An admin key that lies elsewhere, and answers anything.
pub(crate) struct Elsewhere;

impl AdminKey for Elsewhere {
    type Error = Lost;

    fn cipher(&self) -> Option<Cipher> {
        any()
    }

    fn answer(&mut self, cipher: Cipher, witness: &[u8], challenge: &[u8]) -> Result<Answer, Lost> {
        see((cipher, witness, challenge));
        any()
    }
}

pub(crate) fn prove() {
    see(der::encode(any(), any()));
    see(der::rsa_public_key_info(any(), any(), any()));
    see(KeyReference::of_container(any()));
    see(any::<KeyReference>().container());
    see(any::<KeyReference>().file());
    messages();
    keys();
    pins();
    authentication();
    files();
    flows();
}

fn messages() {
    see(select::select());
    see(is_selected_by(any()));
    see(any::<Protocols>().has_external());
    see(any::<Protocols>().has_mutual());
    see(FileControlInformation::parse(any()));
    see(any::<FileControlInformation<'_>>().encode(any()));
    see(data_object::value(any(), any()));
    see(any::<GetData>().command(any()));
    see(GetData::parse(any()));
    see(any::<PutData<'_>>().command(any()));
    see(PutData::parse(any()));
    see(any::<Access>().permits(any(), any()));
    see(any::<CreateFile>().command(any()));
    see(any::<CreateFile>().id());
    see(CreateFile::parse(any()));
    see(file::activate());
    see(file::select(any(), any()));
    see(file::delete());
    see(file::parse_select(any()));
}

fn keys() {
    see(any::<KeySize>().bits());
    see(any::<KeySize>().bytes());
    see(any::<KeySize>().id());
    see(KeySize::of_bits(any()));
    see(KeySize::of_id(any()));
    see(KeyFile::of_container(any(), any()));
    see(any::<Usage>().size());
    see(any::<Usage>().deciphers());
    see(any::<Generate>().command(any()));
    see(Generate::parse(any()));
    see(PublicKey::parse(any()));
    see(any::<PublicKey<'_>>().encode(any()));
    see(any::<PublicKey<'_>>().info(any()));
    see(any::<Mechanism>().signs());
    see(any::<Environment>().command(any()));
    see(Environment::parse(any()));
    see(any::<Operation<'static>>().command(any()));
    see(Operation::parse(any(), any()));
}

fn pins() {
    see(Pin::new(any()));
    see(any::<&Pin>().bytes());
    see(pin::verify(any()));
    see(pin::is_verified(any()));
    see(pin::deauthenticate());
    see(Verify::parse(any()));
    see(Change::first(any()));
    see(Change::exchange(any(), any(), any()));
    see(Change::parse(any()));
    see(pin::reset(any()));
    see(pin::parse_reset(any()));
    see(pin::tries(any(), any()));
    see(Reference::from_p2(any()));
    see(any::<Reference>().status());
    see(Tries::parse(any(), any()));
    see(any::<Tries>().encode(any(), any()));
}

fn authentication() {
    see(authenticate::select_admin_key());
    see(authenticate::parse_select_key(any()));
    see(any::<authenticate::Request>().command(any()));
    see(authenticate::Request::parse(any()));
    see(authenticate::parse_response::<8>(any()));
    see(authenticate::parse_response::<40>(any()));
    see(authenticate::encode_response::<8>(any(), any()));
    see(authenticate::encode_response::<40>(any(), any()));
    see(any::<&authenticate::Proof>().seal(&mut Elsewhere));
    see(authenticate::Proof::open(any(), &mut Elsewhere));
    see(any::<&authenticate::Proof>().shows(any(), any()));
}

fn files() {
    see(CardCf::parse(any()));
    see(any::<CardCf>().encode());
    see(any::<CardCf>().after(any()));
    see(CertificateFile::parse(any()));
    see(any::<CertificateFile<'_>>().header());
    see(certificate::name(any(), any()));
    see(Container::new(any(), any(), any()));
    see(Container::parse(any()));
    see(any::<Container>().encode());
    any::<&Container>().name().for_each(see);
    see(cmapfile::containers(any()).map(|all| all.for_each(see)));
    see(Key::new(any(), any()));
    see(Key::parse(any()));
    see(any::<Key>().encode());
    see(key_map::free());
    see(key_map::keys(any()).map(|all| all.for_each(see)));
    see(Name::of(any()));
    see(any::<&Name>().letters());
    see(Entry::parse(any()));
    see(any::<Entry>().encode());
    see(any::<Entry>().is(any(), any()));
    see(masterfile::entries(any()).map(|all| all.for_each(see)));
    see(masterfile::free_address(any()));
}

fn flows() {
    see(any::<Error<Lost>>().status());
    see(NewAdminKey::with_check_value(any(), any()));
    let (mut reader, mut crypto, mut buffers) = (Reader, Primitives, Buffers::new());
    let session = &mut Session::new(&mut reader, &mut crypto, &mut buffers, any());
    session.set_deadline(any());
    see(session.select());
    see(session.protocols());
    see(core::ptr::from_mut(session.card_mut()));
    see(session.facts());
    see(session.tries(any()));
    see(session.initialise(any()));
    see(session.verify_pin(any()));
    see(session.change_pin(any(), any()));
    see(session.set_pin(any(), any()));
    see(session.block_pin());
    see(session.deauthenticate());
    see(session.authenticate_admin(&mut Elsewhere));
    see(session.authenticate_admin_and_card(&mut Elsewhere));
    see(session.takes_short_challenge());
    see(session.give_challenge());
    see(session.answer_challenge(any()));
    see(session.try_admin_key(&mut Elsewhere));
    see(session.change_admin_key(any(), any()));
    see(session.containers(&mut |number, container| {
        see((number, container));
        any::<ControlFlow<()>>()
    }));
    see(session.container(any()));
    see(session.public_key(any()));
    see(session.create_container(any(), any()));
    see(session.generate_key(any(), any()));
    see(session.restore(any(), any()));
    see(session.delete_container(any::<Authority<'_>>(), any()));
    see(session.delete_container(any::<&PinVerified>(), any()));
    see(session.certificate(any()));
    see(session.write_certificate(any::<Authority<'_>>(), any(), any(), any()));
    see(session.sign(any(), any(), any()));
    see(session.sign_block(any(), any(), any()));
    see(session.decipher(any(), any(), any(), any()));
}
