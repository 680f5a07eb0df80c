//! [`Normalized`]: a rewritten piece of a prompt with an exact, sparse map back to the bytes that were typed.

use crate::prompt::{Field, Role};
use crate::span::{NormSpan, Span};

/// A stretch of rewritten text and where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// First byte in the rewritten text.
    out: usize,
    /// First byte in the typed text.
    src: usize,
    /// Typed bytes this stretch stands for; for a linear run it grows with the stretch.
    src_len: usize,
    /// Copied byte for byte, so that positions inside it map one to one.
    linear: bool,
}

/// Rewritten text of one side of one reading of a prompt, each byte of it traceable to the typed bytes.
///
/// The map holds one entry per stretch of copied text, not one per character: a prompt without markup or
/// disguise costs a single entry. Looking a span up is a binary search.
///
/// ```
/// use promptgate::text::Normalized;
/// use promptgate::{Field, NormSpan, Role, Span};
///
/// let mut text = Normalized::new(Field::Prompt, Role::Positive);
/// text.push_copied("(na)(ked)", Span::new(1, 3));
/// text.push_copied("(na)(ked)", Span::new(5, 8));
/// assert_eq!(text.as_str(), "naked");
/// assert_eq!(text.typed_span(NormSpan::new(0, 5)), Span::new(1, 8));
/// assert_eq!(text.typed_span(NormSpan::new(2, 5)), Span::new(5, 8));
/// ```
#[derive(Clone, Debug)]
pub struct Normalized {
    field: Field,
    role: Role,
    text: String,
    runs: Vec<Run>,
}

impl Default for Normalized {
    /// An empty text of the positive side of a prompt.
    fn default() -> Self {
        Self::new(Field::Prompt, Role::Positive)
    }
}

impl Normalized {
    /// An empty text of the given side.
    #[must_use]
    pub fn new(field: Field, role: Role) -> Self {
        Self { field, role, text: String::new(), runs: Vec::new() }
    }

    /// Empties the text for another use, keeping its buffers.
    pub fn reset(&mut self, field: Field, role: Role) {
        self.field = field;
        self.role = role;
        self.text.clear();
        self.runs.clear();
    }

    /// The field the typed spans point into.
    #[must_use]
    pub fn field(&self) -> Field {
        self.field
    }

    /// What this side of the prompt does to the image.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The rewritten text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Makes room for `bytes` more bytes.
    pub fn reserve(&mut self, bytes: usize) {
        self.text.reserve(bytes);
    }

    /// Appends the typed bytes under `span` unchanged. A span that does not fit `typed` appends nothing.
    pub fn push_copied(&mut self, typed: &str, span: Span) {
        if let Some(piece) = span.slice(typed).filter(|piece| !piece.is_empty()) {
            self.push_run(span, true);
            self.text.push_str(piece);
        }
    }

    /// Appends `replacement`, which stands for the typed bytes under `span` as a whole.
    ///
    /// With an empty replacement the typed bytes are dropped: they still belong to the stretch before them, so that
    /// a span ending there covers them (a combining mark goes with its letter).
    pub fn push_replaced(&mut self, span: Span, replacement: &str) {
        if !replacement.is_empty() {
            self.push_run(span, false);
            self.text.push_str(replacement);
        } else if let Some(last) = self.runs.last_mut()
            && !last.linear
            && last.src + last.src_len == span.start
        {
            last.src_len += span.len();
        }
    }

    fn push_run(&mut self, span: Span, linear: bool) {
        self.push_run_at(Run { out: self.text.len(), src: span.start, src_len: span.len(), linear });
    }

    /// Adds a run, merging it with the one before where both are copies of one stretch.
    fn push_run_at(&mut self, run: Run) {
        if let Some(last) = self.runs.last_mut()
            && run.linear
            && last.linear
            && last.src + (run.out - last.out) == run.src
        {
            last.src_len = run.src + run.src_len - last.src;
            return;
        }
        self.runs.push(run);
    }

    /// The typed bytes that the rewritten bytes under `span` came from: the smallest span that holds all of them.
    ///
    /// Positions inside a replaced stretch widen to the whole of it, so that the result never cuts a character.
    #[must_use]
    pub fn typed_span(&self, span: NormSpan) -> Span {
        let Some(index) = self.runs.partition_point(|run| run.out <= span.start).checked_sub(1) else {
            return Span::new(0, 0);
        };
        let mut typed: Option<Span> = None;
        for (at, run) in self.runs.iter().enumerate().skip(index) {
            let (begin, stop) = (run.out.max(span.start), self.runs.get(at + 1).map_or(span.end, |next| next.out));
            let (start, end) = if run.linear {
                (run.src + (begin - run.out), run.src + (stop.min(span.end).max(begin) - run.out))
            } else if span.start >= span.end {
                (run.src, run.src)
            } else {
                (run.src, run.src + run.src_len)
            };
            // Text that was turned around has its first byte last: neither end is that of the first or the last run.
            typed = Some(typed.map_or(Span::new(start, end), |all| Span::new(all.start.min(start), all.end.max(end))));
            if stop >= span.end {
                break;
            }
        }
        typed.unwrap_or(Span::new(0, 0))
    }

