//! Python source -> what it imports, wherever an import stands in it.
//!
//! `import` is a keyword: outside of strings and comments nothing but an import statement has it. So tokens tell all that is
//! asked here, and no tree is made: a source costs time by its length, and no depth of it costs stack.
//! Never: runs or imports anything, and never refuses a source; what is no Python is read as far as it looks like it.

mod tokens;
mod uses;

pub use uses::uses;

use tokens::{Spot, Token, Tokens};

/// The modules of the standard library of CPython 3.8 to 3.14, one a line.
const STANDARD_LIBRARY: &str = include_str!("imports/standard_library.txt");

/// The modules of the standard library of any CPython from 3.8 on, without those below a package.
pub fn standard_library() -> impl Iterator<Item = &'static str> {
    STANDARD_LIBRARY.lines()
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The module: `google.cloud` of `from google.cloud import storage`.
    pub module: String,
    /// What is taken from it, which may be modules as well.
    pub names: Vec<String>,
    /// The line, counted from 1.
    pub line: u32,
    /// Whether it stands under `if TYPE_CHECKING:`, where a checker of types sees it, and nobody who runs the source.
    pub for_types: bool,
}

/// What a source imports, relative imports left out, in the order in which it stands there. `importlib.import_module("x")` and
/// `__import__("x")` of a plain text count.
pub fn of(source: &str) -> Vec<Import> {
    let mut finder = Finder::default();
    let mut before = Before::default();
    let mut is_first = true;
    // What `TYPE_CHECKING` is called here: itself, and what it is imported as.
    let (mut called, mut last) = (vec!["TYPE_CHECKING"], [Token::Newline; 2]);
    for Spot { token, line, column } in Tokens::of(source) {
        if let ([Token::Name("TYPE_CHECKING"), Token::Name("as")], Token::Name(alias)) = (last, token) {
            called.push(alias);
        }
        last = {
            let [_, before] = last;
            [before, token]
        };
        finder.check.step(token, column, is_first, &called);
        finder.take(token, line, before);
        before = before.then(token);
        is_first = token == Token::Newline;
    }
    finder.take(Token::Newline, 0, before);
    finder.found
}

/// What stands before a name: whether it is an attribute, and of what.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Other,
    Dot,
    Importlib,
    ImportlibDot,
}

impl Before {
    fn then(self, token: Token<'_>) -> Self {
        match (self, token) {
            (Self::Importlib, Token::Sign('.')) => Self::ImportlibDot,
            (_, Token::Sign('.')) => Self::Dot,
            (Self::Other, Token::Name("importlib" | "builtins")) => Self::Importlib,
            _ => Self::Other,
        }
    }
}

/// Whether the scan is under `if TYPE_CHECKING:`, by how far lines are indented.
#[derive(Default)]
enum Check {
    #[default]
    Outside,
    /// Behind the `if` of this column, and whatever the name was found in; then behind the name.
    If(usize),
    Named(usize),
    Under(usize),
}

impl Check {
    fn step(&mut self, token: Token<'_>, column: usize, is_first: bool, called: &[&str]) {
        let is_under = matches!(self, Self::Under(at) if !is_first || column > *at);
        if is_under || matches!(self, Self::Under(_)) && token == Token::Newline {
            return;
        }
        *self = match (&self, token) {
            (_, Token::Name("if")) if is_first => Self::If(column),
            (Self::If(at), Token::Name(name)) if called.contains(&name) => Self::Named(*at),
            (Self::If(at), Token::Name(name)) if name != "not" => Self::If(*at),
            (Self::If(at), Token::Sign('.')) => Self::If(*at),
            (Self::Named(at), Token::Sign(':')) => Self::Under(*at),
            _ => Self::Outside,
        };
    }
}

/// Where in a statement the finder is.
#[derive(Default)]
enum State {
    #[default]
    Outside,
    /// Behind `from`, which may also be that of `raise` or `yield`.
    From {
        line: u32,
        module: String,
        is_relative: bool,
    },
    /// Behind `from module import`.
    Names {
        import: Import,
        is_relative: bool,
        is_open: bool,
        is_alias: bool,
    },
    /// Behind `import`, in one module of the list.
    Module {
        line: u32,
        module: String,
        is_alias: bool,
    },
    /// Behind the name of a function that imports by a text; then behind its bracket; then behind the text.
    Function(u32),
    Bracket(u32),
    Text(u32, String),
}

#[derive(Default)]
struct Finder {
    found: Vec<Import>,
    check: Check,
    state: State,
}

