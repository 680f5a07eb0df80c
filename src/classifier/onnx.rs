//! ONNX models: `tokenizers` in front, ONNX Runtime behind, one prompt at a time.
//!
//! Dynamic 8-bit quantization is not batch-invariant (a crafted batch-mate can move a score), so every window runs alone.
//! A session has one thread; a model has as many sessions as callers need, up to one a core.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;
use sha2::{Digest, Sha256};
use tokenizers::Tokenizer;

use super::{Classified, Classifier, Manifest};
use crate::category::Category;
use crate::decision::Scores;
use crate::error::{ClassifyError, LoadError};
use crate::hash::{SHORT, hex};

/// Name of the ONNX Runtime library on this platform.
#[cfg(target_os = "macos")]
const LIBRARY: &str = "libonnxruntime.dylib";
/// Name of the ONNX Runtime library on this platform.
#[cfg(target_os = "windows")]
const LIBRARY: &str = "onnxruntime.dll";
/// Name of the ONNX Runtime library on this platform.
#[cfg(not(any(target_os = "macos", target_os = "windows")))]
const LIBRARY: &str = "libonnxruntime.so";

/// The files of a model folder, in memory.
pub(crate) struct ModelFiles {
    /// Names the folder in errors.
    pub(crate) place: String,
    /// `model.toml`.
    pub(crate) manifest: Cow<'static, str>,
    /// `tokenizer.json`.
    pub(crate) tokenizer: Cow<'static, [u8]>,
    /// `model.onnx`.
    pub(crate) graph: Cow<'static, [u8]>,
}

/// Where further sessions get the graph from.
enum Graph {
    Compiled(&'static [u8]),
    /// A file and its hash: read again when it is needed, rather than kept beside the sessions made of it.
    File(PathBuf, String),
}

impl Graph {
    fn bytes(&self) -> Result<Cow<'static, [u8]>, String> {
        match self {
            Self::Compiled(bytes) => Ok(Cow::Borrowed(bytes)),
            Self::File(path, expected) => {
                let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let found = hex(&Sha256::digest(&bytes));
                if found == *expected {
                    Ok(bytes.into())
                } else {
                    Err(format!("{}: sha256 is {found} now, it was {expected} when it was loaded", path.display()))
                }
            }
        }
    }
}

/// Tokenizers by the hash of their file: models that read alike share one.
#[derive(Default)]
pub(crate) struct Tokenizers(Vec<(String, Arc<Tokenizer>)>);

impl Tokenizers {
    /// The tokenizer of a file, read once.
    fn get(&mut self, digest: &str, json: &[u8]) -> Result<Arc<Tokenizer>, String> {
        if let Some((_, tokenizer)) = self.0.iter().find(|(known, _)| known == digest) {
            return Ok(Arc::clone(tokenizer));
        }
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(|error| error.to_string())?;
        // Windows are cut and run one by one here, whatever the file says.
        tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
        tokenizer.with_padding(None);
        let tokenizer = Arc::new(tokenizer);
        self.0.push((digest.to_owned(), Arc::clone(&tokenizer)));
        Ok(tokenizer)
    }
}

/// A model of `models/<name>/`: text in, one score per label out.
pub struct OnnxClassifier {
    name: String,
    manifest: Manifest,
    tokenizer: Arc<Tokenizer>,
    /// The ids that frame every window.
    frame: (u32, u32),
    graph: Graph,
    pool: Pool,
    deadline: Duration,
}

impl OnnxClassifier {
    /// Reads `model.toml`, `tokenizer.json` and `model.onnx` from `folder`.
    ///
    /// # Errors
    ///
    /// A missing file, a hash that differs, a manifest, tokenizer or graph that does not fit, or no ONNX Runtime library.
    pub fn load(folder: &Path, deadline: Duration) -> Result<Self, LoadError> {
        Self::load_sharing(folder, deadline, &mut Tokenizers::default())
    }

