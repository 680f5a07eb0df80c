//! Lines of a stream, none longer than may be kept in memory.

use std::io::{self, BufRead, Read};

/// Longest record that is read; a longer one becomes an error row.
pub(in crate::cli) const MAX_RECORD_BYTES: usize = 8 << 20;

/// What is said of a record that is too long.
pub(in crate::cli) fn too_long() -> String {
    format!("a record of more than {MAX_RECORD_BYTES} bytes, expected less")
}

/// Reads line after line.
pub(in crate::cli) struct Lines {
    reader: Box<dyn BufRead + Send>,
    /// The number of the line read last, counted from 1.
    line: u64,
}

impl Lines {
    pub(in crate::cli) fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self { reader, line: 0 }
    }

    /// The number of the line read last.
    pub(in crate::cli) fn line(&self) -> u64 {
        self.line
    }

    /// The next line without its end, `None` behind the last one; the inner error says that it is too long. What is too long
    /// is skipped, not kept.
    pub(in crate::cli) fn next_line(&mut self) -> io::Result<Option<Result<Vec<u8>, String>>> {
        let mut line = self.next_whole()?;
        if let Some(Ok(bytes)) = &mut line {
            for end in [b'\n', b'\r'] {
                if bytes.last() == Some(&end) {
                    bytes.pop();
                }
            }
        }
        Ok(line)
    }

    /// The same with its end.
    pub(super) fn next_whole(&mut self) -> io::Result<Option<Result<Vec<u8>, String>>> {
        let mut bytes = Vec::new();
        let limit = MAX_RECORD_BYTES as u64 + 1;
        if self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if bytes.last() != Some(&b'\n') && bytes.len() > MAX_RECORD_BYTES {
            self.reader.skip_until(b'\n')?;
            return Ok(Some(Err(too_long())));
        }
        Ok(Some(Ok(bytes)))
    }
}
