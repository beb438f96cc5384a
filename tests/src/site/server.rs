//! The central server as a process.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};

use super::process::{Process, eventually, program};

/// A server with a folder of its own.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    process: Option<Process>,
    agents: SocketAddr,
    api: SocketAddr,
    metrics: SocketAddr,
    publish: SocketAddr,
}

impl Server {
    /// Sets one up in `folder` and starts it.
    pub fn start(folder: &Path) -> Result<Self> {
        let [agents, api, metrics, publish] = free_ports()?;
        let mut server = Self {
            folder: folder.to_owned(),
            process: None,
            agents,
            api,
            metrics,
            publish,
        };
        fs::write(
            server.settings(),
            format!(
                "data_dir = {:?}\n[api]\nlisten = \"{api}\"\n[agents]\nlisten = \"{agents}\"\n\
                 [metrics]\nlisten = \"{metrics}\"\n\
                 [publish]\nurls = [\"http://{publish}\"]\nlisten = \"{publish}\"\n\
                 [log]\nlevel = \"debug\"\n",
                server.data()
            ),
        )?;
        server.command(&["init"])?;
        server.run()?;
        Ok(server)
    }

    /// Starts it again.
    pub fn run(&mut self) -> Result<()> {
        let mut command = self.program()?;
        let process = Process::start("server", command.arg("run"), &self.folder.join("logs"))?;
        self.process = Some(process);
        eventually("the server listens", Duration::from_secs(20), || {
            self.alive()?;
            Ok(TcpStream::connect(self.api).ok().map(drop))
        })?;
        eventually("the server takes agents", Duration::from_secs(20), || {
            Ok(TcpStream::connect(self.agents).ok().map(drop))
        })
    }

    fn alive(&mut self) -> Result<()> {
        let Some(process) = &mut self.process else {
            bail!("the server was not started");
        };
        if !process.runs() {
            bail!("the server ended; it said:\n{}", process.said());
        }
        Ok(())
    }

    /// Ends it between two instructions.
    pub fn kill_9(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill_9(),
            None => bail!("the server does not run"),
        }
    }

    /// Asks it to end.
    pub fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.terminate(Duration::from_secs(20)),
            None => bail!("the server does not run"),
        }
    }

    /// Runs one of its other commands: `init`, `backup`, `restore`, `status`.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let output = self.program()?.args(arguments).output()?;
        if !output.status.success() {
            bail!(
                "keysteward-server {} ended with {}: {}",
                arguments.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// For the command line.
    #[must_use]
    pub fn profile(&self) -> PathBuf {
        self.data().join("cli.toml")
    }

    /// Where its database is.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("server")
    }

    /// Where agents enrol and dial in.
    #[must_use]
    pub fn agents(&self) -> SocketAddr {
        self.agents
    }

    /// Where Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// Where an authority inside it publishes.
    #[must_use]
    pub fn publish(&self) -> SocketAddr {
        self.publish
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    fn program(&self) -> Result<Command> {
        let mut command = Command::new(program("keysteward-server")?);
        command.arg("--settings").arg(self.settings());
        Ok(command)
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("server.toml")
    }
}

/// Ports that were free a moment ago; a server keeps its own over a restart.
fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(ports)
}
