//! Compiling modules to byte-code, without running any of them.
//!
//! Owns: how the interpreter is started for it: no `site`, no variables but a fixed hash seed, so that the same source
//! gives the same bytes (hash-based .pyc files, PEP 552). Never: imports what it compiles.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Interpreter;
use crate::error::{Code, Place, Problem};
use crate::threads::{is_limit, limited};

const SCRIPT: &str = include_str!("compile.py");
/// The largest compiled module, in bytes.
const MAX_MODULE: u64 = 1 << 30;

/// A source: its final path, and its bytes.
pub(super) type Module = (PathBuf, Vec<u8>);

impl Interpreter {
    /// Compiles `modules` for this interpreter. Returns path and content of each .pyc file; a module that cannot be
    /// compiled has none.
    ///
    /// # Errors
    /// `python-unusable`, `process-limit`.
    pub fn compile(&self, modules: Vec<Module>) -> Result<Vec<Module>, Problem> {
        if modules.is_empty() {
            return Ok(Vec::new());
        }
        let unusable = |error: std::io::Error| {
            if is_limit(&error) {
                let what = "the system gives no process, or no thread, to compile modules with";
                return limited(what, error).at(Place::file(&self.executable));
            }
            Problem::new(Code::PythonUnusable, "this Python did not compile what it was given")
                .at(Place::file(&self.executable))
                .cause(error)
                .help("leave out --compile")
        };
        compile(&self.executable, modules).map_err(unusable)
    }
}

fn compile(python: &Path, modules: Vec<Module>) -> std::io::Result<Vec<Module>> {
    let mut command = Command::new(python);
    command.args(["-S", "-s", "-B", "-c", SCRIPT]).current_dir("/").env_clear().env("PYTHONHASHSEED", "0");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let count = modules.len();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // It answers while it still reads.
    let writing = move || -> std::io::Result<()> {
        let Some(mut stdin) = stdin else { return Ok(()) };
        for (path, source) in modules {
            for part in [path.as_os_str().as_bytes(), &source] {
                writeln!(stdin, "{}", part.len())?;
                stdin.write_all(part)?;
            }
        }
        Ok(())
    };
    let writer = match std::thread::Builder::new().spawn(writing) {
        Ok(writer) => writer,
        Err(error) => {
            // It ends by itself too: its input has ended.
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
    };
    let mut compiled = Vec::new();
    let mut answers = stdout.map(BufReader::new);
    for _ in 0..count {
        let Some(answers) = answers.as_mut() else { break };
        let (path, content) = (block(answers)?, block(answers)?);
        if !path.is_empty() {
            compiled.push((PathBuf::from(OsString::from_vec(path)), content));
        }
    }
    child.wait()?;
    writer.join().map_err(|_| std::io::Error::other("its input could not be written"))??;
    Ok(compiled)
}

fn block(answers: &mut impl std::io::BufRead) -> std::io::Result<Vec<u8>> {
    let mut line = String::new();
    answers.by_ref().take(32).read_line(&mut line)?;
    let length: u64 = line.trim().parse().map_err(|_| std::io::Error::other("it ended before its answer"))?;
    if length > MAX_MODULE {
        return Err(std::io::Error::other("its answer is too large"));
    }
    let mut content = Vec::new();
    answers.by_ref().take(length).read_to_end(&mut content)?;
    Ok(content)
}
