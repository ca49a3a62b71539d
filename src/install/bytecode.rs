//! Byte-code as part of a plan.
//!
//! Owns: which files of a plan are compiled, and their rows of RECORD. Never: compiles; the caller hands in a compiler.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{InstallPlan, PlannedFile, Source};
use crate::digest::{Kept, Sha256};
use crate::error::Problem;
use crate::wheel::Wheel;

/// The largest module that is compiled, in bytes.
const MAX_SOURCE: u64 = crate::wheel::archive::WHOLE_ENTRY;

/// A file: its final path, and its content.
type Named = (PathBuf, Vec<u8>);

impl InstallPlan {
    /// Adds what `compile` makes of the modules of the plan. A .pyc file that the wheel itself brings stays.
    ///
    /// # Errors
    /// Those of [`Wheel::content`] and of the compiler.
    pub fn compiled(
        mut self,
        wheel: &Wheel,
        compile: &dyn Fn(Vec<Named>) -> Result<Vec<Named>, Problem>,
    ) -> Result<Self, Problem> {
        let mut modules = Vec::new();
        for file in &self.files {
            let name = file.destination.file_name().map(Path::new);
            if name.and_then(Path::extension) != Some(OsStr::new("py")) || file.size > MAX_SOURCE {
                continue;
            }
            let content = match &file.source {
                Source::Entry(index) => match wheel.entries().get(*index) {
                    Some(entry) => wheel.content(entry)?,
                    None => continue,
                },
                Source::Generated(content) => content.clone(),
            };
            modules.push((file.destination.path(), content));
        }
        for (destination, content) in compile(modules)? {
            if self.files.iter().any(|file| file.destination == destination) {
                continue;
            }
            let (sha256, size) = (Sha256::of(&content), content.len() as u64);
            self.files.push(PlannedFile {
                destination: destination.into(),
                source: Source::Generated(content),
                executable: false,
                digest: Kept::Sha256(sha256),
                size,
                is_sized: true,
                gives_way: false,
            });
        }
        self.files.sort_by(|one, other| one.destination.cmp(&other.destination));
        Ok(self)
    }
}
