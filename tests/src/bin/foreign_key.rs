//! Other people's firmware as a key of its own: the same front ends and control socket as
//! `keysteward-virtual-token`.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::Arc,
    thread,
};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use keysteward_tests::firmware::{opensk::OpenSk, trussed::Trussed};
use keysteward_virtual_token::{
    device::{Device, TouchPolicy},
    firmware::Firmware,
    front_end::{Identity, control, socket, uhid},
    manufacture::Manufacturer,
};

#[derive(Parser)]
struct Arguments {
    firmware: Make,
    /// The socket at which an agent listens
    #[arg(long, conflicts_with = "uhid", required_unless_present = "uhid")]
    connect: Option<PathBuf>,
    /// Be a USB key of this machine's kernel
    #[arg(long)]
    uhid: bool,
    #[arg(long)]
    control: PathBuf,
    /// The control socket once more, on TCP: for a hand outside this machine
    #[arg(long)]
    control_tcp: Option<SocketAddr>,
    /// Where other programs of the same host open the key
    #[arg(long)]
    listen: Option<PathBuf>,
    /// What the firmware stores; opensk keeps it in memory
    #[arg(long)]
    storage: PathBuf,
    /// The attestation root; opensk has none
    #[arg(long)]
    manufacturer: PathBuf,
    #[arg(long)]
    name: String,
    /// Shown to the host
    #[arg(long)]
    serial: Option<String>,
    /// Start unplugged
    #[arg(long)]
    unplugged: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Make {
    Opensk,
    Trussed,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let device = Device::new(TouchPolicy::Always);
    let controls = control::bind(&arguments.control)?;
    let controlled = Arc::clone(&device);
    thread::spawn(move || control::run(&controlled, &controls));
    if let Some(address) = arguments.control_tcp {
        let listener = TcpListener::bind(address)?;
        let control = arguments.control.clone();
        thread::spawn(move || forward(&listener, &control));
    }
    if let Some(path) = &arguments.listen {
        let listener = control::bind(path)?;
        let opened = Arc::clone(&device);
        thread::spawn(move || socket::listen(&opened, &listener));
    }
    let mut firmware = firmware(&arguments)?;
    let powered = Arc::clone(&device);
    // opensk's decoder of nested CBOR and trussed's buffers want room.
    thread::Builder::new()
        .stack_size(16 << 20)
        .spawn(move || powered.run(firmware().as_mut()))?;
    if !arguments.unplugged {
        device.plug();
    }
    let identity = Identity {
        name: arguments.name,
        vendor_id: 0x1209,
        product_id: match arguments.firmware {
            Make::Opensk => 0x0001,
            Make::Trussed => 0x0002,
        },
        manufacturer: "Foreign".into(),
        product: match arguments.firmware {
            Make::Opensk => "OpenSK".into(),
            Make::Trussed => "Trussed".into(),
        },
        serial: arguments.serial,
    };
    match arguments.connect {
        Some(path) => socket::run(&device, &identity, &path),
        None => uhid::run(&device, &identity, "/dev/uhid".as_ref()),
    }
}

type Maker = Box<dyn FnMut() -> Box<dyn Firmware> + Send>;

/// Firmware is made on the thread that it runs on.
fn firmware(arguments: &Arguments) -> Result<Maker> {
    match arguments.firmware {
        Make::Opensk => Ok(Box::new(|| Box::new(OpenSk::default()))),
        Make::Trussed => {
            let manufacturer = Manufacturer::open(&arguments.manufacturer)?;
            let key = Trussed::make(arguments.storage.clone(), &manufacturer)?;
            let mut key = Some(key);
            Ok(Box::new(move || {
                Box::new(key.take().expect("firmware is made once"))
            }))
        }
    }
}

fn forward(listener: &TcpListener, control: &std::path::Path) -> Result<()> {
    for stream in listener.incoming() {
        let outside = stream?;
        let inside = UnixStream::connect(control).context("the control socket")?;
        let (mut from_outside, mut to_inside) = (outside.try_clone()?, inside.try_clone()?);
        thread::spawn(move || {
            let _ = io::copy(&mut from_outside, &mut to_inside);
            to_inside.shutdown(std::net::Shutdown::Write)
        });
        let (mut from_inside, mut to_outside) = (inside, outside);
        thread::spawn(move || {
            let _ = io::copy(&mut from_inside, &mut to_outside);
            to_outside.shutdown(std::net::Shutdown::Both)
        });
    }
    Ok(())
}
