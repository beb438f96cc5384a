//! The figures as a person reads them: each beside its target or its ratio.

use serde::Serialize;

use super::{
    super::times::Times,
    admin_key::{AdminKeys, Proofs},
    issue::Issuing,
    way::{RATIO, ThreeWays, Ways},
};

/// All that one run measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// CPU and kernel.
    pub machine: String,
    /// Load average of the minute before the run: above some tenths, times are doubtful.
    pub load_before: String,
    /// The way to the card.
    pub ways: Ways,
    /// Proofs of the admin key.
    pub admin_keys: AdminKeys,
    /// Certificates.
    pub issuing: Issuing,
}

type Row = [String; 5];

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows = vec![["", "p50", "p99", "", "target"].map(str::to_owned)];
        rows.extend(self.raw());
        rows.extend(three_ways("GIDS challenge", &self.ways.challenge));
        rows.extend(self.inventory());
        rows.extend(self.inventory_of_full());
        rows.extend(proofs("PIV, AES-192", &self.admin_keys.piv));
        rows.extend(proofs("GIDS, 3DES", &self.admin_keys.gids));
        rows.extend(self.issuing());
        let widths: [usize; 4] = std::array::from_fn(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        });
        let lines = rows.iter().map(|[what, p50, p99, beside, target]| {
            let [a, b, c, d] = widths;
            let line = format!("{what:<a$}  {p50:>b$}  {p99:>c$}  {beside:>d$}  {target}");
            format!("{}\n", line.trim_end())
        });
        let Self {
            machine,
            load_before,
            ..
        } = self;
        format!(
            "{machine}; load average before the run {load_before}\n\n{}\n{NOISE}",
            lines.collect::<String>()
        )
    }

    fn raw(&self) -> [Row; 4] {
        let raw = &self.ways.raw;
        let journaled = |times: &Times| more(times, &raw.bare);
        [
            row("one command, bare pcsc", &raw.bare, String::new(), ""),
            of_transport(&raw.transport, raw.transport_ratio),
            row(
                "  raw exchange, journal in memory",
                &raw.agent_in_memory,
                journaled(&raw.agent_in_memory),
                "",
            ),
            row(
                "  raw exchange, journal on the disk",
                &raw.agent_on_disk,
                journaled(&raw.agent_on_disk),
                "",
            ),
        ]
    }

    fn inventory(&self) -> Vec<Row> {
        let inventory = &self.ways.inventory;
        let mut rows = Vec::from(three_ways("PIV inventory", inventory));
        let commands = inventory.commands;
        rows.push([
            "  commands of an inventory".into(),
            commands.to_string(),
            String::new(),
            String::new(),
            target(commands <= COMMANDS, &format!("<= {COMMANDS}")),
        ]);
        rows
    }

    /// Without targets: its commands take the card longer than the way takes.
    fn inventory_of_full(&self) -> [Row; 3] {
        let full = &self.ways.inventory_of_full;
        three_ways("the same of our card", full)
            .map(|[what, p50, p99, beside, _]| [what, p50, p99, beside, String::new()])
    }

    fn issuing(&self) -> [Row; 2] {
        let Issuing {
            operations,
            renew,
            reissue,
        } = &self.issuing;
        [
            rate(&format!("certificate renewed, {operations} in turn"), renew),
            rate("certificate reissued with another key", reissue),
        ]
    }
}

fn three_ways(what: &str, ways: &ThreeWays) -> [Row; 3] {
    [
        row(
            &format!("{what}, {} commands, bare pcsc", ways.commands),
            &ways.bare,
            String::new(),
            "",
        ),
        of_transport(&ways.transport, ways.transport_ratio),
        row(
            "  the agent over its local socket",
            &ways.agent,
            format!("{:+.3} ms", ways.more_ms),
            &target(
                ways.hop_ms <= HOP_MS,
                &format!("<= {RATIO:.2} x bare + {HOP_MS:.1} ms"),
            ),
        ),
    ]
}

fn proofs(what: &str, proofs: &Proofs) -> [Row; 3] {
    [
        rate(&format!("admin key, {what}: session"), &proofs.session),
        rate("  the agent, key given", &proofs.key_given),
        rate("  the agent, caller asked", &proofs.caller_asked),
    ]
}

fn of_transport(transport: &Times, ratio: f64) -> Row {
    let target = target(ratio <= RATIO, &format!("<= {RATIO:.2} x"));
    let beside = format!("{ratio:.2} x");
    row("  the agent's transport", transport, beside, &target)
}

