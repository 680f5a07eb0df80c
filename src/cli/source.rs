//! A file or standard input as a stream of bytes, decompressed where its first bytes say that it is compressed.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

/// Bytes read at a time.
const BUFFER: usize = 1 << 18;
/// The largest window a zstd frame may ask for, as a power of two: 128 MiB, what `zstd` itself admits unless told otherwise.
const ZSTD_WINDOW: u32 = 27;
/// How many times its size a compressed file may grow. Logs grow 3 to 30 times; what grows more was made to fill a disk.
pub(super) const MOST_GROWTH: i64 = 300;
/// Bytes that a compressed file may always grow to.
pub(super) const ALWAYS: i64 = 64 << 20;

/// Bytes of the start of a stream that tell what it is, at most.
pub(super) const LOOK_AT: usize = 1 << 16;

/// A stream of bytes.
pub(super) struct Source {
    /// What the file holds, decompressed.
    pub(super) reader: Box<dyn BufRead + Send>,
    /// Bytes of the file that have been read.
    pub(super) read: Arc<AtomicU64>,
    /// Of a stream that somebody may still write to: whether a whole line is here already. What comes next may take long.
    pub(super) has_line: Option<Arc<AtomicBool>>,
}

impl Source {
    /// Opens `path`, or standard input for `-`. The error says what is wrong with it.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let fail = |error: io::Error| cannot_read(&error);
        let (file, is_whole): (Box<dyn Read + Send>, bool) = if is_stdin(path) {
            // Standard input may be a file as well.
            (Box::new(io::stdin()), fs::metadata("/dev/stdin").is_ok_and(|meta| meta.is_file()))
        } else {
            let file = File::open(path).map_err(fail)?;
            let meta = file.metadata().map_err(fail)?;
            if meta.is_dir() {
                return Err("is a folder, expected a file of prompts".to_owned());
            }
            (Box::new(file), meta.is_file())
        };
        let read = Arc::<AtomicU64>::default();
        let counted = Counted { inner: file, read: Arc::clone(&read) };
        let reader = decompressed(BufReader::with_capacity(BUFFER, counted), &read).map_err(fail)?;
        if is_whole {
            return Ok(Self { reader, read, has_line: None });
        }
        let has_line = Arc::<AtomicBool>::default();
        let reader = Box::new(Live { inner: reader, left: 0, has_line: Arc::clone(&has_line) });
        Ok(Self { reader, read, has_line: Some(has_line) })
    }

    /// The start of the stream, which stays unread: until there is `enough` of it, or all of it.
    pub(super) fn look(&mut self, enough: impl Fn(&[u8]) -> bool) -> io::Result<&[u8]> {
        let reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = look_ahead(reader, enough)?;
        self.reader.fill_buf()
    }
}

/// Reads on until there is `enough` at the start of a stream: the first read of a pipe may give a single byte.
fn look_ahead(
    mut reader: Box<dyn BufRead + Send>,
    enough: impl Fn(&[u8]) -> bool,
) -> io::Result<Box<dyn BufRead + Send>> {
    if enough(reader.fill_buf()?) {
        return Ok(reader);
    }
    let mut start = Vec::new();
    while !enough(&start) && start.len() < LOOK_AT {
        let more = reader.fill_buf()?;
        if more.is_empty() {
            break;
        }
        let count = more.len();
        start.extend_from_slice(more);
        reader.consume(count);
    }
    Ok(Box::new(io::Cursor::new(start).chain(reader)))
}

/// Whether a path stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// How errors name a path.
pub(super) fn place_of(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// What is said of a file that cannot be read.
pub(super) fn cannot_read(error: &io::Error) -> String {
    format!("cannot be read: {error}, expected a file of prompts")
}

fn decompressed<R: Read + Send + 'static>(
    raw: BufReader<R>,
    read: &Arc<AtomicU64>,
) -> io::Result<Box<dyn BufRead + Send>> {
    let mut raw = look_ahead(Box::new(raw), |start| start.len() >= 4)?;
    let start = first_bytes(&mut raw)?;
    let bounded = |inner: Box<dyn Read + Send>| -> Box<dyn BufRead + Send> {
        Box::new(BufReader::with_capacity(BUFFER, Bounded { inner, read: Arc::clone(read), given: 0 }))
    };
    Ok(match start {
        [0x1f, 0x8b, ..] => bounded(Box::new(MultiGzDecoder::new(raw))),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let mut decoder = ZstdDecoder::with_buffer(raw)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            bounded(Box::new(decoder))
        }
        _ => raw,
    })
}

/// The first four bytes, zeros where there are fewer; they stay unread.
fn first_bytes(raw: &mut dyn BufRead) -> io::Result<[u8; 4]> {
    let mut start = [0; 4];
    for (to, from) in start.iter_mut().zip(raw.fill_buf()?) {
        *to = *from;
    }
    Ok(start)
}

/// Tells whether what was read already holds a whole line more.
struct Live {
    inner: Box<dyn BufRead + Send>,
    /// Bytes that were read and are not consumed.
    left: usize,
    has_line: Arc<AtomicBool>,
}

impl Read for Live {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Live {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let buffer = self.inner.fill_buf()?;
        self.left = buffer.len();
        Ok(buffer)
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.left = self.left.saturating_sub(count);
        // Where something is left, this reads nothing.
        let has_line = self.left > 0 && self.inner.fill_buf().is_ok_and(|rest| rest.contains(&b'\n'));
        self.has_line.store(has_line, Ordering::Relaxed);
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Stops a stream that grows beyond all measure when it is decompressed.
struct Bounded {
    inner: Box<dyn Read + Send>,
    /// Compressed bytes that went in.
    read: Arc<AtomicU64>,
    /// Bytes that came out.
    given: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.given += count as u64;
        let most = ALWAYS
            .unsigned_abs()
            .saturating_add(MOST_GROWTH.unsigned_abs().saturating_mul(self.read.load(Ordering::Relaxed)));
        if self.given > most {
            let message = format!("it grows to more than {MOST_GROWTH} times its size when it is decompressed");
            return Err(io::Error::other(message));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let read = Arc::default();
        let counted = Counted { inner: io::Cursor::new(bytes), read: Arc::clone(&read) };
        let mut text = Vec::new();
        decompressed(BufReader::new(counted), &read)?.read_to_end(&mut text)?;
        Ok(text)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compression_is_told_by_content() {
        let text = b"a lighthouse\n".repeat(2000);
        let zstd = zstd::encode_all(&text[..], 3).unwrap();
        for bytes in [text.clone(), gzip(&text), zstd.clone()] {
            assert_eq!(read(bytes).unwrap(), text);
        }
        // Members and frames one after the other are one stream.
        assert_eq!(read([gzip(&text), gzip(&text)].concat()).unwrap().len(), 2 * text.len());
        assert_eq!(read([zstd.clone(), zstd].concat()).unwrap().len(), 2 * text.len());
        assert_eq!(read(b"ab".to_vec()).unwrap(), b"ab");
        assert_eq!(read(Vec::new()).unwrap(), b"");
    }

    #[test]
    fn truncated_streams_and_bombs_are_errors() {
        let text = b"a lighthouse\n".repeat(2000);
        for bytes in [gzip(&text), zstd::encode_all(&text[..], 3).unwrap()] {
            assert!(read(bytes[..bytes.len() / 2].to_vec()).is_err());
        }
        let bomb = zstd::encode_all(io::repeat(b'a').take(2 * ALWAYS.unsigned_abs()), 3).unwrap();
        assert!(read(bomb).is_err_and(|error| error.to_string().contains("300 times")));
    }
}
