//! The command line.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use keysteward_core::admin_key::Cipher;
use keysteward_virtual_token::card::Presence;
use keysteward_virtual_token::device::TouchPolicy;
use keysteward_virtual_token::hostile::cards::{self, HostileCard};
use keysteward_virtual_token::hostile::{self, Hostile};
use keysteward_virtual_token::manufacture::Profile;
use std::path::PathBuf;

/// A FIDO2 security key in software: connects to an agent's socket, becomes a USB key through uhid,
/// or a card at a PC/SC reader.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The socket at which an agent listens; connecting is plugging in
    #[arg(long, value_name = "SOCKET", required_unless_present = "vpcd")]
    pub(crate) connect: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reader: Reader,
    #[command(flatten)]
    pub(crate) key: Option<Key>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Be a USB key of this machine's kernel (Linux, needs the module uhid and root)
    #[cfg(target_os = "linux")]
    Uhid(Uhid),
    /// Print the PEM of the root to which the attestation of keys leads
    AttestationRoot(AttestationRoot),
}

/// What a card is, of what it can be at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum AppletName {
    Fido,
    Piv,
    Gids,
}

#[derive(Debug, Args)]
pub(crate) struct Reader {
    /// Be a card at the PC/SC reader in software that listens here
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["connect", "listen", "hostile"])]
    pub(crate) vpcd: Option<String>,
    /// How the person at the card shows that they are there
    #[arg(long, value_enum, default_value = "button", conflicts_with = "connect")]
    pub(crate) presence: Presence,
    /// What the card is, separated by commas. What each remembers lies beside the key's storage
    #[arg(
        long,
        value_name = "NAMES",
        value_enum,
        value_delimiter = ',',
        default_value = "fido",
        conflicts_with = "connect"
    )]
    pub(crate) applets: Vec<AppletName>,
    /// Cipher of the admin key with which the PIV card leaves the factory: 3des, aes128, aes192 or
    /// aes256
    #[arg(long, value_name = "CIPHER", value_parser = cipher, default_value = "aes192", conflicts_with = "connect")]
    pub(crate) piv_admin_key: Cipher,
    /// Card that lies, to test clients with: it touches itself, and what it does is its name's
    #[arg(long, value_name = "NAME", value_parser = hostile_card_names(), hide_short_help = true, conflicts_with = "connect")]
    pub(crate) hostile_card: Option<&'static HostileCard>,
}

#[cfg(target_os = "linux")]
#[derive(Debug, Args)]
pub(crate) struct Uhid {
    #[arg(long, value_name = "NODE", default_value = "/dev/uhid")]
    pub(crate) node: PathBuf,
    #[command(flatten)]
    pub(crate) key: Key,
}

#[derive(Debug, Args)]
pub(crate) struct Key {
    /// What the key remembers; made here when the file does not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) storage: PathBuf,
    /// Where to listen for orders: plug, unplug, touch, advance, state, fault
    #[arg(long, value_name = "SOCKET")]
    pub(crate) control: Option<PathBuf>,
    /// Where other programs of the same host may open the key
    #[arg(long, value_name = "SOCKET")]
    pub listen: Option<PathBuf>,
    /// The port it is plugged into, so to speak [default: the storage file's name]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Do not show the serial number to the host
    #[arg(long)]
    pub(crate) no_serial: bool,
    /// What a person at the key does when it blinks
    #[arg(long, value_name = "POLICY", value_enum, default_value = "always")]
    pub(crate) touch: TouchPolicy,
    /// Start unplugged; the control socket plugs it in
    #[arg(long, requires = "control")]
    pub(crate) unplugged: bool,
    /// Firmware that lies, to test clients with: it touches itself, and what it does is its name's
    #[arg(long, value_name = "NAME", value_parser = hostile_names(), hide_short_help = true)]
    pub(crate) hostile: Option<&'static Hostile>,
    #[arg(long, value_name = "NUMBER", value_parser = usb_id, default_value = "0x1234")]
    pub(crate) vendor_id: u16,
    #[arg(long, value_name = "NUMBER", value_parser = usb_id, default_value = "0x0001")]
    pub(crate) product_id: u16,
    /// Kind of key: 2.3, 2.1, 2.1-pre, 2.0, u2f-only, nfc-only, biometric, enterprise or
    /// large-blob
    /// [default: 2.3]
    #[arg(help_heading = MADE, long, value_name = "NAME", value_parser = profile)]
    pub(crate) profile: Option<Profile>,
    /// Serial number [default: a random one]
    #[arg(help_heading = MADE, long)]
    pub(crate) serial: Option<String>,
    /// AAGUID of the model, 32 hexadecimal digits with or without dashes
    #[arg(help_heading = MADE, long, value_parser = aaguid)]
    pub(crate) aaguid: Option<Aaguid>,
    /// Attestation root that several keys share; founded here when the file does not exist
    /// [default: a root of its own for each key]
    #[arg(help_heading = MADE, long, value_name = "FILE")]
    pub(crate) manufacturer: Option<PathBuf>,
    /// RP ID that gets vendor-facilitated enterprise attestation; may be repeated
    #[arg(help_heading = MADE, long = "enterprise-rp-id", value_name = "RP_ID")]
    pub(crate) enterprise_rp_ids: Vec<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct AttestationRoot {
    /// Of the key with this storage
    #[arg(long, value_name = "FILE")]
    pub(crate) storage: Option<PathBuf>,
    /// Of all keys of this manufacturer, founded when the file does not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) manufacturer: Option<PathBuf>,
}

/// Burned in when the storage is made; later it cannot change.
const MADE: &str = "When the key is made";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Aaguid(pub(crate) [u8; 16]);

fn aaguid(text: &str) -> Result<Aaguid, String> {
    let mut bytes = [0; 16];
    hex::decode_to_slice(text.replace('-', ""), &mut bytes)
        .map_err(|_| "expected 32 hexadecimal digits, with or without dashes".to_string())?;
    Ok(Aaguid(bytes))
}

fn hostile_names() -> impl TypedValueParser<Value = &'static Hostile> {
    let names = hostile::all().map(|one| PossibleValue::new(one.name).help(one.does));
    PossibleValuesParser::new(names).try_map(|name| hostile::find(&name).ok_or("no such key"))
}

