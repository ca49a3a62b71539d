//! pip's configuration files, line by line: reading all that they set, and changing one line of one.
//!
//! Owns: the changed text, everything else in it as it was. Pure. Never: judges a value.

/// An entry of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `global.index-url`.
    pub key: String,
    /// The value, lines joined by line breaks.
    pub value: String,
}

/// A section and an option.
///
/// # Errors
/// What is wrong with the key.
pub fn split_key(key: &str) -> Result<(String, String), String> {
    match key.split_once('.') {
        Some((section, option)) if !section.is_empty() && !option.is_empty() => {
            Ok((section.to_owned(), option_name(option)))
        }
        _ => Err(format!(
            "Key does not contain dot separated section and key. Perhaps you wanted to use 'global.{key}' instead?"
        )),
    }
}

/// The long option behind a key: lower case, with `-`.
pub fn option_name(key: &str) -> String {
    let key = key.trim().to_ascii_lowercase().replace('_', "-");
    key.trim_start_matches("--").to_owned()
}

/// A line of a file.
enum Line<'t> {
    Section(&'t str),
    Option { name: String, value: &'t str },
    More(&'t str),
    Other,
}

fn line(text: &str) -> Line<'_> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
        return Line::Other;
    }
    if text.starts_with([' ', '\t']) {
        return Line::More(trimmed);
    }
    if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Line::Section(name.trim());
    }
    match trimmed.split_once(['=', ':']) {
        Some((name, value)) => Line::Option { name: option_name(name), value: value.trim() },
        None => Line::Other,
    }
}

/// Everything that a file sets, in order.
pub fn entries(text: &str) -> Vec<Entry> {
    let mut section = String::new();
    let mut found: Vec<Entry> = Vec::new();
    for text in text.lines() {
        match line(text) {
            Line::Section(name) => section = name.to_owned(),
            Line::Option { name, value } => {
                found.push(Entry { key: format!("{section}.{name}"), value: value.to_owned() });
            }
            Line::More(more) => {
                if let Some(last) = found.last_mut() {
                    last.value.push('\n');
                    last.value.push_str(more);
                }
            }
            Line::Other => {}
        }
    }
    found
}

/// The text with one option set, or, with `None`, taken out. A section without options goes too. `None` where there is
/// nothing to take out.
pub fn changed(text: &str, section: &str, option: &str, value: Option<&str>) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    let (mut done, mut skipping, mut end_of_section) = (false, false, None);
    for text in text.lines() {
        match line(text) {
            Line::Section(name) => {
                current = name.to_owned();
                skipping = false;
            }
            Line::Option { name, .. } => {
                skipping = current == section && name == option;
                if skipping && !done {
                    done = true;
                    lines.extend(value.map(|value| format!("{option} = {value}")));
                }
            }
            Line::More(_) => {}
            Line::Other => skipping = false,
        }
        if !skipping {
            lines.push(text.to_owned());
        }
        if current == section && !text.trim().is_empty() {
            end_of_section = Some(lines.len());
        }
    }
    match (done, value) {
        (false, None) => return None,
        (false, Some(value)) => {
            let new = format!("{option} = {value}");
            match end_of_section {
                Some(at) => lines.insert(at, new),
                None => {
                    if lines.last().is_some_and(|last| !last.trim().is_empty()) {
                        lines.push(String::new());
                    }
                    lines.push(format!("[{section}]"));
                    lines.push(new);
                }
            }
        }
        (true, _) => {}
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if value.is_none() && !entries(&text).iter().any(|entry| entry.key.starts_with(&format!("{section}."))) {
        let header = |text: &str| matches!(line(text), Line::Section(name) if name == section);
        let kept = text.lines().filter(|text| !header(text));
        return Some(kept.map(|line| format!("{line}\n")).collect());
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\n[global]\ntimeout = 60\nIndex_URL: https://a/\n\n[install]\nfind-links =\n    one\n    two\n";

    #[test]
    fn what_a_file_sets() {
        let found: Vec<_> = entries(TEXT).into_iter().map(|entry| (entry.key, entry.value)).collect();
        let expected = [
            ("global.timeout", "60"),
            ("global.index-url", "https://a/"),
            ("install.find-links", "\none\ntwo"),
        ];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn one_line_changes() {
        let check = |section: &str, option: &str, value: Option<&str>, from: &str, to: &str| {
            let expected = TEXT.replace(from, to);
            assert_eq!(changed(TEXT, section, option, value).as_deref(), Some(expected.as_str()));
        };
        check("global", "timeout", Some("5"), "timeout = 60", "timeout = 5");
        check("global", "retries", Some("2"), "https://a/\n", "https://a/\nretries = 2\n");
        check("global", "timeout", None, "timeout = 60\n", "");
        check("install", "find-links", None, "[install]\nfind-links =\n    one\n    two\n", "");
        check("install", "find-links", Some("x"), "find-links =\n    one\n    two\n", "find-links = x\n");
        check("lock", "pre", Some("1"), "two\n", "two\n\n[lock]\npre = 1\n");
        assert_eq!(changed(TEXT, "lock", "pre", None), None);
        assert!(split_key("timeout").is_err());
    }
}
