//! Pages that load nothing: no script, no font, no picture from elsewhere.

use std::fmt::Write as _;

use super::table::{Align, Table};

const STYLE: &str = "
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 78em; padding: 0 1em; color: #222; background: #fff }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin: 2em 0 .4em } p { margin: .2em 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .15em .7em; text-align: left; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }
th:first-child, td:first-child { min-width: 8em }
th { border-bottom: 2px solid #999 } .n { text-align: right; white-space: nowrap }
.wide { overflow-x: auto } .charts { display: flex; flex-wrap: wrap; gap: .5em } .charts svg { max-width: 100%; height: auto }
.quoted { color: #555; padding-left: 2.5em }
.this { color: #1f62ad } .against { color: #cc6600 }
";

/// The start of a page, up to its heading.
pub(in crate::cli) fn start(title: &str, heading: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
        escaped(title),
        escaped(heading)
    )
}

/// The end of a page.
pub(in crate::cli) const END: &str = "</body>\n</html>\n";

/// Writes a table.
pub(in crate::cli) fn write_table(out: &mut String, table: &Table) {
    let class = |align: Align| if align == Align::Right { " class=\"n\"" } else { "" };
    let _ = writeln!(out, "<h2>{}</h2>", escaped(&table.title));
    for note in &table.notes {
        let _ = writeln!(out, "<p>{}</p>", escaped(note));
    }
    out.push_str("<div class=\"wide\"><table>\n<tr>");
    for (name, align) in &table.columns {
        let _ = write!(out, "<th{}>{}</th>", class(*align), escaped(name));
    }
    out.push_str("</tr>\n");
    for line in &table.lines {
        out.push_str("<tr>");
        for (cell, (_, align)) in line.cells.iter().zip(&table.columns) {
            let _ = write!(out, "<td{}>{}</td>", class(*align), escaped(cell));
        }
        out.push_str("</tr>\n");
        if let Some(below) = &line.below {
            let width = table.columns.len();
            let _ = writeln!(out, "<tr><td class=\"quoted\" colspan=\"{width}\">{}</td></tr>", escaped(below));
        }
    }
    out.push_str("</table></div>\n");
}

/// Text that no browser takes for markup; what a terminal would act upon is spelled out as it is there.
pub(in crate::cli) fn escaped(text: &str) -> String {
    crate::cli::human::escaped(text, usize::MAX)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_is_no_markup() {
        assert_eq!(
            escaped("<img src=x onerror='a&b'>\u{202e}"),
            "&lt;img src=x onerror=&#39;a&amp;b&#39;&gt;\\u{202e}"
        );
    }
}
