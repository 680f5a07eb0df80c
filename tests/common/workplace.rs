//! The command in a folder of its own, with invented word lists.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

/// What a run of the command said.
pub struct Run {
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Run {
    /// Of a child whose output is piped; `stdin` is written to it if that is piped too.
    pub fn of(mut child: Child, stdin: Vec<u8>) -> Self {
        let pipe = child.stdin.take();
        let writer = pipe.map(|mut pipe| {
            // A run that refuses its arguments may not read its input.
            thread::spawn(move || drop(pipe.write_all(&stdin)))
        });
        let output = child.wait_with_output().unwrap();
        if let Some(writer) = writer {
            writer.join().unwrap();
        }
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("panicked"), "{stderr}");
        Self { stdout: output.stdout, stderr, code: output.status.code() }
    }

    /// Standard output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// The lines of standard output as JSON.
    pub fn rows(&self) -> Vec<serde_json::Value> {
        json_lines(&self.stdout)
    }

    /// Ended with `code` and said all of `words` on standard error, where that is one line.
    #[track_caller]
    pub fn says(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in: {}", self.stderr);
        }
        self
    }

    /// Refused its arguments, with all of `words` in the one line it said.
    #[track_caller]
    pub fn refuses(&self, words: &[&str]) {
        self.says(2, words);
        assert_eq!((self.stdout.len(), self.stderr.lines().count()), (0, 1), "{}", self.stderr);
    }
}

/// Sends a signal.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(sent.success());
}

/// Lines of JSON.
pub fn json_lines(bytes: &[u8]) -> Vec<serde_json::Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// A folder with a policy that the invented lists of `tests/fixtures` cannot disturb.
pub struct Workplace {
    folder: tempfile::TempDir,
    stages: Vec<String>,
}

impl Workplace {
    pub fn new() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().unwrap();
        let default = fs::read_to_string(here.join("src/policy/default.toml")).unwrap();
        fs::write(folder.path().join("policy.toml"), default.split("# Promises").next().unwrap()).unwrap();
        let lists = here.join("tests/fixtures/wordlists");
        let stages = ["--no-models", "--wordlists", lists.to_str().unwrap(), "--policy", "policy.toml"];
        Self { folder, stages: stages.map(str::to_owned).to_vec() }
    }

    /// The command with `args`, separated by spaces, running in the folder.
    pub fn command(&self, args: &str) -> Command {
        self.command_with(&self.stages.iter().map(String::as_str).collect::<Vec<_>>(), args)
    }

    /// The same with other stages.
    pub fn command_with(&self, stages: &[&str], args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promptgate"));
        command.args(stages).args(args.split_whitespace()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &str) -> Run {
        Run::of(self.command(args).spawn().unwrap(), Vec::new())
    }

    /// `scan` with `args`.
    pub fn scan(&self, args: &str) -> Run {
        self.run(&format!("scan {args}"))
    }

    /// `scan` of what comes through a pipe.
    pub fn scan_piped(&self, args: &str, stdin: impl Into<Vec<u8>>) -> Run {
        let child = self.command(&format!("scan {args}")).stdin(Stdio::piped()).spawn().unwrap();
        Run::of(child, stdin.into())
    }

    /// A run of the command in a shell, which calls it `$promptgate`, its stages included.
    pub fn shell(&self, script: &str) -> Run {
        let mut command = Command::new("sh");
        let stages = self.stages.join(" ");
        command.arg("-c").arg(script).env("promptgate", format!("{} {stages}", env!("CARGO_BIN_EXE_promptgate")));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Run::of(command.spawn().unwrap(), Vec::new())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Writes a file, and the folders it lies in.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    #[track_caller]
    pub fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    #[track_caller]
    pub fn read_json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Removes a file or a folder, if it is there.
    pub fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { drop(fs::remove_file(path)) }
    }
}
