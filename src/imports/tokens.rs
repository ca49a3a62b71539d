//! Python source -> names, plain strings and signs, with their lines: what the search for imports needs of tokens.
//!
//! Strings are told from code as Python 3.14 does, the fields of f-strings (PEP 701) and t-strings (PEP 750) included, which are
//! code. Never: recurses.

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// A name or keyword.
    Name(&'s str),
    /// A string; what it says, where that is plain to see.
    Text(Option<&'s str>),
    /// Any other character of code but white space.
    Sign(char),
    /// The end of a line of code.
    Newline,
}

/// A token, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'s> {
    pub(super) token: Token<'s>,
    /// Counted from 1.
    pub(super) line: u32,
    /// How many bytes stand before it in its line.
    pub(super) column: usize,
}

/// What the scan is inside of.
#[derive(Clone, Copy)]
enum Inside {
    /// A field of an f-string, so many brackets deep.
    Field { depth: usize },
    /// The text of an f-string, or of the format in a field of it.
    Format { quote: Quote, is_format: bool },
}

#[derive(Clone, Copy)]
struct Quote {
    mark: u8,
    is_triple: bool,
    is_raw: bool,
}

/// The tokens of a source.
pub(super) struct Tokens<'s> {
    source: &'s str,
    at: usize,
    line: u32,
    /// Where this line starts.
    start: usize,
    inside: Vec<Inside>,
}

impl<'s> Tokens<'s> {
    pub(super) fn of(source: &'s str) -> Self {
        Self {
            source: source.strip_prefix('\u{feff}').unwrap_or(source),
            at: 0,
            line: 1,
            start: 0,
            inside: Vec::new(),
        }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.source.as_bytes().get(self.at.checked_add(ahead)?).copied()
    }

    /// Goes on by one byte, and counts the lines; `\r\n` is one end of a line, as is `\r`.
    fn step(&mut self) {
        let is_end = match (self.byte(0), self.byte(1)) {
            (Some(b'\n'), _) => true,
            (Some(b'\r'), next) => next != Some(b'\n'),
            _ => false,
        };
        self.at = self.at.saturating_add(1);
        if is_end {
            self.line = self.line.saturating_add(1);
            self.start = self.at;
        }
    }

    fn steps(&mut self, count: usize) {
        (0..count).for_each(|_| self.step());
    }

    fn skip_while(&mut self, goes_on: impl Fn(u8) -> bool) {
        while self.byte(0).is_some_and(&goes_on) {
            self.step();
        }
    }