    /// Starts a rewritten copy of this text in `out`, which is emptied first.
    pub fn rewrite_into<'a>(&'a self, out: &'a mut Self) -> Rewriter<'a> {
        out.reset(self.field, self.role);
        out.reserve(self.text.len());
        Rewriter { from: self, out }
    }
}

/// Writes a rewritten copy of a [`Normalized`] text: every piece pushed names the piece of it that it stands for, so
/// that the maps compose.
pub struct Rewriter<'a> {
    from: &'a Normalized,
    out: &'a mut Normalized,
}

impl Rewriter<'_> {
    /// What was written so far.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.out.text
    }

    /// Copies `from[start..end]` unchanged.
    pub fn copy(&mut self, start: usize, end: usize) {
        let from = self.from;
        self.copy_as(start, end, |out| out.push_str(from.text.get(start..end).unwrap_or_default()));
    }

    /// Copies `from[start..end]` with ASCII letters in lower case.
    pub fn copy_lowercase(&mut self, start: usize, end: usize) {
        let at = self.out.text.len();
        self.copy(start, end);
        if let Some(copied) = self.out.text.get_mut(at..) {
            copied.make_ascii_lowercase();
        }
    }

    /// Writes `byte`, an ASCII byte, for the one byte at `from[at]`, positions still mapping one to one.
    pub fn swap_ascii(&mut self, at: usize, byte: u8) {
        self.copy_as(at, at + 1, |out| out.push(char::from(byte)));
    }

    /// Writes `replacement` for `from[start..end]`; an empty replacement drops the piece.
    pub fn replace(&mut self, start: usize, end: usize, replacement: &str) {
        let typed = self.from.typed_span(NormSpan::new(start, end));
        self.out.push_replaced(typed, replacement);
    }

    /// Writes `text`, which stands for nothing that was typed, in front of `from[at]`.
    pub fn insert(&mut self, at: usize, text: &str) {
        let typed = self.from.typed_span(NormSpan::new(at, at + 1)).start;
        self.out.push_replaced(Span::new(typed, typed), text);
    }

    /// Maps `from[start..end]` one to one, run by run, then lets `write` append as many bytes.
    fn copy_as(&mut self, start: usize, end: usize, write: impl FnOnce(&mut String)) {
        let mut index = self.from.runs.partition_point(|run| run.out <= start).saturating_sub(1);
        let (mut at, mut out_at) = (start, self.out.text.len());
        while at < end {
            let Some(run) = self.from.runs.get(index) else { break };
            let stop = self.from.runs.get(index + 1).map_or(end, |next| next.out).min(end);
            let mapped = if run.linear {
                Run { out: out_at, src: run.src + (at - run.out), src_len: stop - at, linear: true }
            } else {
                Run { out: out_at, ..*run }
            };
            self.out.push_run_at(mapped);
            out_at += stop - at;
            at = stop;
            index += 1;
        }
        write(&mut self.out.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_over_turned_text_hold_all_of_it() {
        let mut turned = Normalized::new(Field::Prompt, Role::Positive);
        for at in (0..4).rev() {
            turned.push_copied("abcd", Span::new(at, at + 1));
        }
        assert_eq!(turned.as_str(), "dcba");
        assert_eq!(turned.typed_span(NormSpan::new(1, 4)), Span::new(0, 3));
    }

    #[test]
    fn maps_compose_over_two_rewrites() {
        let typed = "A\u{200b}B  \u{fb03}x";
        let mut first = Normalized::new(Field::Prompt, Role::Positive);
        first.push_copied(typed, Span::new(0, 1));
        first.push_copied(typed, Span::new(4, 7));
        first.push_replaced(Span::new(7, 10), "ffi");
        first.push_copied(typed, Span::new(10, 11));
        assert_eq!(first.as_str(), "AB  ffix");
        let mut second = Normalized::new(Field::Prompt, Role::Positive);
        let mut rewriter = first.rewrite_into(&mut second);
        rewriter.copy_lowercase(0, 3);
        rewriter.replace(3, 4, "");
        rewriter.copy(4, 8);
        assert_eq!(second.as_str(), "ab ffix");
        assert_eq!(second.typed_span(NormSpan::new(0, 2)), Span::new(0, 5), "the dropped mark lies between");
        assert_eq!(second.typed_span(NormSpan::new(4, 5)), Span::new(7, 10), "inside an expansion: all of it");
        assert_eq!(second.typed_span(NormSpan::new(3, 7)), Span::new(7, 11));
    }
}
