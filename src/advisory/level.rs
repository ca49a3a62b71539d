//! How severe a vulnerability is.
//!
//! Owns: the levels, and which of several statements counts. The scores are those of the `cvss` crate.

use std::cmp::Ordering;
use std::str::FromStr;

use cvss::Cvss;

/// The qualitative rating of CVSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A score of 0.
    None,
    /// From 0.1.
    Low,
    /// From 4.0.
    Medium,
    /// From 7.0.
    High,
    /// From 9.0.
    Critical,
}

impl Level {
    /// The levels that can be asked for.
    pub const NAMED: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Level {
    type Err = ();

    /// The words of CVSS, and `moderate`, as GitHub says for medium.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "low" => Ok(Self::Low),
            "medium" | "moderate" => Ok(Self::Medium),
            "high" | "important" => Ok(Self::High),
            "critical" => Ok(Self::Critical),
            _ => Err(()),
        }
    }
}

/// How severe, and where that is known from.
#[derive(Debug, Clone, PartialEq)]
pub struct Severity {
    /// The level.
    pub level: Level,
    /// The score, where there is a vector.
    pub score: Option<f64>,
    /// The CVSS vector.
    pub vector: Option<String>,
}

impl Severity {
    /// By level, then by score.
    pub(super) fn order(left: &Self, right: &Self) -> Ordering {
        let scores = || left.score.unwrap_or_default().total_cmp(&right.score.unwrap_or_default());
        left.level.cmp(&right.level).then_with(scores)
    }
}

/// What a record, or an entry of it, says.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// `severity`, each as type and score.
    pub(super) vectors: Vec<(String, String)>,
    /// `database_specific.severity` or `ecosystem_specific.severity`.
    pub(super) word: Option<String>,
}

impl Told {
    /// The newest version of CVSS counts, and of several vectors of it the most severe; a word counts where there is no
    /// vector that can be read.
    pub(super) fn severity(&self) -> Option<Severity> {
        let newest = ["CVSS_V4", "CVSS_V3"].into_iter().find_map(|kind| {
            let vectors = self.vectors.iter().filter(|(own, _)| own == kind);
            vectors.filter_map(|(_, vector)| scored(vector)).max_by(Severity::order)
        });
        let word = || {
            let level = self.word.as_ref()?.parse().ok()?;
            Some(Severity { level, score: None, vector: None })
        };
        newest.or_else(word)
    }
}

fn scored(vector: &str) -> Option<Severity> {
    let cvss = Cvss::from_str(vector.trim()).ok()?;
    let level = match cvss.severity() {
        cvss::Severity::None => Level::None,
        cvss::Severity::Low => Level::Low,
        cvss::Severity::Medium => Level::Medium,
        cvss::Severity::High => Level::High,
        cvss::Severity::Critical => Level::Critical,
    };
    Some(Severity {
        level,
        score: Some((cvss.score() * 10.0).round() / 10.0),
        vector: Some(vector.trim().to_owned()),
    })
}
