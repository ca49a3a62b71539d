//! A panic is a fault of ours, and is told as every problem is.
//!
//! Owns: the words and the exit status of a panic. Never: goes on after one, and never prints a backtrace.

use std::any::Any;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::Mutex;

use super::render::Printer;
use crate::error::{Code, Problem};

/// What the first panic said, on whichever thread it was.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// From now on panics are noted, and print nothing of their own.
pub(super) fn watch() {
    set_hook(Box::new(note));
}

fn note(info: &PanicHookInfo<'_>) {
    if crate::threads::is_tried() {
        return;
    }
    let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
    let what = format!("{}{}", message(info.payload()), place.unwrap_or_default());
    if let Ok(mut first) = FIRST.lock() {
        first.get_or_insert(what);
    }
}

/// Runs a command. A panic unwinds to here, so that whatever it was writing has been taken back.
pub(super) fn guarded(printer: &Printer, run: impl FnOnce() -> u8) -> u8 {
    let ended = catch_unwind(AssertUnwindSafe(run));
    let noted = FIRST.lock().ok().and_then(|mut first| first.take());
    match (ended, noted) {
        (Ok(status), None) => status,
        // A thread panicked, and what waited for it found a way on.
        (Ok(status), Some(what)) => {
            printer.problems(std::iter::once(&problem(what)));
            status.max(Code::Internal.exit_class().status())
        }
        (Err(panic), noted) => {
            let what = noted.unwrap_or_else(|| message(&*panic));
            printer.fail(&problem(what).into())
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

fn problem(what: String) -> Problem {
    Problem::new(Code::Internal, "a fault of pipward ended what it was doing")
        .cause(what)
        .help("please report it, with the command that was typed")
}

#[cfg(test)]
mod tests {
    use super::super::pip::Persona;
    use super::*;

    #[test]
    fn a_panic_is_told_and_has_the_exit_status_of_a_fault() {
        let log = tempfile::NamedTempFile::new().unwrap();
        for (persona, status) in [(Persona::Pipward, 3), (Persona::Pip(None), 1)] {
            let printer = Printer::logging(persona, log.path());
            assert_eq!(guarded(&printer, || 0), 0);
            assert_eq!(guarded(&printer, || std::panic::panic_any("odd\u{1b}[31m".to_owned())), status);
            assert_eq!(guarded(&printer, || std::panic::panic_any(7)), status);
        }
        let told = std::fs::read_to_string(log.path()).unwrap();
        assert!(told.contains("error[internal]: a fault of pipward ended what it was doing"), "{told}");
        assert!(told.contains("cause: odd\\u{1b}[31m"), "{told}");
        assert!(told.contains("cause: a panic without words"), "{told}");
    }
}