fn hostile_card_names() -> impl TypedValueParser<Value = &'static HostileCard> {
    let names = cards::all().map(|one| PossibleValue::new(one.name).help(one.does));
    PossibleValuesParser::new(names).try_map(|name| cards::find(&name).ok_or("no such card"))
}

fn cipher(text: &str) -> Result<Cipher, String> {
    Cipher::from_name(text).ok_or_else(|| {
        let names = Cipher::ALL.map(Cipher::name);
        format!("expected one of {}", names.join(", "))
    })
}

fn profile(text: &str) -> Result<Profile, String> {
    Profile::named(text).ok_or_else(|| {
        let names = Profile::ALL.map(|profile| profile.features().name);
        format!("expected one of {}", names.join(", "))
    })
}

fn usb_id(text: &str) -> Result<u16, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "expected a number up to 65535, or up to 0xFFFF".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_numbers_are_refused_with_what_is_allowed() {
        assert_eq!(usb_id("0x1050"), Ok(0x1050));
        assert_eq!(usb_id("4660"), Ok(0x1234));
        assert!(usb_id("65536").unwrap_err().contains("65535"));
        assert_eq!(profile("2.1-pre"), Ok(Profile::Ctap21Pre));
        assert!(profile("2.2").unwrap_err().contains("2.1-pre, 2.0"));
        assert_eq!(cipher("3des"), Ok(Cipher::TripleDes));
        assert!(cipher("des").unwrap_err().contains("aes192, 3des"));
        assert!(aaguid("3d5a8cf2-6b1e-4d07-9c43-e8f1a2b7560d").is_ok());
        assert!(
            aaguid("3d5a8cf2")
                .unwrap_err()
                .contains("32 hexadecimal digits")
        );
    }

    #[test]
    fn hostile_keys_go_by_name_and_help_says_what_each_does() {
        let parse = |name| {
            let line = ["vt", "--connect", "s", "--storage", "f", "--hostile", name];
            Cli::try_parse_from(line).map(|cli| cli.key.and_then(|key| key.hostile))
        };
        assert_eq!(parse("silent").unwrap().unwrap().name, "silent");
        assert!(parse("polite").is_err());
        let help = Cli::command().render_long_help().to_string();
        let lines: Vec<_> = help.split_whitespace().collect();
        let help = lines.join(" ");
        for one in hostile::all() {
            let line = format!("- {}: {}", one.name, one.does);
            assert!(help.contains(&line), "{line}");
        }
        let short = Cli::command().render_help().to_string();
        assert!(!short.contains("silent"), "hundreds of lines");
    }

    #[test]
    fn hostile_cards_go_by_name_at_a_reader_alone_and_help_says_what_each_does() {
        let parse =
            |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.reader.hostile_card);
        let at_reader = "vt --vpcd localhost:35963 --storage f --applets piv --hostile-card";
        let parsed = parse(&format!("{at_reader} tlv-nested")).unwrap();
        assert_eq!(parsed.unwrap().name, "tlv-nested");
        assert!(parse(&format!("{at_reader} polite")).is_err());
        assert!(parse("vt --connect s --storage f --hostile-card refuses").is_err());
        let help = Cli::command().render_long_help().to_string();
        let words: Vec<_> = help.split_whitespace().collect();
        let help = words.join(" ");
        for one in cards::all() {
            let line = format!("- {}: {}", one.name, one.does);
            assert!(help.contains(&line), "{line}");
        }
    }

    #[test]
    fn modes_do_not_mix() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("vt --connect s --storage f").is_ok());
        assert!(parse("vt --storage f").is_err(), "nowhere to plug in");
        assert!(parse("vt --vpcd localhost:35963 --storage f").is_ok());
        assert!(parse("vt --vpcd localhost:35963 --storage f --applets fido,piv,gids").is_ok());
        assert!(parse("vt --connect s --storage f --applets fido,piv").is_err());
        assert!(parse("vt --vpcd localhost:35963 --storage f --applets pkcs15").is_err());
        assert!(parse("vt --vpcd localhost:35963 --connect s --storage f").is_err());
        assert!(parse("vt --vpcd localhost:35963 --listen s --storage f").is_err());
        assert!(parse("vt --connect s --storage f --presence field").is_err());
        assert!(parse("vt attestation-root --storage f").is_ok());
        assert!(parse("vt attestation-root").is_err());
        assert!(parse("vt --connect s --storage f attestation-root --storage f").is_err());
        assert!(
            parse("vt --connect s --storage f --unplugged").is_err(),
            "no way to plug it in"
        );
    }
}
