//! `pipward hash FILE…`.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Outcome;
use super::render::Printer;
use crate::error::Problems;
use crate::{digest, error};

/// Arguments of `pipward hash`.
#[derive(Args)]
pub(crate) struct HashArgs {
    /// The algorithm
    #[arg(short, long, value_enum, default_value_t = Algorithm::Sha256)]
    algorithm: Algorithm,
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
    #[command(flatten)]
    _pip: super::options::PipArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

pub(super) fn run(arguments: &HashArgs, printer: &Printer) -> Outcome {
    let mut failed = Vec::new();
    for path in &arguments.files {
        match hash(path, arguments.algorithm) {
            Ok(digest) => printer.file_hash(path, &digest),
            Err(error) => failed.push(error::io("reading the file", path, &error)),
        }
    }
    Problems::unless_empty(0, failed)
}

fn hash(path: &PathBuf, algorithm: Algorithm) -> std::io::Result<digest::StrongDigest> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = match algorithm {
        Algorithm::Sha256 => digest::Hasher::sha256(),
        Algorithm::Sha384 => digest::Hasher::sha384(),
        Algorithm::Sha512 => digest::Hasher::sha512(),
    };
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    let computed = hasher.finish();
    Ok(computed.strongest())
}
