//! The `promptgate` command: everything is in [`promptgate::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    promptgate::cli::run()
}
