//! The figures as a person reads them: each beside its target or its ratio.

use serde::Serialize;

use super::{idle_agent::IdleAgent, issue::Issuing, uplinks::Uplinks};

/// All that one run measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// CPU and kernel.
    pub machine: String,
    /// Load average of the minute before the run: above some tenths, times are doubtful.
    pub load_before: String,
    /// The server.
    pub uplinks: Uplinks,
    /// The agent.
    pub idle_agent: IdleAgent,
    /// The issue operation.
    pub issue: Issuing,
}

impl Report {
    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows = vec![["", "measured", "target", ""].map(str::to_owned)];
        rows.extend(self.uplinks());
        rows.extend(self.idle_agent());
        rows.extend(self.issue());
        let widths: [usize; 3] = std::array::from_fn(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        });
        let lines = rows.iter().map(|[what, measured, target, note]| {
            let [a, b, c] = widths;
            let line = format!("{what:<a$}  {measured:>b$}  {target:<c$}  {note}");
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

    fn uplinks(&self) -> [[String; 4]; 3] {
        let Uplinks {
            few,
            many,
            kib_per_link,
        } = self.uplinks;
        let rss = |kib: u64| format!("{:.1} MiB", kib as f64 / 1024.0);
        [
            [
                format!("server with {} idle links", few.links),
                rss(few.server_rss_kib),
                String::new(),
                String::new(),
            ],
            [
                format!("server with {} idle links", many.links),
                rss(many.server_rss_kib),
                String::new(),
                String::new(),
            ],
            [
                "each link more".into(),
                format!("{kib_per_link:.1} KiB"),
                format!("<= {LINK_KIB:.0} KiB"),
                verdict(kib_per_link, LINK_KIB),
            ],
        ]
    }

    fn idle_agent(&self) -> [[String; 4]; 2] {
        let IdleAgent {
            memory,
            window_s,
            wake_ups,
            threads,
        } = self.idle_agent;
        let resident = memory.resident_kib as f64 / 1024.0;
        let anonymous = memory.anonymous_kib as f64 / 1024.0;
        [
            [
                "agent, linked, one idle key".into(),
                format!("{resident:.1} MiB"),
                format!("<= {AGENT_MIB:.0} MiB"),
                format!(
                    "{}; {anonymous:.1} MiB of it anonymous (heap, stacks)",
                    verdict(resident, AGENT_MIB)
                ),
            ],
            [
                format!("its wake-ups in {window_s} s"),
                wake_ups.to_string(),
                "keep-alive only".into(),
                format!(
                    "{:.2} a second over {threads} threads; a ping every 30 s",
                    wake_ups as f64 / window_s as f64
                ),
            ],
        ]
    }

    fn issue(&self) -> [[String; 4]; 4] {
        let Issuing {
            operations,
            disk,
            memory,
            share_of_disk,
        } = self.issue;
        let row = |what: &str, disk: f64, unit: &str, memory: f64| {
            [
                what.to_owned(),
                format!("{disk:.1} {unit}"),
                String::new(),
                format!("{memory:.1} {unit} with all state in memory"),
            ]
        };
        [
            row(
                &format!("issue, {operations} in turn, p50"),
                disk.p50_ms,
                "ms",
                memory.p50_ms,
            ),
            row("issue, p99", disk.p99_ms, "ms", memory.p99_ms),
            row(
                "issued one after the other",
                disk.per_second,
                "/s",
                memory.per_second,
            ),
            [
                "waiting for the disk".into(),
                format!("{:.0} %", share_of_disk * 100.0),
                String::new(),
                "1 - p50 in memory / p50 on the disk".into(),
            ],
        ]
    }
}

fn verdict(measured: f64, most: f64) -> String {
    let percent = measured / most * 100.0;
    let word = if measured <= most { "met" } else { "MISSED" };
    format!("{word}: {percent:.0} % of it")
}

const LINK_KIB: f64 = 40.0;
const AGENT_MIB: f64 = 12.0;

const NOISE: &str = "\
Memory repeats within a few per cent. Times are of this machine and this moment: by the caller's
clock, from sending Start to the last event of Watch, with server, agent, key, stand-in and caller
on the same cores; p99 of a hundred is its second-slowest. Compare ratios of one run, never times
of two. Issuing on the disk and in memory took turns, so the share is what the disk alone adds:
the fsync of each transaction of the server and of each journal record of the agent.
";

#[cfg(test)]
mod tests {
    use super::{
        super::{procfs::Memory, times::Times, uplinks::Reading},
        *,
    };

    fn report(kib_per_link: f64) -> Report {
        Report {
            machine: "2 x abacus".into(),
            load_before: "0.10".into(),
            uplinks: Uplinks {
                few: Reading {
                    links: 1000,
                    server_rss_kib: 51_200,
                },
                many: Reading {
                    links: 5000,
                    server_rss_kib: 153_600,
                },
                kib_per_link,
            },
            idle_agent: IdleAgent {
                memory: Memory {
                    resident_kib: 9216,
                    anonymous_kib: 2048,
                },
                window_s: 20,
                wake_ups: 5,
                threads: 6,
            },
            issue: Issuing {
                operations: 100,
                disk: Times {
                    per_second: 10.0,
                    p50_ms: 100.0,
                    p99_ms: 180.0,
                },
                memory: Times {
                    per_second: 20.0,
                    p50_ms: 50.0,
                    p99_ms: 70.0,
                },
                share_of_disk: 0.5,
            },
        }
    }

    fn line<'t>(table: &'t str, start: &str) -> &'t str {
        table.lines().find(|line| line.starts_with(start)).unwrap()
    }

    #[test]
    fn a_figure_stands_beside_its_target() {
        let table = report(25.6).table();
        let link = line(&table, "each link more");
        assert!(link.contains("25.6 KiB  <= 40 KiB"), "{link}");
        assert!(link.ends_with("met: 64 % of it"), "{link}");
        assert!(line(&table, "waiting for the disk").contains("50 %"));
    }

    #[test]
    fn a_missed_target_is_said() {
        let table = report(50.0).table();
        assert!(line(&table, "each link more").ends_with("MISSED: 125 % of it"));
    }
}
