//! Tables on a terminal, 100 columns wide unless names are long. What comes from rows is escaped.

use std::fmt::Write;

use super::report::Report;
use super::tables::{heading, tables};
use crate::cli::human::escaped;
use crate::cli::table::write_table;

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
