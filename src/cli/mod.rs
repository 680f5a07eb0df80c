//! The command line: the only part that prints, reads the environment and exits.
//!
//! Exit status: 0 everything allowed (or no faulty list or policy), 1 something blocked or to be reviewed (or a fault), 2 an error, even if
//! the rest was scanned.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is this module's job")]

mod args;
mod bench;
mod check;
mod diff;
mod eval;
mod explain;
mod human;
mod input;
mod lint;
mod memory;
mod page;
mod policy;
mod preview;
mod scan;
mod source;
mod table;

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::decision::Verdict;
use crate::error::LoadError;
use args::{Args, Command, PolicyCommand, WordlistCommand};

/// What went wrong, to be printed once.
#[derive(Debug)]
enum Failure {
    /// A policy, list, rule or model.
    Load(LoadError),
    /// A file, by its place, and what was wrong with it.
    File(String, String),
    /// What was wrong with a row, its place included.
    Row(String),
    /// The reader of our output has gone: no error.
    Closed,
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl Failure {
    /// An error on writing the output; a closed pipe is none.
    fn on_output(place: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        Self::File(place.to_owned(), format!("cannot be written: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => {
                write!(f, "{error}")?;
                match error.source() {
                    Some(cause) => write!(f, ": {cause}"),
                    None => Ok(()),
                }
            }
            Self::File(place, message) => write!(f, "{place}: {message}"),
            Self::Row(message) => f.write_str(message),
            Self::Closed => Ok(()),
        }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let args = Args::parse();
    if args.command.reads_logs() {
        memory::give_back();
    }
    let done = match args.command {
        Command::Check(command) => check::run(&args.stages, &command),
        Command::Explain(command) => explain::run(&args.stages, &command),
        Command::Wordlist { command: WordlistCommand::Lint(command) } => lint::run(&args.stages, &command),
        Command::Wordlist { command: WordlistCommand::Preview(command) } => preview::run(&args.stages, &command),
        Command::Policy { command: PolicyCommand::Diff(command) } => diff::run(&args.stages, &command),
        Command::Scan(command) => scan::run(&args.stages, &command),
        Command::Merge(command) => scan::merge::run(&command),
        Command::Eval(command) => eval::run(&args.stages, &command),
        Command::Bench(command) => bench::run(&args.stages, &command),
        Command::Policy { command: PolicyCommand::Lint(command) } => policy::lint(&args.stages, &command),
        Command::Policy { command: PolicyCommand::Show(command) } => policy::show(&args.stages, &command),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "promptgate", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|failure| match failure {
        Failure::Closed => ExitCode::SUCCESS,
        failure => {
            tell(format_args!("promptgate: {failure}"));
            ExitCode::from(2)
        }
    })
}

/// Says something on standard error; where nobody can hear it, work goes on.
fn tell(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints an answer.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::on_output("standard output", &error))
}

/// The exit status for the worst verdict seen.
fn status(worst: Verdict) -> ExitCode {
    ExitCode::from(u8::from(worst > Verdict::Allow))
}