    /// As [`load`](Self::load), with tokenizers that other models have read.
    pub(crate) fn load_sharing(
        folder: &Path,
        deadline: Duration,
        tokenizers: &mut Tokenizers,
    ) -> Result<Self, LoadError> {
        let read = |file: &str| {
            let path = folder.join(file);
            std::fs::read(&path).map_err(|error| {
                LoadError::new(path.display().to_string(), format!("cannot be read: {error}, expected a model file"))
            })
        };
        let manifest = String::from_utf8(read("model.toml")?).map_err(|_| {
            LoadError::new(folder.join("model.toml").display().to_string(), "invalid UTF-8, expected TOML")
        })?;
        let files = ModelFiles {
            place: folder.display().to_string(),
            manifest: manifest.into(),
            tokenizer: read("tokenizer.json")?.into(),
            graph: read("model.onnx")?.into(),
        };
        Self::from_files(&files, deadline, tokenizers)
    }

    /// Builds the classifier from files in memory and runs it, so that misfits show now and the first caller does not wait.
    pub(crate) fn from_files(
        files: &ModelFiles,
        deadline: Duration,
        tokenizers: &mut Tokenizers,
    ) -> Result<Self, LoadError> {
        let fail = |file: &str, error: String| LoadError::new(format!("{}/{file}", files.place), error);
        let manifest = Manifest::parse(&format!("{}/model.toml", files.place), &files.manifest)?;
        let checked = |file: &str, bytes: &[u8]| {
            let digest = hex(&Sha256::digest(bytes));
            match manifest.sha256.get(file) {
                Some(expected) if *expected == digest => Ok(digest),
                Some(expected) => Err(fail(file, format!("sha256 is {digest}, model.toml expected {expected}"))),
                None => Err(fail("model.toml", format!("no `sha256` of `{file}`, expected one"))),
            }
        };
        let reads = checked("tokenizer.json", &files.tokenizer)?;
        let weighs = checked("model.onnx", &files.graph)?;
        let tokenizer = tokenizers
            .get(&reads, &files.tokenizer)
            .map_err(|error| fail("tokenizer.json", format!("{error}, expected a tokenizer of this version")))?;
        let framing = |token: &String| {
            tokenizer.token_to_id(token).ok_or_else(|| {
                fail("tokenizer.json", format!("no token `{token}`, expected the `frame` of model.toml"))
            })
        };
        let [first, last] = &manifest.frame;
        let classifier = Self {
            name: format!("{}@{}", manifest.name, weighs.get(..SHORT).unwrap_or(&weighs)),
            frame: (framing(first)?, framing(last)?),
            tokenizer,
            graph: match files.graph {
                Cow::Borrowed(bytes) => Graph::Compiled(bytes),
                Cow::Owned(_) => Graph::File(Path::new(&files.place).join("model.onnx"), weighs),
            },
            pool: Pool::new(available_parallelism().map_or(1, usize::from)),
            deadline,
            manifest,
        };
        let mut session = open_session(&files.graph).map_err(|error| fail("model.onnx", error))?;
        if session.inputs().iter().map(ort::value::Outlet::name).ne(["input_ids"])
            || !session.outputs().iter().any(|output| output.name() == "scores")
        {
            return Err(fail("model.onnx", "inputs or outputs differ, expected `input_ids` and `scores`".to_owned()));
        }
        let count = Category::SCORED.len();
        classifier
            .score(&mut session, "a lighthouse at dusk")
            .map_err(|error| fail("model.onnx", format!("{error}, expected {count} scores of 0 to 1")))?;
        // The last token there is, as often as a window may hold it: both tables of the graph are long enough.
        let tokens = classifier.tokenizer.get_vocab_size(true);
        let longest = vec![u32::try_from(tokens).unwrap_or(0).saturating_sub(1); classifier.manifest.max_tokens - 2];
        classifier.run(&mut session, &longest).map_err(|error| {
            let asked = classifier.manifest.max_tokens;
            let expected = format!("expected a graph for windows of {asked} of the {tokens} tokens of tokenizer.json");
            fail("model.onnx", format!("{error}, {expected}"))
        })?;
        classifier.pool.put(session);
        Ok(classifier)
    }

