//! What a hostile key sends, and when. Sans-IO: time is an argument.

use super::Output;
use keysteward_core::ctaphid::Report;
use keysteward_core::session::Millis;

/// What is on its way to the host.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// When the next order is carried out.
    cursor: Millis,
    orders: Vec<(Millis, Order)>,
}

#[derive(Debug)]
enum Order {
    Send(Report),
    /// All of them in one burst, again and again.
    Flood {
        reports: Vec<Report>,
        sent: usize,
        every: u64,
    },
    Unplug,
}

impl Script {
    /// A new request has come: what follows is written from `now` on, and a flood that goes on
    /// from before gives way.
    pub(super) fn begin(&mut self, now: Millis) {
        self.cursor = now;
        self.orders
            .retain(|(_, order)| !matches!(order, Order::Flood { .. }));
    }

    pub(super) fn send(&mut self, reports: impl IntoIterator<Item = Report>) {
        let at = self.cursor;
        let orders = reports.into_iter().map(|report| (at, Order::Send(report)));
        self.orders.extend(orders);
    }

    /// What is written next happens so many milliseconds later.
    pub(super) fn wait(&mut self, milliseconds: u64) {
        self.cursor = self.cursor.after(milliseconds);
    }

    /// For ever: all `reports` at once, every so many milliseconds.
    pub(super) fn flood(&mut self, every: u64, reports: Vec<Report>) {
        let order = Order::Flood {
            reports,
            sent: 0,
            every,
        };
        self.orders.push((self.cursor, order));
    }

    pub(super) fn unplug(&mut self) {
        self.orders.push((self.cursor, Order::Unplug));
    }

    /// When there is something to send.
    pub(super) fn due(&self) -> Option<Millis> {
        self.orders.iter().map(|(at, _)| *at).min()
    }

    /// The next thing that is due.
    pub(super) fn poll(&mut self, now: Millis) -> Option<Output> {
        let due = self.due().filter(|due| *due <= now)?;
        let index = self.orders.iter().position(|(at, _)| *at == due)?;
        if let Some((
            at,
            Order::Flood {
                reports,
                sent,
                every,
            },
        )) = self.orders.get_mut(index)
        {
            let report = reports.get(*sent).copied();
            *sent += 1;
            if *sent >= reports.len() {
                *sent = 0;
                *at = at.after(*every);
            }
            return report.map(Output::Report);
        }
        match self.orders.remove(index).1 {
            Order::Send(report) => Some(Output::Report(report)),
            Order::Unplug => Some(Output::Unplug),
            Order::Flood { .. } => None,
        }
    }
}
