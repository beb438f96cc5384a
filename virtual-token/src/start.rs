//! Starts a key: storage, factory, firmware, control socket.

use crate::cli;
use anyhow::{Context, bail};
use keysteward_core::crypto::{Crypto, RustCrypto};
use keysteward_virtual_token::authenticator::Authenticator;
use keysteward_virtual_token::authenticator::factory::Factory;
use keysteward_virtual_token::card::{Applet, Card};
use keysteward_virtual_token::device::Device;
use keysteward_virtual_token::firmware::Firmware;
use keysteward_virtual_token::front_end::vpcd::AtReader;
use keysteward_virtual_token::front_end::{Identity, control, socket};
use keysteward_virtual_token::gids::GidsCard;
use keysteward_virtual_token::hostile::HostileKey;
use keysteward_virtual_token::hostile::cards::LyingCard;
use keysteward_virtual_token::in_process::InProcess;
use keysteward_virtual_token::manufacture::{Manufacturer, Order, certificate_pem};
use keysteward_virtual_token::piv::{Piv, Product};
use keysteward_virtual_token::security_key::SecurityKey;
use keysteward_virtual_token::storage::{self, FileStorage, MAX_RECORD, Record};
use rand_core::OsRng;
use std::sync::Arc;

/// Starts the firmware and the control socket on threads of their own. What is left to do is to
/// run a front end.
pub(crate) fn start(args: &cli::Key) -> anyhow::Result<(Arc<Device>, Identity)> {
    start_as(args, |storage| match args.hostile {
        Some(hostile) => {
            tracing::warn!(name = hostile.name, "this key {}", hostile.does);
            let honest = InProcess::plug_in(storage, RustCrypto(OsRng))?;
            Ok(Box::new(HostileKey::new(hostile, honest)))
        }
        None => {
            let authenticator = Authenticator::new(storage, RustCrypto(OsRng))?;
            Ok(Box::new(SecurityKey::new(authenticator)))
        }
    })
}

/// The same, as a card that goes to a reader by itself. Nothing is left to do.
pub(crate) fn start_card(args: &cli::Key, reader: &cli::Reader) -> anyhow::Result<()> {
    let address = reader.vpcd.clone().context("say --vpcd")?;
    start_as(args, |storage| {
        let applets = applets(args, reader, card_number(&storage)?)?;
        let authenticator = Authenticator::new(storage, RustCrypto(OsRng))?;
        let card = Card::with_applets(authenticator, reader.presence, applets);
        let card = if reader.applets.contains(&cli::AppletName::Fido) {
            card
        } else {
            card.without_fido()
        };
        Ok(match reader.hostile_card {
            Some(hostile) => {
                tracing::warn!(name = hostile.name, "this card {}", hostile.does);
                let lying = LyingCard::new(hostile, card);
                Box::new(AtReader::with(Box::new(lying), address))
            }
            None => Box::new(AtReader::with(Box::new(card), address)),
        })
    })
    .map(drop)
}

/// The applets beside FIDO's, each with a storage of its own.
fn applets(args: &cli::Key, reader: &cli::Reader, serial: u32) -> anyhow::Result<Applets> {
    let mut applets = Applets::new();
    if reader.applets.contains(&cli::AppletName::Piv) {
        let product = Product {
            serial,
            admin_cipher: reader.piv_admin_key,
            ..Product::default()
        };
        let storage = beside(args, "piv")?;
        applets.push(Box::new(Piv::new(storage, RustCrypto(OsRng), product)?));
    }
    if reader.applets.contains(&cli::AppletName::Gids) {
        let storage = beside(args, "gids")?;
        applets.push(Box::new(GidsCard::new(storage, RustCrypto(OsRng))));
    }
    Ok(applets)
}

type Applets = Vec<Box<dyn Applet + Send>>;

fn beside(args: &cli::Key, applet: &str) -> anyhow::Result<FileStorage> {
    let mut path = args.storage.clone().into_os_string();
    path.push(".");
    path.push(applet);
    FileStorage::open(path.as_ref())
        .with_context(|| format!("cannot use the storage {}", path.display()))
}

/// The card's number, made of the key's serial number: positive, as some
/// clients read it with a sign.
fn card_number(storage: &FileStorage) -> anyhow::Result<u32> {
    let mut room = [0; MAX_RECORD];
    let serial = storage::whole(storage, Record::Serial, &mut room)?;
    let digest = RustCrypto(OsRng).sha256(&[serial.unwrap_or_default()]);
    let [a, b, c, d, ..] = digest;
    Ok(u32::from_be_bytes([a & 0x7F, b, c, d]))
}

