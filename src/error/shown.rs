//! What must not be shown as it is: user names and passwords of addresses, and characters that deceive.
//!
//! Owns: how both are told apart from other text. Never: prints; whoever does asks here first.

use std::borrow::Cow;

/// Whether a character could steer a terminal or deceive a reader: controls, bidirectional and invisible ones.
pub fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

/// What stands for a user name and password that were left out.
const LEFT_OUT: &str = "****@";

/// The text with `****@` in place of the user name and password of every address in it (`https://me:secret@host/`).
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    if !text.contains("//") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("//") {
        shown.extend([before, "//"]);
        // Two slashes within a path begin nothing.
        let is_in_path =
            before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '~'));
        let host = secret_end(after).filter(|_| !is_in_path).and_then(|end| after.get(end..));
        rest = match host {
            Some(host) => {
                shown.push_str(LEFT_OUT);
                host
            }
            None => after,
        };
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Where the host begins in what follows `//`, if something stands before it.
fn secret_end(after: &str) -> Option<usize> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    let word = after.get(..after.find(ends).unwrap_or(after.len()))?;
    let authority = word.get(..word.find(['/', '?', '#', '\\']).unwrap_or(word.len()))?;
    if let Some(at) = authority.rfind('@') {
        return Some(at + 1);
    }
    // `me:pass/word@host` is no address, and was meant to be one.
    let (_, port) = authority.rsplit_once(':')?;
    let is_port = authority.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port { None } else { word.rfind('@').map(|at| at + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_who_asks_and_nothing_else_changes() {
        for (text, expected) in [
            ("https://me:secret@host/simple/", "https://****@host/simple/"),
            ("https://secret@host", "https://****@host"),
            ("see 'http://me:se@cret@h:1/x' and http://s@i", "see 'http://****@h:1/x' and http://****@i"),
            ("{\"a\":\"https://me:secret@h\"}", "{\"a\":\"https://****@h\"}"),
            ("https://me:sec/ret@host/x", "https://****@host/x"),
            ("https://me:sec?ret@host/x", "https://****@host/x"),
            ("git+ssh://git@host/a@v1", "git+ssh://****@host/a@v1"),
            ("https://host/a@v1", "https://host/a@v1"),
            ("https://host:8080/a@v1", "https://host:8080/a@v1"),
            ("https://[::1]:80/a@v1", "https://[::1]:80/a@v1"),
            ("https://host/a b@c", "https://host/a b@c"),
            ("a @ b://", "a @ b://"),
            ("//me:secret@host/x", "//****@host/x"),
            ("see `//me:secret@host`, 'x=//s@i'", "see `//****@host`, 'x=//****@i'"),
            ("file:///srv/a//b@c", "file:///srv/a//b@c"),
            ("/srv//b@c and ./x_//b@c", "/srv//b@c and ./x_//b@c"),
            ("me:secret@host", "me:secret@host"),
        ] {
            assert_eq!(without_passwords(text), expected, "{text}");
        }
    }
}
