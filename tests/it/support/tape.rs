//! Wheels that one test judges by the types and another by the command line: the first puts them on a tape.

use std::cell::RefCell;

use pipward::error::Code;

/// A wheel, and what is to be said of it.
pub struct Recorded {
    pub what: String,
    pub expected: Result<(), Code>,
    pub name: String,
    pub bytes: Vec<u8>,
}

thread_local! {
    static TAPE: RefCell<Option<Vec<Recorded>>> = const { RefCell::new(None) };
}

/// Puts a wheel on the tape, if one is running.
pub fn record(what: &str, expected: Result<(), Code>, name: &str, bytes: &[u8]) {
    TAPE.with_borrow_mut(|tape| {
        if let Some(tape) = tape {
            let (what, name) = (what.to_owned(), name.to_owned());
            tape.push(Recorded { what, expected, name, bytes: bytes.to_vec() });
        }
    });
}

/// What a test puts on the tape.
pub fn recorded(test: fn()) -> Vec<Recorded> {
    TAPE.set(Some(Vec::new()));
    test();
    TAPE.take().unwrap()
}