    /// The manifest the model came with.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The highest scores of the windows of a text.
    fn score(&self, session: &mut Session, text: &str) -> Result<Classified, ClassifyError> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|error| self.failed(&error.to_string()))?;
        let mut best: Option<Classified> = None;
        for window in windows(encoding.get_ids(), self.manifest.max_tokens - 2, self.manifest.overlap_tokens) {
            let classified = self.run(session, window)?;
            best = Some(best.map_or(classified, |best| best.max(classified)));
        }
        best.ok_or_else(|| self.failed("no window"))
    }

    /// The scores of one window, which is framed here.
    fn run(&self, session: &mut Session, window: &[u32]) -> Result<Classified, ClassifyError> {
        let failed = |error: ort::Error| self.failed(&error.to_string());
        let (first, last) = self.frame;
        let ids: Vec<i64> = std::iter::once(first).chain(window.iter().copied()).chain([last]).map(i64::from).collect();
        let input = TensorRef::from_array_view(([1, ids.len()], &ids[..])).map_err(failed)?;
        let output = session.run(ort::inputs!["input_ids" => input]).map_err(failed)?;
        let (_, scores) = output["scores"].try_extract_tensor::<f32>().map_err(failed)?;
        let scores: [f32; Category::SCORED.len()] = scores
            .try_into()
            .map_err(|_| self.failed(&format!("{} scores, expected {}", scores.len(), Category::SCORED.len())))?;
        let foreign = match output.get("foreign") {
            None => 0.0,
            Some(value) => match value.try_extract_tensor::<f32>().map_err(failed)?.1 {
                [foreign] => *foreign,
                other => return Err(self.failed(&format!("{} values of `foreign`, expected 1", other.len()))),
            },
        };
        if !scores.iter().chain([&foreign]).all(|score| (0.0..=1.0).contains(score)) {
            return Err(self.failed("a score that is not between 0 and 1"));
        }
        Ok(Classified { scores: Scores(scores), foreign })
    }

    fn failed(&self, error: &str) -> ClassifyError {
        ClassifyError::failed(format!("model `{}`: {error}", self.manifest.name))
    }
}

impl Classifier for OnnxClassifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn classify(&self, batch: &[&str]) -> Result<Vec<Classified>, ClassifyError> {
        let open = || self.graph.bytes().and_then(|graph| open_session(&graph)).map_err(|error| self.failed(&error));
        // A session for each text: a long batch keeps nobody waiting.
        let classify = |text: &&str| {
            let mut session = self.pool.take(self.deadline, open)?;
            let classified = self.score(&mut session, text);
            self.pool.put(session);
            classified
        };
        batch.iter().map(classify).collect()
    }

    fn came_with(&self) -> Option<&Manifest> {
        Some(&self.manifest)
    }
}

fn open_session(graph: &[u8]) -> Result<Session, String> {
    let open = || -> Result<Session, String> {
        Session::builder(environment()?)
            .map_err(|error| error.to_string())?
            .with_intra_threads(1)
            .map_err(|error| error.to_string())?
            .with_inter_threads(1)
            .map_err(|error| error.to_string())?
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(|error| error.to_string())?
            .with_device_allocated_initializers()
            .map_err(|error| error.to_string())?
            .commit_from_memory(graph)
            .map_err(|error| error.to_string())
    };
    open()
}

/// Windows of at most `size` ids, `overlap` of them shared; one empty window for no ids.
fn windows(ids: &[u32], size: usize, overlap: usize) -> impl Iterator<Item = &[u32]> {
    let step = size - overlap;
    let count = 1 + ids.len().saturating_sub(size).div_ceil(step);
    (0..count).map(move |index| ids.get(index * step..(index * step + size).min(ids.len())).unwrap_or_default())
}

/// Sessions waiting for callers, or callers for sessions: who waits goes before who comes later.
struct Pool<T = Session> {
    idle: Mutex<Idle<T>>,
    freed: Condvar,
    most: usize,
}

struct Idle<T> {
    sessions: Vec<T>,
    /// Sessions there are, idle or at work.
    open: usize,
    /// The numbers of those who wait, the first one first.
    queue: VecDeque<u64>,
    /// The number of the next one.
    next: u64,
}

impl<T> Pool<T> {
    fn new(most: usize) -> Self {
        let idle = Idle { sessions: Vec::new(), open: 0, queue: VecDeque::new(), next: 0 };
        Self { idle: Mutex::new(idle), freed: Condvar::new(), most }
    }

