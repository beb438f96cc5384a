//! What is in a program's ELF file.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, elf};

/// Bytes of the parts of a program.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) flash: u64,
    pub(super) ram: u64,
    /// Whether an allocator is in it.
    pub(super) allocates: bool,
    /// The largest first.
    pub(super) frames: Vec<Frame>,
}

/// What one function puts on the stack, whatever it calls.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) bytes: u64,
    pub(super) function: String,
}

impl Image {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*bytes)?;
        let (mut flash, mut ram) = (0, 0);
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else {
                continue;
            };
            if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
                continue;
            }
            let in_ram = sh_flags & u64::from(elf::SHF_WRITE) != 0;
            if in_ram {
                ram += section.size();
            }
            if section.kind() != SectionKind::UninitializedData {
                flash += section.size();
            }
        }
        let names: BTreeMap<u64, &str> = file
            .symbols()
            .filter(|symbol| symbol.is_definition())
            .filter_map(|symbol| Some((symbol.address() & !THUMB, symbol.name().ok()?)))
            // Marks of the assembler: here begins code, here data.
            .filter(|(_, name)| !name.starts_with('$'))
            .collect();
        let sizes = file.section_by_name(".stack_sizes");
        let sizes = sizes.context("the compiler wrote no .stack_sizes")?;
        Ok(Self {
            flash,
            ram,
            allocates: names.values().any(|name| name.contains("__rust_alloc")),
            frames: frames(sizes.data()?, &names),
        })
    }
}

/// Entries of a function's address and its frame as unsigned LEB128.
fn frames(mut section: &[u8], names: &BTreeMap<u64, &str>) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some((address, rest)) = section.split_first_chunk() {
        let address = u64::from(u32::from_le_bytes(*address)) & !THUMB;
        let length = rest.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        let (size, rest) = rest.split_at(length.min(rest.len()));
        let bytes = size
            .iter()
            .rev()
            .fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
        let function = names.get(&address).map_or_else(
            || format!("{address:#x}"),
            |name| format!("{:#}", rustc_demangle::demangle(name)),
        );
        frames.push(Frame { bytes, function });
        section = rest;
    }
    frames.sort_by_key(|frame| std::cmp::Reverse(frame.bytes));
    frames
}

/// The lowest bit of an address says that the code is Thumb.
const THUMB: u64 = 1;