impl Finder {
    fn take(&mut self, token: Token<'_>, line: u32, before: Before) {
        self.state = match std::mem::take(&mut self.state) {
            State::Outside => Self::start(token, line, before),
            State::From { line: at, module, is_relative } => {
                from(token, at, module, is_relative).unwrap_or_else(|| Self::start(token, line, before))
            }
            State::Names { import, is_relative, is_open, is_alias } => {
                match names(token, import, is_relative, is_open, is_alias) {
                    Ok(state) => state,
                    Err((import, is_relative)) => {
                        let for_types = matches!(self.check, Check::Under(_));
                        self.found.extend((!is_relative).then_some(Import { for_types, ..import }));
                        Self::start(token, line, before)
                    }
                }
            }
            State::Module { line: at, module, is_alias } => {
                self.module(token, line, (at, module, is_alias), before)
            }
            State::Function(at) if token == Token::Sign('(') => State::Bracket(at),
            State::Bracket(at) => match token {
                Token::Newline => State::Bracket(at),
                Token::Text(Some(text)) if is_dotted(text.trim()) => State::Text(at, text.trim().to_owned()),
                _ => Self::start(token, line, before),
            },
            State::Text(at, module) if token == Token::Newline => State::Text(at, module),
            State::Text(at, module) => {
                if matches!(token, Token::Sign(')' | ',')) {
                    self.add(module, at);
                }
                Self::start(token, line, before)
            }
            State::Function(_) => Self::start(token, line, before),
        };
    }

    fn start(token: Token<'_>, line: u32, before: Before) -> State {
        match token {
            Token::Name("import") => State::Module { line: 0, module: String::new(), is_alias: false },
            Token::Name("from") => State::From { line, module: String::new(), is_relative: false },
            Token::Name("import_module" | "__import__") if before != Before::Dot => State::Function(line),
            _ => State::Outside,
        }
    }

    fn add(&mut self, module: String, line: u32) {
        if !module.is_empty() {
            let for_types = matches!(self.check, Check::Under(_));
            self.found.push(Import { module, names: Vec::new(), line, for_types });
        }
    }

    fn module(&mut self, token: Token<'_>, line: u32, within: (u32, String, bool), before: Before) -> State {
        let (at, mut module, is_alias) = within;
        let is_open = module.is_empty() || module.ends_with('.');
        match token {
            Token::Name("as") => return State::Module { line: at, module, is_alias: true },
            Token::Name(name) if is_alias && !is_keyword(name) => {
                return State::Module { line: at, module, is_alias };
            }
            Token::Name(name) if is_open && !is_keyword(name) => {
                let at = if module.is_empty() { line } else { at };
                module.push_str(name);
                return State::Module { line: at, module, is_alias };
            }
            Token::Sign('.') if !is_open && !is_alias => {
                module.push('.');
                return State::Module { line: at, module, is_alias };
            }
            _ => {}
        }
        let ended = module.trim_end_matches('.').to_owned();
        self.add(ended, at);
        match token {
            Token::Sign(',') => State::Module { line: 0, module: String::new(), is_alias: false },
            _ => Self::start(token, line, before),
        }
    }
}

/// One token more behind `from`; `None` where it is none of an import.
fn from(token: Token<'_>, line: u32, mut module: String, is_relative: bool) -> Option<State> {
    let is_open = module.is_empty() || module.ends_with('.');
    match token {
        Token::Sign('.') if module.is_empty() => Some(State::From { line, module, is_relative: true }),
        Token::Sign('.') if !is_open => {
            module.push('.');
            Some(State::From { line, module, is_relative })
        }
        Token::Name("import") if is_relative || !is_open => {
            let import = Import { module, names: Vec::new(), line, for_types: false };
            Some(State::Names { import, is_relative, is_open: false, is_alias: false })
        }
        Token::Name(name) if is_open && !is_keyword(name) => {
            module.push_str(name);
            Some(State::From { line, module, is_relative })
        }
        _ => None,
    }
}

/// One token more of a list of names; the whole import where it has ended.
fn names(
    token: Token<'_>,
    mut import: Import,
    is_relative: bool,
    is_open: bool,
    is_alias: bool,
) -> Result<State, (Import, bool)> {
    let (mut is_open, mut next_is_alias) = (is_open, false);
    match token {
        Token::Newline if is_open => next_is_alias = is_alias,
        Token::Sign('(') if import.names.is_empty() && !is_open => is_open = true,
        Token::Sign(',') => {}
        Token::Sign('*') => import.names.push("*".to_owned()),
        Token::Name("as") => next_is_alias = true,
        Token::Name(name) if !is_keyword(name) => {
            if !is_alias {
                import.names.push(name.to_owned());
            }
        }
        _ => return Err((import, is_relative)),
    }
    Ok(State::Names { import, is_relative, is_open, is_alias: next_is_alias })
}

/// Keywords that start what is no part of an import. (Not all: this serves to go on in a source that is broken.)
fn is_keyword(name: &str) -> bool {
    matches!(name, "import" | "from" | "def" | "class" | "return" | "if" | "try" | "with" | "for" | "while")
}

fn is_dotted(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    text.split('.').all(is_part)
}

#[cfg(test)]
mod tests;