fn start_as(
    args: &cli::Key,
    firmware: impl FnOnce(FileStorage) -> anyhow::Result<Box<dyn Firmware + Send>>,
) -> anyhow::Result<(Arc<Device>, Identity)> {
    let mut storage = FileStorage::open(&args.storage)
        .with_context(|| format!("cannot use the storage {}", args.storage.display()))?;
    let serial = stored_or_made(&mut storage, args)?;
    let identity = Identity {
        name: name(args),
        vendor_id: args.vendor_id,
        product_id: args.product_id,
        manufacturer: "Keysteward".into(),
        product: "Virtual Key".into(),
        serial: serial.filter(|_| !args.no_serial),
    };
    let device = Device::new(args.touch);
    if let Some(path) = &args.control {
        let listener = control::bind(path)
            .with_context(|| format!("cannot listen at the control socket {}", path.display()))?;
        let device = Arc::clone(&device);
        spawn("control", move || {
            if let Err(error) = control::run(&device, &listener) {
                tracing::error!(%error, "control socket");
            }
        })?;
    }
    if let Some(path) = &args.listen {
        let listener = control::bind(path)
            .with_context(|| format!("cannot listen for host programs at {}", path.display()))?;
        let device = Arc::clone(&device);
        spawn("host programs", move || {
            if let Err(error) = socket::listen(&device, &listener) {
                tracing::error!(%error, "the socket for host programs");
            }
        })?;
    }
    let powered = Arc::clone(&device);
    let mut firmware = firmware(storage)?;
    spawn("firmware", move || powered.run(&mut *firmware))?;
    if !args.unplugged {
        device.plug();
    }
    Ok((device, identity))
}

/// PEM of the attestation root that the arguments name.
pub(crate) fn attestation_root(args: &cli::AttestationRoot) -> anyhow::Result<String> {
    if let Some(path) = &args.manufacturer {
        return Ok(certificate_pem(Manufacturer::open(path)?.root()));
    }
    let path = args
        .storage
        .as_ref()
        .context("say --storage or --manufacturer")?;
    let storage = FileStorage::peek(path)?;
    let mut room = [0; MAX_RECORD];
    let Some(root) = storage::whole(&storage, Record::Root, &mut room)? else {
        bail!(
            "{} does not exist: start the key once, and it is made",
            path.display()
        );
    };
    Ok(certificate_pem(root))
}

/// Makes the key if its storage is blank; tells its serial number.
fn stored_or_made(storage: &mut FileStorage, args: &cli::Key) -> anyhow::Result<Option<String>> {
    let path = args.storage.display();
    if let Some(factory) = Factory::read_from(storage).with_context(|| path.to_string())? {
        let mut room = [0; MAX_RECORD];
        let serial = storage::whole(storage, Record::Serial, &mut room)?
            .map(|serial| String::from_utf8_lossy(serial).into_owned());
        if args.serial.is_some() && args.serial != serial {
            let serial = serial.as_deref().unwrap_or("none");
            bail!("the key in {path} has the serial number {serial}");
        }
        if args.aaguid.is_some_and(|aaguid| aaguid.0 != factory.aaguid) {
            let aaguid = hex::encode(factory.aaguid);
            bail!("the key in {path} has the AAGUID {aaguid}");
        }
        if args
            .profile
            .is_some_and(|profile| profile != factory.profile)
        {
            bail!("the key in {path} has the profile {}", factory.profile);
        }
        return Ok(serial);
    }
    let manufacturer = match &args.manufacturer {
        Some(path) => Manufacturer::open(path)?,
        None => Manufacturer::found()?,
    };
    let mut crypto = RustCrypto(OsRng);
    let mut order = Order {
        profile: args.profile.unwrap_or_default(),
        serial: Some(
            args.serial
                .clone()
                .map_or_else(|| random_serial(&mut crypto), Ok)?,
        ),
        enterprise_rp_ids: args.enterprise_rp_ids.clone(),
        ..Order::default()
    };
    if let Some(cli::Aaguid(aaguid)) = args.aaguid {
        order.aaguid = aaguid;
    }
    manufacturer
        .make(&order, &mut crypto)?
        .burn_in(storage, &mut crypto)?;
    Ok(order.serial)
}

fn random_serial(crypto: &mut impl Crypto) -> anyhow::Result<String> {
    let mut bytes = [0; 4];
    crypto.random(&mut bytes)?;
    Ok(format!("KS-{}", hex::encode_upper(bytes)))
}

fn name(args: &cli::Key) -> String {
    let stem = || {
        args.storage
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    args.name.clone().unwrap_or_else(stem)
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map(|_| ())
}
