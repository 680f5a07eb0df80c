//! The command as a user meets it, for tests that run it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

pub fn promptgate_with(args: &[&str], stdin: &[u8], env: &[(&str, &str)]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_promptgate"))
        .args(args)
        .envs(env.iter().copied())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A run that refuses its arguments may not read its input.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

pub fn promptgate(args: &[&str], stdin: &str) -> Run {
    promptgate_with(args, stdin.as_bytes(), &[])
}

/// What a snapshot holds: hashes, scores and times change with every list, model and machine.
pub fn shown(run: &Run, folder: &Path) -> String {
    let text = format!("exit: {}\n--- stdout\n{}--- stderr\n{}", run.code, run.stdout, run.stderr);
    text.replace(&folder.display().to_string(), "DIR")
}

macro_rules! snapshot {
    ($name:expr, $run:expr, $folder:expr) => {
        insta::with_settings!({filters => vec![
            (r"@[0-9a-f]{12}", "@HASH"),
            (r"\b0\.\d{3,4}\b", "SCORE"),
            (r"in \d+\.\d+ s, \d+ prompts/s", "in TIME"),
        ]}, {
            insta::assert_snapshot!($name, shown(&$run, $folder));
        });
    };
}

pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
