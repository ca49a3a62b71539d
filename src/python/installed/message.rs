//! METADATA and PKG-INFO of what is installed, read as an email message is: leniently.
//!
//! Owns: headers in their order, and the body. Never: judges a value; whoever installed it may have been another tool.

/// A message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    /// Reads a message. Every text is one: what is no header begins the body.
    pub fn parse(text: &str) -> Self {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut rest = text.as_str();
        loop {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            if rest.is_empty() {
                break;
            }
            if line.is_empty() {
                rest = after;
                break;
            }
            if line.starts_with([' ', '\t']) {
                // A continuation; without a header before it, it means nothing.
                if let Some((_, value)) = headers.last_mut() {
                    value.push('\n');
                    value.push_str(line);
                }
            } else if let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_name(name)) {
                headers.push((name.to_owned(), value.to_owned()));
            } else {
                break;
            }
            rest = after;
        }
        for (_, value) in &mut headers {
            *value = dedented(value.trim_start_matches([' ', '\t', '\n']));
        }
        Self { headers, body: rest.to_owned() }
    }

    /// The first header of this name, in any spelling.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Every header of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// What stands below the headers: the description.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Adds a header.
    pub(super) fn push(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}

/// Core metadata, "Description": continuation lines of older formats are indented by eight characters.
fn dedented(value: &str) -> String {
    if !value.contains('\n') {
        return value.to_owned();
    }
    let padded = format!("        {value}");
    let is_blank = |line: &str| line.trim().is_empty();
    let margin = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = padded.lines().filter(|line| !is_blank(line)).map(margin).min().unwrap_or(0);
    let lines = padded.split('\n').map(|line| {
        if is_blank(line) { String::new() } else { line.get(common..).unwrap_or_default().to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_where_a_line_is_none() {
        let message = Message::parse("Name: a\nversion:1\nLicense: one\n        two\n\nText\n\nmore");
        assert_eq!(message.get("name"), Some("a"));
        assert_eq!(message.get("Version"), Some("1"));
        assert_eq!(message.get("License"), Some("one\ntwo"));
        assert_eq!(message.body(), "Text\n\nmore");
        let message = Message::parse("Name: a\nno header here\nVersion: 1\n");
        assert_eq!((message.get("Version"), message.body()), (None, "no header here\nVersion: 1\n"));
        assert_eq!(Message::parse(""), Message::default());
    }
}