    /// A panic while the lock is held cannot leave the pool inconsistent, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, Idle<T>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle session, a new one, or the next that comes free within `deadline`.
    fn take(&self, deadline: Duration, open: impl FnOnce() -> Result<T, ClassifyError>) -> Result<T, ClassifyError> {
        let until = Instant::now() + deadline;
        let mut idle = self.lock();
        if idle.queue.is_empty() {
            if let Some(session) = idle.sessions.pop() {
                return Ok(session);
            }
            if idle.open < self.most {
                idle.open += 1;
                drop(idle);
                return open().inspect_err(|_| self.lock().open -= 1);
            }
        }
        let own = idle.next;
        idle.next += 1;
        idle.queue.push_back(own);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let session = if idle.queue.front() == Some(&own) { idle.sessions.pop() } else { None };
            if session.is_some() || left.is_zero() {
                idle.queue.retain(|number| *number != own);
                // Whoever is the first now may find a session.
                self.freed.notify_all();
                return session.ok_or_else(ClassifyError::deadline);
            }
            idle = self.freed.wait_timeout(idle, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn put(&self, session: T) {
        let mut idle = self.lock();
        idle.sessions.push(session);
        idle.open = idle.open.max(idle.sessions.len());
        if !idle.queue.is_empty() {
            self.freed.notify_all();
        }
    }
}

/// The one environment a process may have.
fn environment() -> Result<&'static Environment, String> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    ENVIRONMENT
        .get_or_init(|| {
            let library = library();
            let advice = |error: String| {
                format!(
                    "ONNX Runtime cannot be loaded from `{}` ({error}), expected version 1.24 or later: run `make runtime`, \
                     or set ORT_DYLIB_PATH to the library",
                    library.display()
                )
            };
            ort::init_from(&library)
                .map_err(|error| advice(error.to_string()))?
                .with_telemetry(false)
                .build()
                .map_err(|error| advice(error.to_string()))
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// `ORT_DYLIB_PATH`, else beside the executable, else `runtime/` in a folder above it, else the loader's path.
fn library() -> PathBuf {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        return path.into();
    }
    let beside = executable().parent().map(|folder| folder.join(LIBRARY)).filter(|path| path.is_file());
    beside.or_else(|| above_executable(&format!("runtime/{LIBRARY}"))).unwrap_or_else(|| LIBRARY.into())
}

/// Something in a folder above the executable: target/release/promptgate finds what lies in its checkout, an installed
/// bin/promptgate what lies beside its bin/.
pub(crate) fn above_executable(name: &str) -> Option<PathBuf> {
    executable().ancestors().skip(2).take(4).map(|folder| folder.join(name)).find(|path| path.exists())
}

fn executable() -> PathBuf {
    std::env::current_exe().and_then(std::fs::canonicalize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::{Pool, windows};
    use crate::error::ClassifyError;

    /// Longer than any step of a test takes.
    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn who_waits_for_a_session_goes_before_who_comes_back() {
        let pool = Pool::new(1);
        let none = || Err(ClassifyError::failed("one session is all there is"));
        let held = pool.take(LONG, || Ok(7)).unwrap();
        let served = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let session = pool.take(LONG, none).unwrap();
                served.store(true, Ordering::SeqCst);
                pool.put(session);
            });
            while pool.lock().queue.is_empty() {
                thread::yield_now();
            }
            pool.put(held);
            // Were there no queue, this would be the quicker one.
            assert_eq!(pool.take(LONG, none).unwrap(), 7);
            assert!(served.load(Ordering::SeqCst));
            assert!(pool.take(Duration::ZERO, none).is_err_and(|error| error.is_deadline()));
            pool.put(7);
        });
        let idle = pool.lock();
        assert_eq!((idle.queue.len(), idle.sessions.len()), (0, 1));
    }

    #[test]
    fn windows_cover_every_id() {
        let ids: Vec<u32> = (0..100).collect();
        let windows: Vec<&[u32]> = windows(&ids, 40, 10).collect();
        assert_eq!(windows.iter().map(|window| window.len()).collect::<Vec<_>>(), [40, 40, 40]);
        assert_eq!(windows[2][39], 99);
        assert_eq!(super::windows(&[], 40, 10).count(), 1);
        assert_eq!(super::windows(&ids[..40], 40, 10).count(), 1);
        assert_eq!(super::windows(&ids[..41], 40, 10).map(<[u32]>::len).collect::<Vec<_>>(), [40, 11]);
    }
}
