//! Tables on a terminal, 100 columns wide unless names are long. What comes from rows is escaped.

use std::fmt::Write;

use super::report::Report;
use super::tables::{Align, Table, heading, tables};
use crate::cli::human::escaped;

/// Most characters of a cell.
const CELL: usize = 48;
/// Most characters of a quoted prompt.
const QUOTED: usize = 94;

/// The whole report.
pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    for line in heading(report) {
        let _ = writeln!(out, "{}", escaped(&line, usize::MAX));
    }
    for table in tables(report).iter().filter(|table| table.terminal_lines > 0) {
        out.push('\n');
        write_table(&mut out, table);
    }
    out
}

fn write_table(out: &mut String, table: &Table) {
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
        let _ = writeln!(out, "  ... and {left_out} more in `--json` and `--html`");
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
