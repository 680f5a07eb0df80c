//! Tables, as pages and terminals show them.

use std::fmt::Write;

use super::human::escaped;

/// Most characters of a cell.
const CELL: usize = 48;
/// Most characters of a quoted prompt.
const QUOTED: usize = 94;

/// Where cells stand in their column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Align {
    Left,
    Right,
}

/// Rows of cells as read, not escaped.
pub(in crate::cli) struct Table {
    pub(in crate::cli) title: String,
    pub(in crate::cli) notes: Vec<String>,
    pub(in crate::cli) columns: Vec<(String, Align)>,
    pub(in crate::cli) lines: Vec<Line>,
    /// Most lines that the terminal shows; none of a table for the page alone.
    pub(in crate::cli) terminal_lines: usize,
}

pub(in crate::cli) struct Line {
    pub(in crate::cli) cells: Vec<String>,
    /// What stands below the cells, over their whole width.
    pub(in crate::cli) below: Option<String>,
}

impl Table {
    /// A table whose first column is text and whose others are numbers.
    pub(in crate::cli) fn numbers(title: impl Into<String>, columns: &[&str]) -> Self {
        let align = |index| if index == 0 { Align::Left } else { Align::Right };
        let columns = columns.iter().enumerate().map(|(index, &name)| (name.to_owned(), align(index)));
        Self {
            title: title.into(),
            notes: Vec::new(),
            columns: columns.collect(),
            lines: Vec::new(),
            terminal_lines: usize::MAX,
        }
    }

    pub(in crate::cli) fn texts(title: &str, columns: &[&str]) -> Self {
        let mut table = Self::numbers(title, columns);
        for (_, align) in &mut table.columns {
            *align = Align::Left;
        }
        table
    }

    pub(in crate::cli) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(in crate::cli) fn page_only(self) -> Self {
        self.with_terminal_lines(0)
    }

    pub(in crate::cli) fn with_terminal_lines(self, terminal_lines: usize) -> Self {
        Self { terminal_lines, ..self }
    }

    pub(in crate::cli) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.lines.push(Line { cells: cells.into_iter().collect(), below: None });
    }
}

/// Writes a table for a terminal, 100 columns wide unless names are long. What comes from rows is escaped.
pub(in crate::cli) fn write_table(out: &mut String, table: &Table) {
    let lines = table.lines.get(..table.terminal_lines).unwrap_or(&table.lines);
    let left_out = table.lines.len() - lines.len();
    let cells: Vec<Vec<String>> =
        lines.iter().map(|line| line.cells.iter().map(|cell| escaped(cell, CELL)).collect()).collect();
    let width = |(column, (name, _)): (usize, &(String, Align))| {
        let widest = cells.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        widest.unwrap_or(0).max(escaped(name, CELL).chars().count())
    };
    let widths: Vec<usize> = table.columns.iter().enumerate().map(width).collect();
    let _ = writeln!(out, "{}", escaped(&table.title, usize::MAX));
    for note in &table.notes {
        let _ = writeln!(out, "  {note}");
    }
    let names: Vec<String> = table.columns.iter().map(|(name, _)| escaped(name, CELL)).collect();
    write_line(out, &names, table, &widths);
    for (line, cells) in lines.iter().zip(&cells) {
        write_line(out, cells, table, &widths);
        if let Some(below) = &line.below {
            let _ = writeln!(out, "    `{}`", escaped(below, QUOTED));
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "  ... and {left_out} more");
    }
}

fn write_line(out: &mut String, cells: &[String], table: &Table, widths: &[usize]) {
    let mut line = String::from(" ");
    for (cell, (width, (_, align))) in cells.iter().zip(widths.iter().zip(&table.columns)) {
        let _ = match align {
            Align::Left => write!(line, " {cell:<width$} "),
            Align::Right => write!(line, " {cell:>width$} "),
        };
    }
    let _ = writeln!(out, "{}", line.trim_end());
}
