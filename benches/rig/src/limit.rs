//! The limit: a bare loop that hashes wheels, inflates their entries and writes the files, on all cores.
//!
//! It checks nothing, plans nothing and cannot be undone. It tells how far an installer is from what the machine can do.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use zip::CompressionMethod;

/// Writes the content of all wheels beneath `into`.
pub fn unpack(wheels: &[PathBuf], into: &Path) -> Result<()> {
    wheels.par_iter().try_for_each(|path| {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        // Printed nowhere, but not thrown away by the compiler either.
        anyhow::ensure!(Sha256::digest(&bytes).len() == 32);
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&bytes))?;
        let mut entries = Vec::new();
        for at in 0..archive.len() {
            let entry = archive.by_index_raw(at)?;
            if entry.is_file() {
                let start = usize::try_from(entry.data_start().context("no data")?)?;
                let end = start + usize::try_from(entry.compressed_size())?;
                let deflated = entry.compression() == CompressionMethod::Deflated;
                entries.push((
                    into.join(entry.name()?.as_ref()),
                    deflated,
                    start..end,
                    usize::try_from(entry.size())?,
                ));
            }
        }
        let directories: std::collections::BTreeSet<_> =
            entries.iter().filter_map(|(path, ..)| path.parent()).collect();
        directories.iter().try_for_each(std::fs::create_dir_all)?;
        entries.par_iter().try_for_each_init(
            libdeflater::Decompressor::new,
            |inflater, (path, deflated, range, size)| {
                let data = &bytes[range.clone()];
                let mut file = std::fs::File::create(path)?;
                if *deflated {
                    let mut content = vec![0; *size];
                    inflater.deflate_decompress(data, &mut content)?;
                    file.write_all(&content)?;
                } else {
                    file.write_all(data)?;
                }
                anyhow::Ok(())
            },
        )
    })
}
