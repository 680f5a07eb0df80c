//! Content hashes, as they appear in names such as `default@3f2a9c0d81b2`.

use std::fmt::Write;

/// Hexadecimal digits a name shows of a hash.
pub(crate) const SHORT: usize = 12;

/// `bytes` in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
