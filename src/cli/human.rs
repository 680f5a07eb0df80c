//! Decisions for people. What comes from a prompt is escaped, so that it cannot steer a terminal.

use std::fmt::Write;

use crate::decision::{Decision, Reason, Verdict};
use crate::prompt::Prompt;

/// A reason in a few words: `lexicon gore-en:severed-head @10..22 via leet`.
pub(super) fn reason(reason: &Reason) -> String {
    let mut line = format!("{} {}", reason.stage.id(), reason.rule);
    if let Some(span) = reason.span {
        let _ = write!(line, " @{}..{}", span.start, span.end);
        if reason.field == crate::prompt::Field::Negative {
            line.push_str(" of the negative prompt");
        }
    }
    if !reason.via.is_empty() {
        let _ = write!(line, " via {}", reason.via.join(", "));
    }
    if let (Some(score), Some(threshold)) = (reason.score, reason.threshold) {
        let _ = write!(line, " score {score:.2} >= {threshold:.2}");
    }
    line
}

/// A decision over several lines, for `check`.
pub(super) fn decision(decision: &Decision, prompt: &Prompt<'_>, show_text: bool) -> String {
    let mut text = format!("{}\n", decision.verdict.id());
    for one in &decision.reasons {
        let severity = one.severity.map_or(String::new(), |severity| format!(" ({severity})"));
        let _ = writeln!(text, "  {}{severity}: {}", one.category, reason(one));
        let _ = writeln!(text, "      {}", one.clause);
        let field = if one.field == crate::prompt::Field::Negative { prompt.negative } else { Some(prompt.text) };
        let quoted = one.span.zip(field).filter(|_| show_text).and_then(|(span, field)| span.slice(field));
        if let Some(quoted) = quoted {
            let _ = writeln!(text, "      `{}`", escaped(quoted, 100));
        }
    }
    if let Some(scores) = decision.scores {
        let scores: Vec<String> = scores.iter().map(|(category, score)| format!("{category} {score:.3}")).collect();
        let _ = writeln!(text, "  scores: {} ({})", scores.join(", "), decision.model.as_deref().unwrap_or("no model"));
    }
    if let Some(message) = &decision.user_message {
        let _ = writeln!(text, "  to the user: {message}");
    }
    if let Some(degraded) = decision.degraded {
        let _ = writeln!(text, "  degraded: {degraded}");
    }
    let _ = writeln!(text, "  policy: {}", decision.policy);
    text
}

/// A row of the table of `scan`.
pub(super) fn row(id: &str, decision: &Decision, text: Option<&str>) -> String {
    let mark = match decision.verdict {
        Verdict::Allow => "allow ",
        Verdict::Review => "REVIEW",
        Verdict::Block => "BLOCK ",
    };
    let mut line = format!("{:<10} {mark} ", escaped(id, 24));
    if let Some(text) = text {
        let _ = write!(line, "{:<62} ", escaped(text, 62));
    }
    let reasons: Vec<String> =
        decision.reasons.iter().map(|one| format!("{}: {}", one.category, reason(one))).collect();
    line.push_str(&reasons.join("; "));
    let mut line = line.trim_end().to_owned();
    line.push('\n');
    line
}

/// At most `width` characters of `text`, without anything a terminal would act upon.
pub(super) fn escaped(text: &str, width: usize) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count + 1 >= width && text.chars().nth(width).is_some() {
            out.push('…');
            break;
        }
        match character {
            '\n' | '\t' | '\r' => out.push(' '),
            // Controls, and formatting characters that reorder or hide text.
            _ if character.is_control()
                || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}') =>
            {
                let _ = write!(out, "{}", character.escape_unicode());
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn prompts_cannot_steer_the_terminal() {
        assert_eq!(escaped("a\u{1b}[2Jb\u{202e}c\nd", 80), "a\\u{1b}[2Jb\\u{202e}c d");
        assert_eq!(escaped("abcdef", 4), "abc…");
        assert_eq!(escaped("abcd", 4), "abcd");
    }
}
