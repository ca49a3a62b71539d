//! Growth curves as SVG, both axes logarithmic.

use crate::stats::slope;

/// One line of a plot.
pub struct Line {
    /// What it is.
    pub name: String,
    /// Cause and effect, all above 0.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 60.0;
const COLOURS: &[&str] = &["#0b6e4f", "#c1440e", "#3b5ba5", "#8a6d00"];

/// Draws a plot. `x` and `y` name the axes.
pub fn plot(title: &str, x: &str, y: &str, lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    let (left, right) = bounds(all().map(|point| point.0));
    let (bottom, top) = bounds(all().map(|point| point.1));
    let across = |value: f64| MARGIN + (value.log10() - left) / (right - left) * (WIDTH - 2.0 * MARGIN);
    let up =
        |value: f64| HEIGHT - MARGIN - (value.log10() - bottom) / (top - bottom) * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{title}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{x}</text>\n\
         <text x=\"16\" y=\"44\">{y}</text>\n",
        WIDTH / 2.0,
        HEIGHT - 12.0
    );
    for power in decades(bottom, top) {
        let at = up(10f64.powi(power));
        svg += &format!(
            "<path d=\"M{MARGIN} {at:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            WIDTH - MARGIN,
            MARGIN - 6.0,
            at + 4.0,
            10f64.powi(power)
        );
    }
    for power in decades(left, right) {
        let at = across(10f64.powi(power));
        svg += &format!(
            "<path d=\"M{at:.1} {MARGIN}V{:.1}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
            HEIGHT - MARGIN,
            HEIGHT - MARGIN + 16.0,
            10f64.powi(power)
        );
    }
    for (at, line) in lines.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let points: Vec<String> =
            line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", across(*x), up(*y))).collect();
        svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
             <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{} (slope {:.2})</text>\n",
            points.join(" "),
            MARGIN + 12.0,
            MARGIN + 16.0 * (at as f64 + 1.0),
            line.name,
            slope(&line.points)
        );
    }
    svg + "</svg>\n"
}

/// The logarithms between which all values lie.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = (low.log10(), high.log10());
    if high - low < 1.0 { (low.floor(), low.floor() + 1.0 + (high - low).ceil()) } else { (low, high) }
}

fn decades(from: f64, to: f64) -> std::ops::RangeInclusive<i32> {
    from.ceil() as i32..=to.floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_its_lines_and_slopes() {
        let points = vec![(10.0, 0.1), (100.0, 1.0), (1000.0, 10.0)];
        let svg = plot("Installing", "wheels", "seconds", &[Line { name: "pipward".to_owned(), points }]);
        assert!(svg.contains("pipward (slope 1.00)"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
