//! A QEMU guest: another machine, with a kernel of its own that has uhid and hidraw.
//!
//! Its root is an initramfs of busybox, the modules of Debian's cloud kernel and the programs that
//! a test brings with the libraries they need. It reaches the host at [`HOST`] and is reached
//! through forwarded ports. Booting takes about five seconds.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// The address at which the guest finds the machine it runs on.
pub const HOST: &str = "10.0.2.2";

/// What the guest's root holds, and what it does first.
#[derive(Debug, Default)]
pub struct Root {
    /// Programs from this machine; their shared libraries come along.
    pub programs: Vec<PathBuf>,
    /// Path in the guest and content.
    pub files: Vec<(String, Vec<u8>)>,
    /// Shell, run after modules, devices and network are up.
    pub script: String,
}

/// A guest that runs; it is switched off when this is dropped.
#[derive(Debug)]
pub struct Guest {
    qemu: Child,
    keyboard: ChildStdin,
    console: Arc<Mutex<String>>,
}

impl Guest {
    /// Boots. Each forward is a TCP port of this machine's loopback and one of the guest.
    pub fn boot(folder: &Path, root: &Root, forwards: &[(u16, u16)]) -> Result<Self> {
        let kernel = Kernel::find()?;
        let initramfs = folder.join("initramfs.cpio");
        root.pack(&kernel, &folder.join("root"), &initramfs)?;
        let mut network = String::from("user,id=n");
        for (here, there) in forwards {
            network.push_str(&format!(",hostfwd=tcp:127.0.0.1:{here}-:{there}"));
        }
        let mut qemu = Command::new("qemu-system-x86_64")
            .args([
                "-M",
                "q35",
                "-cpu",
                "max",
                "-m",
                "512",
                "-nographic",
                "-no-reboot",
            ])
            .arg("-kernel")
            .arg(&kernel.image)
            .arg("-initrd")
            .arg(&initramfs)
            .args(["-append", "console=ttyS0 quiet panic=-1"])
            .args([
                "-netdev",
                &network,
                "-device",
                "virtio-net-pci,netdev=n,romfile=",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .context("qemu-system-x86_64 is missing: cargo xtask test installs it")?;
        let output = qemu.stdout.take().context("qemu has no console")?;
        let console = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&console);
        thread::spawn(move || collect(output, &shown));
        let keyboard = qemu.stdin.take().context("qemu has no keyboard")?;
        let guest = Self {
            qemu,
            keyboard,
            console,
        };
        guest.wait_for(READY, Duration::from_secs(120))?;
        Ok(guest)
    }

    /// All that the guest has said so far.
    pub fn console(&self) -> String {
        self.console
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Types a line at the guest's console.
    pub fn type_line(&mut self, line: &str) -> Result<()> {
        writeln!(self.keyboard, "{line}")?;
        Ok(self.keyboard.flush()?)
    }

    /// Waits until the guest has said `words`.
    pub fn wait_for(&self, words: &str, timeout: Duration) -> Result<()> {
        self.wait_for_after(0, words, timeout).map(drop)
    }

    /// Waits until the guest has said `words` once more, `from` so many bytes on; how many bytes
    /// it has said up to their end.
    pub fn wait_for_after(&self, from: usize, words: &str, timeout: Duration) -> Result<usize> {
        let begun = Instant::now();
        while begun.elapsed() < timeout {
            let said = self.console();
            if let Some(at) = said.get(from..).and_then(|later| later.find(words)) {
                return Ok(from + at + words.len());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!(
            "the guest did not say {words:?} within {timeout:?}; it said:\n{}",
            self.console()
        )
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// As it comes: a prompt ends in no line end.
fn collect(mut output: impl Read, console: &Mutex<String>) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = output.read(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..length]).replace('\r', "");
        console
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(&text);
    }
}

struct Kernel {
    image: PathBuf,
    modules: PathBuf,
}

impl Kernel {
    fn find() -> Result<Self> {
        let folder = target()?.join("guest");
        let missing = || {
            format!(
                "no kernel in {}: cargo xtask test fetches Debian's cloud kernel there",
                folder.display()
            )
        };
        let image = only_child(&folder.join("boot"), "vmlinuz-").with_context(missing)?;
        let modules = only_child(&folder.join("lib/modules"), "").with_context(missing)?;
        Ok(Self { image, modules })
    }

    /// Files of a module and of those it stands on, in the order to insert them. Debian's
    /// package carries no modules.dep, so each file's own `depends=` is read.
    fn closure(&self, names: &[&str]) -> Result<Vec<PathBuf>> {
        let mut order = Vec::new();
        for name in names {
            self.insert(name, &mut order)?;
        }
        Ok(order)
    }

    fn insert(&self, name: &str, order: &mut Vec<PathBuf>) -> Result<()> {
        let Some(path) = find_file(&self.modules, &format!("{name}.ko"))? else {
            // Built in, as Debian's kernels have some of them.
            return Ok(());
        };
        if order.contains(&path) {
            return Ok(());
        }
        let content = fs::read(&path)?;
        for dependency in depends(&content) {
            self.insert(&dependency, order)?;
        }
        order.push(path);
        Ok(())
    }
}

fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value: Vec<u8> = module[at + KEY.len()..]
        .iter()
        .copied()
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&value)
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

impl Root {
    fn pack(&self, kernel: &Kernel, root: &Path, archive: &Path) -> Result<()> {
        for folder in [
            "bin", "dev", "proc", "sys", "run", "etc", "tmp", "var", "modules",
        ] {
            fs::create_dir_all(root.join(folder))?;
        }
        fs::copy("/bin/busybox", root.join("bin/busybox"))
            .context("/bin/busybox is missing: cargo xtask test installs busybox-static")?;
        for applet in [
            "sh", "mount", "insmod", "ip", "ls", "cat", "sed", "sleep", "mkdir", "setsid",
        ] {
            symlink("busybox", root.join("bin").join(applet))?;
        }
        let mut script = String::from(SCRIPT_BEGIN);
        for module in kernel.closure(&["virtio_pci", "virtio_net", "hid", "uhid", "hid-generic"])? {
            let name = module.file_name().context("a module without a name")?;
            fs::copy(&module, root.join("modules").join(name))?;
            script.push_str(&format!("insmod /modules/{}\n", name.to_string_lossy()));
        }
        script.push_str(SCRIPT_NETWORK);
        script.push_str(&self.script);
        script.push_str(&format!(
            "\necho {READY}\nwhile true; do sleep 3600; done\n"
        ));
        write(&root.join("init"), script.as_bytes())?;
        let mut libraries = BTreeSet::new();
        for program in &self.programs {
            let name = program.file_name().context("a program without a name")?;
            fs::copy(program, root.join("bin").join(name))
                .with_context(|| format!("cannot take {} along", program.display()))?;
            libraries.extend(shared_libraries(program)?);
        }
        for library in &libraries {
            let inside = root.join(library.strip_prefix("/")?);
            fs::create_dir_all(inside.parent().context("a library in no folder")?)?;
            fs::copy(library, inside)?;
        }
        for (path, content) in &self.files {
            write(&root.join(path.trim_start_matches('/')), content)?;
        }
        let packed = Command::new("sh")
            .args(["-c", "find . | cpio --quiet -o -H newc > \"$ARCHIVE\""])
            .env("ARCHIVE", archive)
            .current_dir(root)
            .status()?;
        ensure!(packed.success(), "cpio ended with {packed}");
        Ok(())
    }
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file in no folder")?)?;
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    Ok(())
}

/// As the dynamic loader sees it, the loader included.
fn shared_libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect())
}

fn find_file(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find_file(&path, name)? {
                return Ok(Some(found));
            }
        } else if path
            .file_name()
            .is_some_and(|file| file.to_string_lossy().replace('-', "_") == name.replace('-', "_"))
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn only_child(folder: &Path, prefix: &str) -> Result<PathBuf> {
    fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .find(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(prefix))
        })
        .with_context(|| format!("nothing named {prefix}* in {}", folder.display()))
}

/// The target folder that this test runs from.
fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    program
        .ancestors()
        .find(|path| path.join("guest").is_dir())
        .map(Path::to_path_buf)
        .context("no folder `guest` above this program: cargo xtask test makes it")
}

const READY: &str = "guest: ready";
const SCRIPT_BEGIN: &str = "#!/bin/sh
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /run
";
const SCRIPT_NETWORK: &str = "ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
";
