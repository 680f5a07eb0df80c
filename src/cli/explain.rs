//! `promptgate explain`: one prompt, and how its decision came about.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use super::args::{Explain, Stages};
use super::check::read_stdin;
use super::human::{self, escaped};
use super::{Failure, status};
use crate::explain::{
    ExplainedField, ExplainedHit, ExplainedNode, ExplainedRule, ExplainedView, Explanation, HitKind, SilencedRule,
};
use crate::prompt::{Field, Prompt, Role, SegmentKind};
use crate::span::Span;

/// Most characters of a piece of text that a line shows.
const WIDTH: usize = 100;
/// Most lines of a section; JSON has all.
const LINES: usize = 40;

pub(super) fn run(stages: &Stages, command: &Explain) -> Result<ExitCode, Failure> {
    let text = match command.prompt.as_deref() {
        Some(text) if text != "-" => text.to_owned(),
        _ => read_stdin()?,
    };
    let moderator = stages.moderator()?;
    let prompt = Prompt { negative: command.negative.as_deref(), dialect: command.dialect, ..Prompt::new(&text) };
    let explanation = moderator.explain(prompt);
    let output = if command.json {
        let line = serde_json::to_string(&explanation)
            .map_err(|error| Failure::File("output".to_owned(), error.to_string()))?;
        line + "\n"
    } else {
        let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Page { text: String::new(), color }.explanation(&explanation, &prompt)
    };
    io::stdout().write_all(output.as_bytes()).map_err(|error| Failure::on_output("standard output", &error))?;
    Ok(status(explanation.decision.verdict))
}

/// The explanation as people read it, section by section. What comes from the prompt is escaped.
struct Page {
    text: String,
    color: bool,
}

impl Page {
    fn explanation(mut self, explanation: &Explanation, prompt: &Prompt<'_>) -> String {
        self.field("prompt", &explanation.prompt, prompt);
        if let Some(negative) = &explanation.negative {
            self.field("negative prompt", negative, prompt);
        }
        let readings = explanation.readings;
        let mut count = format!("readings: {}", readings.count);
        if readings.capped {
            count.push_str(", more than the policy admits: the last one holds all alternatives");
        } else if readings.together {
            count.push_str(", and all alternatives together");
        }
        if readings.count > 0 {
            self.head(&count);
        }
        self.section("views", explanation.views.iter().map(view));
        for (title, kind) in [
            ("hits", HitKind::Block),
            ("exceptions", HitKind::Allow),
            ("words for rules", HitKind::Context),
            ("words that wake rules", HitKind::Trigger),
        ] {
            self.section(title, explanation.hits.iter().filter(|one| one.kind == kind).map(hit));
        }
        self.section("rules", explanation.rules.iter().map(rule));
        self.section("silenced rules", explanation.silenced.iter().map(silenced));
        let texts = explanation.model_texts.iter().map(|text| vec![quoted(text)]);
        let title =
            if explanation.settled { "texts for models (a check would not ask them)" } else { "texts for models" };
        self.section(title, texts);
        self.head("decision");
        for line in human::decision(&explanation.decision, prompt, true).lines() {
            let _ = writeln!(self.text, "  {line}");
        }
        self.text
    }

    fn field(&mut self, title: &str, field: &ExplainedField, prompt: &Prompt<'_>) {
        let dialect = match (field.dialect, prompt.dialect, field.rival) {
            (None, _, _) => "too long to be read".to_owned(),
            (Some(dialect), Some(_), _) => format!("{dialect}, declared"),
            (Some(dialect), None, Some(rival)) => format!("{dialect}, detected; also read as {rival}"),
            (Some(dialect), None, None) => format!("{dialect}, detected"),
        };
        let mut rows = Vec::new();
        nodes(&field.nodes, 0, &mut rows);
        self.head(&format!("{title}: {dialect}"));
        self.rows(rows);
        let found = field.diagnostics.iter();
        self.section("no markup", found.map(|one| vec![place(Field::Prompt, one.span), one.message.to_owned()]));
    }