    fn since(&self, start: usize) -> &'s str {
        self.source.get(start..self.at).unwrap_or_default()
    }

    fn is_close(&self, quote: Quote) -> bool {
        let count = if quote.is_triple { 3 } else { 1 };
        (0..count).all(|ahead| self.byte(ahead) == Some(quote.mark))
    }

    /// One token of code; `None` for what is none (white space, comments).
    fn code(&mut self) -> Option<Token<'s>> {
        let byte = self.byte(0)?;
        match byte {
            b'\n' | b'\r' => {
                self.step();
                return Some(Token::Newline);
            }
            b' ' | b'\t' | 0x0c => self.step(),
            b'#' => self.skip_while(|byte| byte != b'\n' && byte != b'\r'),
            b'\\' => {
                self.step();
                if self.byte(0) == Some(b'\r') && self.byte(1) == Some(b'\n') {
                    self.step();
                }
                if matches!(self.byte(0), Some(b'\r' | b'\n')) {
                    self.step();
                }
            }
            b'"' | b'\'' => return self.text("").map(Token::Text),
            _ if is_of_name(byte) => return self.word(),
            _ => return Some(self.sign(byte)),
        }
        None
    }

    fn word(&mut self) -> Option<Token<'s>> {
        let start = self.at;
        self.skip_while(is_of_name);
        let word = self.since(start);
        if matches!(self.byte(0), Some(b'"' | b'\'')) && is_prefix(word) {
            return self.text(word).map(Token::Text);
        }
        (!word.starts_with(|c: char| c.is_ascii_digit())).then_some(Token::Name(word))
    }

    fn sign(&mut self, byte: u8) -> Token<'s> {
        self.step();
        let sign = char::from(byte);
        let Some(Inside::Field { depth }) = self.inside.last_mut() else { return Token::Sign(sign) };
        match byte {
            b'(' | b'[' | b'{' => *depth = depth.saturating_add(1),
            b')' | b']' | b'}' if *depth > 0 => *depth = depth.saturating_sub(1),
            // The end of a field.
            b'}' => {
                self.inside.pop();
            }
            // What follows is its format, which is text, with fields of its own.
            b':' if *depth == 0 => {
                let of = self.inside.iter().rev().find_map(|inside| match inside {
                    Inside::Format { quote, .. } => Some(*quote),
                    Inside::Field { .. } => None,
                });
                self.inside.extend(of.map(|quote| Inside::Format { quote, is_format: true }));
            }
            _ => {}
        }
        Token::Sign(sign)
    }

    /// A string from its quote on: whole, or, of one with fields, its beginning.
    fn text(&mut self, prefix: &str) -> Option<Option<&'s str>> {
        let mark = self.byte(0)?;
        let has = |letter: char| prefix.chars().any(|c| c.eq_ignore_ascii_case(&letter));
        let is_triple = self.byte(1) == Some(mark) && self.byte(2) == Some(mark);
        let quote = Quote { mark, is_triple, is_raw: has('r') };
        self.steps(if is_triple { 3 } else { 1 });
        if has('f') || has('t') {
            self.inside.push(Inside::Format { quote, is_format: false });
            return Some(None);
        }
        let start = self.at;
        while let Some(byte) = self.byte(0) {
            if self.is_close(quote) || !is_triple && matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.step();
            if byte == b'\\' {
                self.escaped();
            }
        }
        let said = self.since(start);
        if self.is_close(quote) {
            self.steps(if is_triple { 3 } else { 1 });
        }
        Some((!has('b') && !said.contains('\\')).then_some(said))
    }

    /// Goes over what a backslash escapes.
    fn escaped(&mut self) {
        let is_pair = self.byte(0) == Some(b'\r') && self.byte(1) == Some(b'\n');
        self.steps(if is_pair { 2 } else { 1 });
    }

    /// Goes over the text of an f-string up to its next field, or its end.
    fn format(&mut self, quote: Quote, is_format: bool) {
        while let Some(byte) = self.byte(0) {
            match byte {
                _ if self.is_close(quote) => {
                    self.leave(is_format);
                    return self.steps(if quote.is_triple { 3 } else { 1 });
                }
                b'\n' | b'\r' if !quote.is_triple => return self.leave(is_format),
                b'{' if self.byte(1) == Some(b'{') && !is_format => self.steps(2),
                b'{' => {
                    self.step();
                    return self.inside.push(Inside::Field { depth: 0 });
                }
                b'}' if is_format => {
                    self.step();
                    // The format, and with it its field.
                    self.inside.pop();
                    self.inside.pop();
                    return;
                }
                b'\\' => {
                    self.step();
                    match (self.byte(0), self.byte(1)) {
                        (Some(b'{' | b'}'), _) => {}
                        (Some(b'N'), Some(b'{')) if !quote.is_raw => {
                            self.skip_while(|byte| !matches!(byte, b'}' | b'"' | b'\'' | b'\n'));
                            if self.byte(0) == Some(b'}') {
                                self.step();
                            }
                        }
                        _ => self.escaped(),
                    }
                }
                _ => self.step(),
            }
        }
    }

    /// Leaves a string at its end, also where one of its fields is still open.
    fn leave(&mut self, is_format: bool) {
        let mut is_left = false;
        while !is_left {
            is_left = match self.inside.pop() {
                Some(Inside::Format { is_format: inner, .. }) => !inner || !is_format,
                Some(Inside::Field { .. }) => false,
                None => true,
            };
        }
    }
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Spot<'s>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.byte(0)?;
            if let Some(Inside::Format { quote, is_format }) = self.inside.last().copied() {
                self.format(quote, is_format);
                continue;
            }
            let (line, column) = (self.line, self.at.saturating_sub(self.start));
            if let Some(token) = self.code() {
                return Some(Spot { token, line, column });
            }
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Whether a name right before a quote belongs to the string.
fn is_prefix(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    matches!(lower.as_str(), "r" | "b" | "u" | "f" | "t" | "br" | "rb" | "fr" | "rf" | "tr" | "rt" | "ur")
}
