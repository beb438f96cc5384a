//! Lists: keyset paging by id, so that rows added meanwhile do not shift a page.

/// Which part of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page<I> {
    /// The last id of the page before.
    pub after: Option<I>,
    /// Rows at most; at least 1.
    pub size: u32,
}

impl<I> Page<I> {
    /// The first `size` rows.
    #[must_use]
    pub fn first(size: u32) -> Self {
        Self { after: None, size }
    }

    /// One row more than the page, to see whether there is a next one.
    pub(super) fn limit(&self) -> i64 {
        i64::from(self.size.max(1)) + 1
    }

    /// Splits off that row.
    pub(super) fn close<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> I) -> Listed<T, I> {
        let size = usize::try_from(self.size.max(1)).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = if more { rows.last().map(id) } else { None };
        Listed { rows, next }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed<T, I> {
    /// In the order of their ids.
    pub rows: Vec<T>,
    /// `Page::after` of the next page; none at the end.
    pub next: Option<I>,
}
