//! The options of `pip lock` that mean nothing to a locker of wheels, or would leave something out of the lock.
//!
//! Owns: the words, and the reasons of refusals. Never: changes what is locked, but for pre-releases.

use std::path::PathBuf;

use clap::Args;

use super::super::install::can_be_read;
use crate::error::{Code, Problem};

/// What `pip lock` takes besides.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Taken for pip's sake")]
pub(super) struct PipsArgs {
    /// Refused: a lock without dependencies cannot be checked
    #[arg(long, visible_alias = "no-dependencies", hide_short_help = true)]
    no_deps: bool,
    /// Refused: what is locked is what is asked for, with all that it needs
    #[arg(long, hide_short_help = true)]
    only_deps: bool,
    /// Refused: it runs the project's code
    #[arg(short, long, value_name = "PATH|URL", hide_short_help = true)]
    editable: Vec<String>,
    /// Refused: a wheel is locked only for the Pythons that it is for
    #[arg(long, hide_short_help = true)]
    ignore_requires_python: bool,
    /// Refused: nothing is locked without a hash
    #[arg(long, hide_short_help = true)]
    no_require_hashes: bool,
    /// Refused, but for :none:, since a source distribution would have to be built
    #[arg(long, value_name = "NAMES", hide_short_help = true)]
    no_binary: Vec<String>,
    /// Pre-releases of all projects; :all:
    #[arg(long, value_name = "NAMES", hide_short_help = true)]
    all_releases: Vec<String>,
    #[arg(long = "only-final", value_name = "NAMES", hide_short_help = true)]
    only_final: Vec<String>,
    #[arg(long = "only-binary", value_name = "NAMES", hide_short_help = true)]
    _only_binary: Vec<String>,
    #[arg(long = "prefer-binary", hide_short_help = true)]
    _prefer_binary: bool,
    #[arg(long = "refresh-package", value_name = "NAMES", hide_short_help = true)]
    _refresh_package: Vec<String>,
    #[arg(long = "require-hashes", hide_short_help = true)]
    _require_hashes: bool,
    #[arg(long = "build-constraint", value_name = "FILE", hide_short_help = true)]
    build_constraint: Vec<PathBuf>,
    #[arg(long = "src", value_name = "DIR", visible_aliases = ["source", "source-dir", "source-directory"], hide_short_help = true)]
    _src: Option<PathBuf>,
    #[arg(long = "no-build-isolation", hide_short_help = true)]
    _no_build_isolation: bool,
    #[arg(long = "check-build-dependencies", hide_short_help = true)]
    _check_build_dependencies: bool,
    #[arg(
        short = 'C',
        long = "config-settings",
        visible_alias = "config-setting",
        value_name = "SETTINGS",
        value_parser = crate::cli::install::setting,
        hide_short_help = true
    )]
    _config_settings: Vec<String>,
    #[arg(long = "no-clean", hide_short_help = true)]
    _no_clean: bool,
    #[arg(long = "progress-bar", value_name = "KIND", value_parser = ["auto", "on", "off", "ascii", "pretty", "emoji", "raw"], hide_short_help = true)]
    _progress_bar: Option<String>,
}

impl PipsArgs {
    /// What would make it another lock.
    ///
    /// # Errors
    /// `option-refused`, `requirement-unsupported`.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let refused = |option: &str, why: &str, way: &str| {
            Err(Problem::new(Code::OptionRefused, format!("{option} {why}")).found(option).help(way))
        };
        if self.no_deps {
            return refused("--no-deps", "makes a lock that cannot be checked", "leave it out");
        }
        if self.only_deps {
            return refused(
                "--only-deps",
                "leaves out what is asked for",
                "lock everything, and give --only-deps to install",
            );
        }
        if self.ignore_requires_python {
            return refused(
                "--ignore-requires-python",
                "locks what does not say that it runs",
                "leave it out; name the Python with --python-version",
            );
        }
        if self.no_require_hashes {
            return refused("--no-require-hashes", "turns off the check of hashes", "leave it out");
        }
        can_be_read(&self.build_constraint)?;
        let builds = self.no_binary.iter().flat_map(|names| names.split(','));
        if builds.map(str::trim).any(|name| !matches!(name, "" | ":none:")) {
            return refused("--no-binary", "asks for builds, which run a project's code", "leave it out");
        }
        let some =
            |names: &[String]| names.iter().flat_map(|names| names.split(',')).any(|name| name != ":all:");
        if some(&self.all_releases) || some(&self.only_final) {
            return Err(Problem::new(
                Code::OptionRefused,
                "pre-releases are allowed for all projects or none",
            )
            .expected(":all:")
            .help("name the pre-release in the requirement, such as foo>=2.0rc1"));
        }
        match self.editable.first() {
            Some(what) => Err(Problem::new(
                Code::RequirementUnsupported,
                "this is an editable install, and locking one runs the project's code",
            )
            .found(what)
            .help("lock its dependencies with -r pyproject.toml")),
            None => Ok(()),
        }
    }

    /// Whether pre-releases are asked for.
    pub(super) fn takes_prereleases(&self) -> bool {
        !self.all_releases.is_empty()
    }
}
