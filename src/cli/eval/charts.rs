//! Curves as SVG, drawn without fonts or files.

use plotters::prelude::*;

use crate::cli::Failure;
use crate::eval::CurvePoint;

/// Pixels.
const SIZE: (u32, u32) = (360, 300);
/// Most points of a line: more than there are pixels would only make the page heavy.
const POINTS: usize = 400;
/// Of the system and of the one it is held against.
const COLORS: [RGBColor; 2] = [RGBColor(31, 98, 173), RGBColor(204, 102, 0)];

/// Points of a line, both coordinates 0 to 1.
pub(super) type Points = Vec<(f64, f64)>;

/// What a chart shows.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    /// One line a system, with or without its points marked.
    pub(super) lines: Vec<Points>,
    pub(super) marked: bool,
    /// Whether the diagonal means something: chance, or perfect calibration.
    pub(super) diagonal: bool,
}

/// Precision over recall, step by step as average precision counts it.
pub(super) fn precision_recall(curve: &[CurvePoint]) -> Points {
    let mut points = Vec::new();
    let mut recall = 0.0;
    for point in thinned(curve) {
        points.push((recall, point.precision));
        points.push((point.recall, point.precision));
        recall = point.recall;
    }
    points
}

/// Recall over the false-positive rate.
pub(super) fn roc(curve: &[CurvePoint]) -> Points {
    let line = thinned(curve).map(|point| (point.false_positive_rate, point.recall));
    if curve.is_empty() { Vec::new() } else { std::iter::once((0.0, 0.0)).chain(line).collect() }
}

/// At most [`POINTS`] points, evenly spread, the last one among them.
fn thinned(curve: &[CurvePoint]) -> impl Iterator<Item = &CurvePoint> {
    let step = curve.len().div_ceil(POINTS).max(1);
    let last = curve.len().saturating_sub(1);
    curve.iter().enumerate().filter(move |(index, _)| index % step == 0 || *index == last).map(|(_, point)| point)
}

/// Draws a chart.
pub(super) fn svg(chart: &Chart<'_>) -> Result<String, Failure> {
    let mut svg = String::new();
    draw(chart, &mut svg)
        .map_err(|error| Failure::File(chart.title.to_owned(), format!("cannot be drawn: {error}")))?;
    Ok(svg)
}

fn draw(chart: &Chart<'_>, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut plot = ChartBuilder::on(&area)
        .caption(chart.title, ("sans-serif", 17))
        .margin(8)
        .x_label_area_size(38)
        .y_label_area_size(48)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    plot.configure_mesh()
        .x_desc(chart.x)
        .y_desc(chart.y)
        .x_labels(6)
        .y_labels(6)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .light_line_style(TRANSPARENT)
        .draw()?;
    if chart.diagonal {
        plot.draw_series(LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.35)))?;
    }
    // The system itself goes on top.
    for (line, color) in chart.lines.iter().zip(COLORS).rev() {
        plot.draw_series(LineSeries::new(line.iter().copied(), color.stroke_width(2)))?;
        if chart.marked {
            plot.draw_series(line.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
        }
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: u32) -> Vec<CurvePoint> {
        let share = |index: u32| f64::from(index) / f64::from(points);
        let point = |index| CurvePoint {
            threshold: 0.5,
            precision: 0.5,
            recall: share(index),
            false_positive_rate: share(index),
        };
        (1..=points).map(point).collect()
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_end() {
        for points in [1, 2, 399, 400, 401, 100_000] {
            let line = roc(&curve(points));
            assert!(line.len() <= POINTS + 2, "{}", line.len());
            assert_eq!((line.first(), line.last()), (Some(&(0.0, 0.0)), Some(&(1.0, 1.0))));
        }
        assert!(roc(&[]).is_empty() && precision_recall(&[]).is_empty());
        assert_eq!(precision_recall(&curve(2)), [(0.0, 0.5), (0.5, 0.5), (0.5, 0.5), (1.0, 0.5)]);
    }
}
