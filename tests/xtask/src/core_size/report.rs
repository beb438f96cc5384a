//! The figures, for people and for scripts.

use std::fmt::Write;

use serde_json::{Value, json};

use super::image::Frame;
use super::program::Program;

/// A figure with a target.
struct Judged {
    what: &'static str,
    figure: f64,
    target: f64,
    unit: &'static str,
    against: String,
}

impl Judged {
    fn met(&self) -> bool {
        self.figure <= self.target
    }
}

pub(super) fn table(programs: &[Program]) -> String {
    let mut text = String::new();
    let lines = write_table(&mut text, programs);
    debug_assert!(lines.is_ok(), "strings take everything");
    text
}

fn write_table(text: &mut String, programs: &[Program]) -> std::fmt::Result {
    writeln!(text, "Targets")?;
    for judged in judge(programs) {
        let Judged {
            what,
            figure,
            target,
            unit,
            against,
        } = &judged;
        let verdict = if judged.met() { "met" } else { "missed" };
        let places = usize::from(*unit == "x") * 3;
        writeln!(
            text,
            "  {verdict:6}  {what:52} at most {target:>9.places$} {unit:2}  {figure:>9.places$} {unit:2}  {against}"
        )?;
    }

    writeln!(
        text,
        "\nFlash and static RAM, in bytes, beyond start code and what measures"
    )?;
    for program in programs {
        let Program { name, image, .. } = program;
        let (flash, ram) = (image.flash, image.ram);
        writeln!(text, "  {name:20} flash {flash:>8}  static RAM {ram:>4}")?;
    }

    writeln!(
        text,
        "\nDeepest stack in bytes, and instructions (40 at a time), of each operation"
    )?;
    for program in programs {
        for operation in &program.operations {
            writeln!(
                text,
                "  {:20} {:44} stack {:>6}  instructions {:>10}",
                program.name, operation.name, operation.stack, operation.instructions
            )?;
        }
    }

    writeln!(
        text,
        "\nBytes that a program brings and that are in none of these figures"
    )?;
    for program in programs {
        for (name, bytes) in &program.rooms {
            writeln!(text, "  {:20} {name:44} {bytes:>6}", program.name)?;
        }
    }

    writeln!(text, "\nLargest stack frames, in bytes")?;
    for program in programs {
        for Frame { bytes, function } in program.image.frames.iter().take(SHOWN) {
            writeln!(text, "  {:20} {bytes:>6}  {function}", program.name)?;
        }
    }

    writeln!(
        text,
        "\nLargest stack frame of each crate of primitives, in bytes, which the target leaves out"
    )?;
    for (primitives, Frame { bytes, function }) in of_primitives(programs) {
        writeln!(text, "  {primitives:20} {bytes:>6}  {function}")?;
    }

    writeln!(
        text,
        "\nNothing in the core can panic: the program that calls all of it links without a panic \
         handler, and with one panic in it does not."
    )
}

