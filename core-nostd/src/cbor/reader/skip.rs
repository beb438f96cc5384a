//! Passing over what nobody reads, or what was checked before.

use super::containers::Map;
use super::{Error, Head, Key, Major, Reader, SMALL};

impl<'b> Reader<'b> {
    /// Passes over an item of any kind, checking all that is inside but its meaning.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn skip(&mut self) -> Result<(), Error> {
        if !SMALL && self.skip_short().is_some() {
            return Ok(());
        }
        self.skip_any_form()
    }

    #[cfg_attr(target_pointer_width = "64", inline(never))]
    fn skip_any_form(&mut self) -> Result<(), Error> {
        let head = self.peek()?;
        match head.major {
            Major::Array => {
                for _ in 0..self.enter(head)? {
                    self.skip()?;
                }
                self.leave();
                Ok(())
            }
            Major::Map => {
                let mut map = Map::new();
                // What is left untouched is skipped.
                while self.next_key(&mut map)?.is_some() {}
                Ok(())
            }
            Major::Tag => {
                self.deeper()?;
                self.position = head.end;
                self.skip()?;
                self.leave();
                Ok(())
            }
            _ => self.skim(head).map(|_| ()),
        }
    }

    /// Passes over the value of a member that nobody here knows, and says so in the log.
    pub fn skip_unknown(&mut self, key: Key<'_>) -> Result<(), Error> {
        match key {
            Key::Int(key) => log::debug!("passing over the unknown member {key:#04x}"),
            Key::Text(key) => {
                let length = key.as_bytes().len();
                log::debug!("passing over an unknown member of {length} bytes");
            }
            Key::Bytes(_) => log::debug!("passing over a member with a byte string as key"),
        }
        self.skip()
    }

    /// Reads a value, or passes over it when it is well-formed but not what `read` expects.
    /// Newer and older keys differ in such members; the message around them still counts.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub fn attempt<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let start = self.place();
        match read(self) {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                self.go_back(start);
                self.skip()?;
                Ok(None)
            }
        }
    }

    /// Passes over an item that was checked before, without recursion.
    pub(in crate::cbor) fn pass(&mut self) -> Result<(), Error> {
        let mut items: u64 = 1;
        while items > 0 {
            let head = self.peek()?;
            let inside = self.skim(head)?;
            items = items.saturating_sub(1).saturating_add(inside);
        }
        Ok(())
    }

    /// Passes over an item up to the items inside it; answers how many they are.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(in crate::cbor) fn skim(&mut self, head: Head) -> Result<u64, Error> {
        let inside = match head.major {
            Major::Bytes | Major::Text => return self.string(head).map(|_| 0),
            Major::Unsigned | Major::Negative | Major::Simple => 0,
            Major::Array => head.argument,
            Major::Map => head.argument.saturating_mul(2),
            Major::Tag => 1,
        };
        self.position = head.end;
        Ok(inside)
    }
}
