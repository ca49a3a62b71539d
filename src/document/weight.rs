//! How much memory a document would take, told before it is taken.
//!
//! Pure. A table in a few bytes of text takes more than a kilobyte, so that a cap on bytes alone would bound nothing.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// The most that the values of a document may take, in bytes. A lock of some 40,000 wheels is as heavy as this.
const MOST: usize = 192 << 20;
/// No text that is shorter can be too heavy.
const LIGHT: usize = 256 * 1024;
/// What a table with few keys takes: one node of the map that holds it.
const TABLE: usize = 1500;
const KEY: usize = 200;
const VALUE: usize = 100;

/// Where a document becomes heavier than pipward reads (a place in the text), if it does.
pub(super) fn too_heavy(text: &str) -> Option<usize> {
    if text.len() < LIGHT || most(text) <= MOST {
        return None;
    }
    heavier_than(text, MOST)
}

fn heavier_than(text: &str, limit: usize) -> Option<usize> {
    let (mut weight, mut dots) = (0_usize, 0_usize);
    for token in Source::new(text).lex() {
        let more = match token.kind() {
            TokenKind::LeftCurlyBracket | TokenKind::LeftSquareBracket => TABLE,
            // `a.b.c =` and `[a.b.c]` make a table for each dot; that of a number makes none.
            TokenKind::Equals => KEY.saturating_add(TABLE.saturating_mul(dots)),
            TokenKind::RightSquareBracket => TABLE.saturating_mul(dots),
            TokenKind::Comma => VALUE,
            TokenKind::Dot => {
                dots = dots.saturating_add(1);
                continue;
            }
            TokenKind::Newline => 0,
            _ => continue,
        };
        dots = 0;
        weight = weight.saturating_add(more);
        if weight > limit {
            return Some(token.span().start());
        }
    }
    None
}

/// What a text weighs at most, whatever of it stands within strings: it need not be taken apart where that is little.
fn most(text: &str) -> usize {
    let weigh = |sum: usize, byte: &u8| {
        let more = match byte {
            b'{' | b'[' | b'.' => TABLE,
            b'=' => KEY,
            b',' => VALUE,
            _ => return sum,
        };
        sum.saturating_add(more)
    };
    text.as_bytes().iter().fold(0, weigh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_weighs_more_than_most() {
        let dotted: String =
            (0..3_000).map(|at| format!("[{}b{at}]\n{}c = 1\n", "a.".repeat(9), "d.".repeat(7))).collect();
        for text in [packages(3_000), format!("a = [{}]", "{a=1},[1],1,".repeat(9_000)), dotted] {
            assert_eq!(heavier_than(&text, most(&text)), None);
        }
    }

    fn packages(count: usize) -> String {
        let package = |at: usize| {
            format!(
                "[[packages]]\nname = \"a{at}\"\nversion = \"1\"\nwheels = [\n    {{ upload-time = \
                 2026-09-05T10:42:37.923487Z, url = \"https://h/a{at}-1-py3-none-any.whl\", size = 1, hashes = {{ \
                 sha256 = \"{at:064x}\" }} }},\n]\n\n"
            )
        };
        (0..count).map(package).collect()
    }

    #[test]
    fn large_locks_are_light_enough() {
        assert_eq!(too_heavy(&packages(10_000)), None);
        let text = "description = '.'\n".repeat(500_000);
        assert_eq!(too_heavy(&text), None, "{}", text.len());
    }

    #[test]
    fn much_in_few_bytes_is_too_heavy() {
        let place = |text: &str| too_heavy(text).map(|at| at < text.len());
        assert_eq!(place(&packages(60_000)), Some(true));
        assert_eq!(place(&format!("a = [{}]", "{a=1},".repeat(200_000))), Some(true));
        assert_eq!(place(&format!("a = [{}]", "[1],".repeat(200_000))), Some(true));
        assert_eq!(place(&format!("a = [{}]", "1,".repeat(3_000_000))), Some(true));
        let dotted: String = (0..30_000).map(|at| format!("{}b{at} = 1\n", "a.".repeat(70))).collect();
        assert_eq!(place(&dotted), Some(true));
        let headers: String = (0..30_000).map(|at| format!("[{}b{at}]\n", "a.".repeat(70))).collect();
        assert_eq!(place(&headers), Some(true));
    }
}
