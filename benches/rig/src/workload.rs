//! What is locked and installed: real sets of projects, and made ones.

/// Where a workload's index comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Frozen from PyPI.
    Real,
    /// That many small wheels made by code.
    Made(usize),
}

/// One set of requirements.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// Its name in tables.
    pub name: &'static str,
    /// Requirements, one a line.
    pub roots: &'static str,
    /// The project whose version changes in "one package changed".
    pub changed: Option<&'static str>,
    /// Where its files come from.
    pub kind: Kind,
}

/// Files that are younger are left out of the frozen corpus.
pub const CUTOFF: &str = "2026-11-01T00:00:00";

/// How many made projects there are: enough for the longest growth curve.
pub const MADE: usize = 3000;

/// All workloads, small ones first.
pub const ALL: &[Workload] = &[
    Workload { name: "docs", roots: DOCS, changed: Some("idna"), kind: Kind::Real },
    Workload { name: "jupyter", roots: "jupyter", changed: Some("idna"), kind: Kind::Real },
    Workload {
        name: "data",
        roots: "pandas\nscikit-learn\nmatplotlib\npyarrow",
        changed: Some("packaging"),
        kind: Kind::Real,
    },
    Workload { name: "app", roots: include_str!("app.txt"), changed: Some("idna"), kind: Kind::Real },
    Workload { name: "huge", roots: "nvidia-nccl-cu12==2.27.5", changed: None, kind: Kind::Real },
    Workload { name: "tiny", roots: "", changed: None, kind: Kind::Made(2000) },
];

/// What trio's documentation is built with.
const DOCS: &str = "sphinx>=6.1\njinja2\nsphinx_rtd_theme>=3\nsphinxcontrib-jquery\nsphinxcontrib-trio\ntowncrier\n\
                    sphinx-codeautolink\nattrs>=23.2.0\nsortedcontainers\nidna\noutcome\nsniffio>=1.3.0\n\
                    exceptiongroup>=1.0.0rc9\nimmutables>=0.6\npyopenssl";

impl Workload {
    /// The workload of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|workload| workload.name == name)
    }

    /// The requirements, one a line.
    pub fn requirements(&self) -> String {
        match self.kind {
            Kind::Real => format!("{}\n", self.roots),
            Kind::Made(count) => (0..count).map(|n| format!("{}\n", crate::made::name(n))).collect(),
        }
    }
}
