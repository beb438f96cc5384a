//! What Linux tells about a process: `proc(5)`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

/// Memory of a process that is in RAM now.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// All of it: `Rss` in `smaps_rollup`.
    pub resident_kib: u64,
    /// Heap and stacks: what the process does not share with its file on the disk.
    pub anonymous_kib: u64,
}

/// Memory of process `pid`.
pub fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = read(Path::new(&path))?;
    Ok(Memory {
        resident_kib: field(&text, "Rss:").with_context(|| path.clone())?,
        anonymous_kib: field(&text, "Anonymous:").with_context(|| path.clone())?,
    })
}

/// How often each thread of `pid` has gone to sleep by itself so far, by thread id.
pub fn voluntary_switches(pid: u32) -> Result<BTreeMap<String, u64>> {
    let folder = format!("/proc/{pid}/task");
    let mut switches = BTreeMap::new();
    for thread in fs::read_dir(&folder).with_context(|| folder.clone())? {
        let thread = thread?;
        let status = read(&thread.path().join("status"))?;
        let count = field(&status, "voluntary_ctxt_switches:")
            .with_context(|| format!("{folder}: a thread without a count"))?;
        switches.insert(thread.file_name().to_string_lossy().into_owned(), count);
    }
    Ok(switches)
}

/// The machine, in a line.
#[must_use]
pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "))
        .map_or("unknown CPU", |(_, model)| model);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} x {model}, Linux {}", kernel.trim())
}

/// Load average of the last minute: what else this machine has been doing.
#[must_use]
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "nonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t150\n";
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(150));
        assert_eq!(field(status, "Rss:"), None);
        assert_eq!(field("Rss:   9120 kB\n", "Rss:"), Some(9120));
    }

    #[test]
    fn this_process_has_memory_and_threads() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.anonymous_kib > 0 && memory.anonymous_kib < memory.resident_kib);
        assert!(!voluntary_switches(std::process::id()).unwrap().is_empty());
    }
}