fn row(what: &str, times: &Times, beside: String, target: &str) -> Row {
    [
        what.to_owned(),
        format!("{:.3} ms", times.p50_ms),
        format!("{:.3} ms", times.p99_ms),
        beside,
        target.to_owned(),
    ]
}

fn rate(what: &str, times: &Times) -> Row {
    let beside = format!("{:.1} /s", times.per_second);
    row(what, times, beside, "")
}

fn more(times: &Times, than: &Times) -> String {
    format!("{:+.3} ms", times.p50_ms - than.p50_ms)
}

fn target(is_met: bool, target: &str) -> String {
    let word = if is_met { "met" } else { "MISSED" };
    format!("{target}: {word}")
}

/// Of one call over the local socket, beyond what the agent's own code may take.
const HOP_MS: f64 = 0.2;
/// Of an inventory of a PIV card.
const COMMANDS: usize = 14;

const NOISE: &str = "\
The contenders of a group took turns, so ratios and differences of a group hold: where they have a
target they are those of the middle one of all rounds. Times are of this machine and this moment.
Groups of one command, a challenge and the first inventory are of a card that answers at once what
ours answered before; the others are of ours. A raw exchange is written down before and after, which
is one fsync each. Rates are of one caller who waits for each; the authority is our stand-in, and the
state of server and agent lies in memory.
";

#[cfg(test)]
mod tests {
    use super::{super::way::Raw, *};

    fn times(p50_ms: f64) -> Times {
        Times {
            per_second: 1000.0 / p50_ms,
            p50_ms,
            p99_ms: p50_ms * 2.0,
        }
    }

    fn report(transport_ms: f64, agent_ms: f64, commands: usize) -> Report {
        let three = ThreeWays {
            commands,
            bare: times(1.0),
            transport: times(transport_ms),
            agent: times(agent_ms),
            transport_ratio: transport_ms,
            more_ms: agent_ms - transport_ms,
            hop_ms: agent_ms - RATIO,
        };
        let proofs = Proofs {
            session: times(0.5),
            key_given: times(1.0),
            caller_asked: times(2.0),
        };
        Report {
            machine: "2 x abacus".into(),
            load_before: "0.10".into(),
            ways: Ways {
                raw: Raw {
                    bare: times(0.1),
                    transport: times(0.1),
                    transport_ratio: 1.0,
                    agent_in_memory: times(0.4),
                    agent_on_disk: times(4.0),
                },
                challenge: three,
                inventory: three,
                inventory_of_full: three,
            },
            admin_keys: AdminKeys {
                piv: proofs,
                gids: proofs,
            },
            issuing: Issuing {
                operations: 50,
                renew: times(20.0),
                reissue: times(40.0),
            },
        }
    }

    fn lines(report: &Report, what: &str) -> Vec<String> {
        let table = report.table();
        let found = table.lines().filter(|line| line.trim().starts_with(what));
        found.map(str::to_owned).collect()
    }

    #[test]
    fn a_figure_stands_beside_its_target() {
        let report = report(1.05, 1.25, 14);
        let transports = lines(&report, "the agent's transport");
        assert_eq!(transports.len(), 4);
        for line in &transports[..3] {
            assert!(line.ends_with("<= 1.10 x: met"), "{line}");
        }
        assert!(transports[3].ends_with("1.05 x"), "{}", transports[3]);
        let agents = lines(&report, "the agent over its local socket");
        assert_eq!(agents.len(), 3);
        for line in &agents[..2] {
            assert!(
                line.ends_with("+0.200 ms  <= 1.10 x bare + 0.2 ms: met"),
                "{line}"
            );
        }
        assert!(agents[2].ends_with("+0.200 ms"), "{}", agents[2]);
        let commands = &lines(&report, "commands of an inventory")[0];
        assert!(commands.ends_with("<= 14: met"), "{commands}");
        let rate = &lines(&report, "certificate renewed, 50 in turn")[0];
        assert!(rate.ends_with("50.0 /s"), "{rate}");
    }

    #[test]
    fn a_missed_target_is_said() {
        let report = report(1.20, 1.45, 15);
        let transport = &lines(&report, "the agent's transport")[1];
        assert!(
            transport.ends_with("1.20 x  <= 1.10 x: MISSED"),
            "{transport}"
        );
        let agent = &lines(&report, "the agent over its local socket")[0];
        assert!(
            agent.ends_with("<= 1.10 x bare + 0.2 ms: MISSED"),
            "{agent}"
        );
        let commands = &lines(&report, "commands of an inventory")[0];
        assert!(commands.ends_with("<= 14: MISSED"), "{commands}");
    }
}
