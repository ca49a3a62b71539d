//! Medians, ratios of pairs and their spread.

/// A ratio of medians, with the smallest and largest ratio of one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio of the medians.
    pub middle: f64,
    /// The smallest of a pair.
    pub low: f64,
    /// The largest of a pair.
    pub high: f64,
}

/// The middle value; 0 of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.as_slice() {
        [] => 0.0,
        values if values.len() % 2 == 1 => values[values.len() / 2],
        values => f64::midpoint(values[values.len() / 2 - 1], values[values.len() / 2]),
    }
}

/// How `ours` compares with `theirs`, which ran in turn. `None` where one of them never ran.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> Option<Ratio> {
    let below = median(theirs.iter().copied());
    if ours.is_empty() || below <= 0.0 {
        return None;
    }
    let pairs: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs.max(1e-9)).collect();
    Some(Ratio {
        middle: median(ours.iter().copied()) / below,
        low: pairs.iter().copied().fold(f64::INFINITY, f64::min),
        high: pairs.iter().copied().fold(0.0, f64::max),
    })
}

/// The geometric mean; `None` of none.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    let logs: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (logs / values.len() as f64).exp())
}

/// The slope of a line through the logarithms: 1 grows as its cause does, 2 as its square.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.max(1e-9).ln())).collect();
    let count = logs.len() as f64;
    let (sum_x, sum_y) = logs.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (middle_x, middle_y) = (sum_x / count, sum_y / count);
    let over: f64 = logs.iter().map(|(x, y)| (x - middle_x) * (y - middle_y)).sum();
    let under: f64 = logs.iter().map(|(x, _)| (x - middle_x).powi(2)).sum();
    over / under
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([]), 0.0);
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn ratios_are_of_pairs() {
        let found = ratio(&[1.0, 2.0, 3.0], &[2.0, 2.0, 2.0]).unwrap();
        assert_eq!(found, Ratio { middle: 1.0, low: 0.5, high: 1.5 });
        assert_eq!(ratio(&[1.0], &[]), None);
    }

    #[test]
    fn means_and_slopes() {
        assert_eq!(geometric_mean(&[]), None);
        assert!((geometric_mean(&[0.5, 2.0]).unwrap() - 1.0).abs() < 1e-9);
        let squares: Vec<_> = (1..5).map(|n| (f64::from(n), f64::from(n * n))).collect();
        assert!((slope(&squares) - 2.0).abs() < 1e-9);
    }
}