    fn head(&mut self, title: &str) {
        let (on, off) = if self.color { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
        let _ = writeln!(self.text, "{on}{title}{off}");
    }

    /// A title and rows under it, cells aligned; nothing where there are no rows.
    fn section(&mut self, title: &str, rows: impl Iterator<Item = Vec<String>>) {
        let rows: Vec<Vec<String>> = rows.collect();
        if !rows.is_empty() {
            self.head(title);
            self.rows(rows);
        }
    }

    fn rows(&mut self, mut rows: Vec<Vec<String>>) {
        let more = rows.len().saturating_sub(LINES);
        rows.truncate(LINES);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let mut line = String::from(" ");
            for (cell, &width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                let _ = write!(line, " {cell:<width$} ");
            }
            let _ = writeln!(self.text, "{}", line.trim_end());
        }
        if more > 0 {
            let _ = writeln!(self.text, "  and {more} more, see `--json`");
        }
    }
}

fn nodes(found: &[ExplainedNode], depth: usize, rows: &mut Vec<Vec<String>>) {
    let indent = "  ".repeat(depth);
    for node in found {
        match node {
            ExplainedNode::Segment { span, text, role, weight, kind } => rows.push(vec![
                format!("{indent}{}", place(Field::Prompt, *span)),
                role_name(*role).to_owned(),
                format!("{weight:.2}"),
                kind_name(*kind).to_owned(),
                quoted(text),
            ]),
            ExplainedNode::Choice(alternatives) => {
                for (index, alternative) in alternatives.iter().enumerate() {
                    rows.push(vec![format!("{indent}either {} of {}", index + 1, alternatives.len())]);
                    nodes(alternative, depth + 1, rows);
                }
            }
        }
    }
}

fn view(view: &ExplainedView) -> Vec<String> {
    let undone: Vec<String> = view
        .via
        .iter()
        .zip(&view.opened_by)
        .map(
            |(via, opened_by)| {
                if opened_by == &[*via] { (*via).to_owned() } else { format!("{via} ({})", opened_by.join(", ")) }
            },
        )
        .collect();
    let whole = if view.crossing { "across markup" } else { "" };
    let undone = if undone.is_empty() { "as written".to_owned() } else { undone.join(" > ") };
    let side =
        format!("{}{}", side(view.field, view.role), if view.kind == SegmentKind::Value { " value" } else { "" });
    vec![side, undone, whole.to_owned(), quoted(&view.text)]
}

fn hit(hit: &ExplainedHit) -> Vec<String> {
    let severity = hit.severity.map_or(String::new(), |severity| format!("({severity})"));
    let fate = match (&hit.excused_by, hit.role) {
        (Some(exception), _) => format!("excused by {}", escaped(exception, WIDTH)),
        (None, Role::Negative) => "on the negative side".to_owned(),
        (None, _) => String::new(),
    };
    vec![
        hit.category.map_or("any", |category| category.id()).to_owned(),
        format!("{} {severity}", escaped(&hit.term, WIDTH)).trim_end().to_owned(),
        place(hit.field, hit.span),
        quoted(&hit.text),
        via(&hit.via),
        fate,
    ]
}

fn rule(rule: &ExplainedRule) -> Vec<String> {
    let condition = rule.condition.map_or(String::new(), |condition| {
        let outcome = if condition.holds { "" } else { ", which no model gave" };
        format!("if {} >= {:.2}{outcome}", condition.category, condition.at_least)
    });
    vec![
        rule.category.id().to_owned(),
        format!("{} ({})", escaped(&rule.rule, WIDTH), rule.severity),
        place(rule.field, rule.span),
        quoted(&rule.text),
        via(&rule.via),
        condition,
        rule.verdict.id().to_owned(),
    ]
}

fn silenced(silenced: &SilencedRule) -> Vec<String> {
    let by = format!("by {}", escaped(&silenced.by, WIDTH));
    vec![escaped(&silenced.rule, WIDTH), by, place(silenced.field, silenced.span)]
}

fn place(field: Field, span: Span) -> String {
    let of = if field == Field::Negative { " of the negative prompt" } else { "" };
    format!("@{}..{}{of}", span.start, span.end)
}

fn via(via: &[&str]) -> String {
    if via.is_empty() { String::new() } else { format!("via {}", via.join(", ")) }
}

fn side(field: Field, role: Role) -> String {
    let field = match field {
        Field::Prompt => "prompt",
        Field::Negative => "negative prompt",
    };
    format!("{field} {}", role_name(role))
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Positive => "positive",
        Role::Negative => "negative",
        Role::Absent => "absent",
    }
}

fn kind_name(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Prose => "prose",
        SegmentKind::Value => "value",
    }
}

fn quoted(text: &str) -> String {
    format!("`{}`", escaped(text, WIDTH))
}
