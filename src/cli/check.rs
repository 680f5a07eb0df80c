//! `promptgate check`: one prompt.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use super::args::{Check, Stages};
use super::{Failure, human, status};
use crate::prompt::Prompt;

pub(super) fn run(stages: &Stages, command: &Check) -> Result<ExitCode, Failure> {
    let text = match command.prompt.as_deref() {
        Some(text) if text != "-" => text.to_owned(),
        _ => read_stdin()?,
    };
    let moderator = stages.moderator()?;
    let mut prompt = Prompt::new(&text);
    prompt.negative = command.negative.as_deref();
    prompt.dialect = command.dialect;
    prompt.thorough = command.second_opinion;
    let decision = moderator.check(prompt);
    let output = if command.json {
        let record = decision.record(None).with_prompt(command.show_text.then_some(text.as_str()));
        let line =
            serde_json::to_string(&record).map_err(|error| Failure::File("output".to_owned(), error.to_string()))?;
        line + "\n"
    } else {
        human::decision(&decision, &prompt, command.show_text)
    };
    io::stdout().write_all(output.as_bytes()).map_err(|error| Failure::on_output("standard output", &error))?;
    Ok(status(decision.verdict))
}

/// Everything on standard input but the line end that `echo` adds. Bytes that are no UTF-8 become U+FFFD.
pub(super) fn read_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| {
        Failure::File("standard input".to_owned(), format!("cannot be read: {error}, expected a prompt"))
    })?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}
