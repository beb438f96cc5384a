//! Response chaining on the card: what one answer does not carry waits for GET RESPONSE.
//! ISO/IEC 7816-4 §5.3.4.

use super::{Form, Le, Response, Status};
use core::mem;

/// An answer that is handed out in parts. The message is the caller's, the same for all parts.
///
/// ```text
///          begin: longer than Le        GET RESPONSE: the last part
///   Empty ----------------------> Left ----------------------------> Empty
/// ```
#[derive(Debug, Default)]
pub struct Outbox {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    Left {
        /// Bytes that went out.
        sent: usize,
        status: Status,
    },
}

impl Outbox {
    /// Nothing waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Empty,
        }
    }

    /// All of a message waits: the answer is 61xx without data. Readers have to take that too.
    pub const fn hold(&mut self, status: Status) {
        self.state = State::Left { sent: 0, status };
    }

    /// Drops what was not fetched.
    pub const fn clear(&mut self) {
        self.state = State::Empty;
    }

    /// Whether something waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.state, State::Empty)
    }

    /// The first part of `message`, as the command of this form and Le wants it; `status` comes
    /// with the last part. `None` when `reply` is too small for anything.
    ///
    /// A command without Le gets what its form carries: some clients leave Le away.
    pub fn begin<'r>(
        &mut self,
        message: &[u8],
        status: Status,
        (form, le): (Form, Option<Le>),
        reply: &'r mut [u8],
    ) -> Option<&'r [u8]> {
        self.state = State::Left { sent: 0, status };
        self.part(message, le.unwrap_or(form.max_le()), reply)
    }

    /// The next part, for GET RESPONSE. `None` when nothing waits.
    pub fn get_response<'r>(
        &mut self,
        message: &[u8],
        le: Option<Le>,
        reply: &'r mut [u8],
    ) -> Option<&'r [u8]> {
        self.part(message, le.unwrap_or(Le::SHORT), reply)
    }

    fn part<'r>(&mut self, message: &[u8], le: Le, reply: &'r mut [u8]) -> Option<&'r [u8]> {
        let State::Left { sent, status } = mem::take(&mut self.state) else {
            return None;
        };
        let rest = message.get(sent..)?;
        let room = reply.len().checked_sub(2)?;
        let (data, left) = rest
            .split_at_checked(le.bytes().min(room))
            .unwrap_or((rest, &[]));
        if left.is_empty() {
            return Response { data, status }.encode(reply);
        }
        if data.is_empty() {
            return None;
        }
        let sent = sent.saturating_add(data.len());
        self.state = State::Left { sent, status };
        let left = u8::try_from(left.len()).unwrap_or(0);
        let status = Status::MoreData { left };
        Response { data, status }.encode(reply)
    }
}