pub(super) fn json(programs: &[Program]) -> Value {
    let targets: Vec<Value> = judge(programs)
        .iter()
        .map(|judged| {
            json!({
                "what": judged.what,
                "target_at_most": judged.target,
                "figure": judged.figure,
                "unit": judged.unit,
                "against": judged.against,
                "met": judged.met(),
            })
        })
        .collect();
    let primitives: Vec<Value> = of_primitives(programs)
        .iter()
        .map(|(name, frame)| {
            json!({ "crate": name, "function": frame.function, "bytes": frame.bytes })
        })
        .collect();
    let programs: Vec<Value> = programs
        .iter()
        .map(|program| {
            let operations = program.operations.iter().map(|operation| {
                json!({
                    "name": operation.name,
                    "stack_bytes": operation.stack,
                    "instructions": operation.instructions,
                })
            });
            let rooms = program
                .rooms
                .iter()
                .map(|(name, bytes)| json!({ "name": name, "bytes": bytes }));
            let frames = program
                .image
                .frames
                .iter()
                .take(SHOWN)
                .map(|frame| json!({ "function": frame.function, "bytes": frame.bytes }));
            json!({
                "program": program.name,
                "flash_bytes": program.image.flash,
                "static_ram_bytes": program.image.ram,
                "operations": operations.collect::<Vec<_>>(),
                "brought_along": rooms.collect::<Vec<_>>(),
                "largest_frames": frames.collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "targets": targets,
        "programs": programs,
        "largest_frames_of_primitives": primitives,
        "panic_free": true,
    })
}

fn judge(programs: &[Program]) -> Vec<Judged> {
    let flash = |name: &str| {
        let program = programs.iter().find(|program| program.name == name);
        program.map_or(0, |program| program.image.flash) as f64
    };
    let ours = || programs.iter().filter(|p| !p.name.starts_with("peer_"));
    let frame = ours()
        .flat_map(|program| &program.image.frames)
        .filter(|frame| !is_others(&frame.function))
        .max_by_key(|frame| frame.bytes);
    let ram = ours().map(|program| program.image.ram).max();
    let further = flash("codec_further") - flash("codec");
    vec![
        Judged {
            what: "codec: flash, every request and response",
            figure: flash("codec"),
            target: flash("peer_ctap_types"),
            unit: "B",
            against: format!("ctap-types in this run; further commands take {further:.0} B more"),
        },
        Judged {
            what: "PIN protocol client: flash",
            figure: flash("pin_client") / flash("peer_pin_client"),
            target: 1.05,
            unit: "x",
            against: "of the bare primitives in this run".to_owned(),
        },
        Judged {
            what: "largest stack frame outside the primitives",
            figure: frame.map_or(0, |frame| frame.bytes) as f64,
            target: 2048.0,
            unit: "B",
            against: frame.map_or_else(String::new, |frame| frame.function.clone()),
        },
        Judged {
            what: "static RAM",
            figure: ram.unwrap_or(0) as f64,
            target: 0.0,
            unit: "B",
            against: "the greatest of all programs".to_owned(),
        },
    ]
}

/// The largest of each crate of primitives that has any.
fn of_primitives(programs: &[Program]) -> Vec<(&'static str, &Frame)> {
    let frames = || programs.iter().flat_map(|program| &program.image.frames);
    PRIMITIVES
        .into_iter()
        .filter_map(|name| {
            let own = frames().filter(|frame| is_of(name, &frame.function));
            Some((name, own.max_by_key(|frame| frame.bytes)?))
        })
        .collect()
}

/// Whether a function is of the primitives, or of the programs, which hold everybody's buffers.
fn is_others(function: &str) -> bool {
    function.contains("__cortex_m_rt_main")
        || is_of("keysteward_bare_metal", function)
        || PRIMITIVES.iter().any(|name| is_of(name, function))
}

/// Whether a function is of the crate; what it is generic over does not make it so.
fn is_of(name: &str, function: &str) -> bool {
    let path = function.trim_start_matches('<').strip_prefix(name);
    path.is_some_and(|rest| rest.starts_with("::"))
}

/// Of P-256, and of Ed25519: how they use the stack is theirs to choose.
const PRIMITIVES: [&str; 6] = [
    "p256",
    "primeorder",
    "elliptic_curve",
    "ecdsa",
    "curve25519_dalek",
    "ed25519_dalek",
];

/// How many frames of each program are shown.
const SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::is_others;

    #[test]
    fn a_function_is_of_the_crate_that_it_is_in() {
        for (function, others) in [
            (
                "<primeorder::projective::ProjectivePoint<p256::NistP256> as Mul>::mul",
                true,
            ),
            ("keysteward_bare_metal::flow::Client<T>::set_pin", true),
            ("client::__cortex_m_rt_main", true),
            (
                "<keysteward_virtual_token::authenticator::Authenticator<keysteward_bare_metal::flash::Flash>>::sign",
                false,
            ),
            (
                "<keysteward_core::crypto::RustCrypto<R> as Crypto>::p256_agree",
                false,
            ),
        ] {
            assert_eq!(is_others(function), others, "{function}");
        }
    }
}
