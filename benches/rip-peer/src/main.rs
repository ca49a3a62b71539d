//! Installs wheels into an environment with `rattler_installs_packages`: `rip-peer ENVIRONMENT REFUSED WHEEL…`.
//!
//! One wheel after the other, as the library has it, and nothing compiled to byte-code. What it refuses is told in the file REFUSED,
//! a line each, and does not end the run.

use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic as _, Result, miette};
use rattler_installs_packages::artifacts::Wheel;
use rattler_installs_packages::install::{InstallPaths, InstallWheelOptions, install_wheel};
use rattler_installs_packages::python_env::PythonInterpreterVersion;
use rattler_installs_packages::types::NormalizedPackageName;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let mut next = || arguments.next().ok_or_else(|| miette!("rip-peer ENVIRONMENT REFUSED WHEEL…"));
    let (environment, told) = (next()?, next()?);
    let python = environment.join("bin/python");
    let version = PythonInterpreterVersion::from_path(&python).into_diagnostic()?;
    let paths = InstallPaths::for_venv(version, false);
    let options = InstallWheelOptions { installer: Some("rip".to_owned()), ..Default::default() };
    let mut refused = String::new();
    for path in arguments {
        if let Err(problem) = install(&path, &environment, &paths, &python, &options) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let why: Vec<_> = problem.chain().map(|cause| cause.to_string().replace('\n', " ")).collect();
            refused += &format!("{name}: {}\n", why.join(": "));
        }
    }
    std::fs::write(told, refused).into_diagnostic()
}

fn install(
    path: &Path,
    environment: &Path,
    paths: &InstallPaths,
    python: &Path,
    options: &InstallWheelOptions<'_>,
) -> Result<()> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name: NormalizedPackageName = file.split('-').next().unwrap_or_default().parse().into_diagnostic()?;
    let wheel = Wheel::from_path(path, &name)?;
    install_wheel(&wheel, environment, paths, python, options).into_diagnostic()?;
    Ok(())
}
