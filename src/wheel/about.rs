//! METADATA beyond what an installer needs: what a project says of its licence, and of what it is imported by.
//!
//! Pure, and lenient: what cannot be understood is not there. Never: believes that it is true.

use super::headers::Headers;

/// No text of a licence header is kept that is longer, in bytes.
const MAX_TEXT: usize = 400;

/// What METADATA says of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// `License-Expression` (PEP 639).
    pub expression: Option<String>,
    /// `License`, where it is a name and no text.
    pub license: Option<String>,
    /// `Classifier`s that begin with `License ::`.
    pub classifiers: Vec<String>,
    /// `Summary`.
    pub summary: Option<String>,
    /// `Import-Name` and `Import-Namespace` (PEP 794), without `; private`.
    pub imports: Vec<String>,
}

impl About {
    /// Reads METADATA.
    pub fn parse(text: &[u8]) -> Self {
        let Ok(headers) = Headers::parse(text) else { return Self::default() };
        Self::of(|name| headers.all(name).map(str::to_owned).collect())
    }

    /// Takes it from headers that were read elsewhere.
    pub fn of(all: impl Fn(&str) -> Vec<String>) -> Self {
        let short = |name: &str| {
            let first = all(name).into_iter().next()?;
            let line = first.trim();
            (!line.is_empty() && line.len() <= MAX_TEXT && !line.contains('\n')).then(|| line.to_owned())
        };
        let import = |text: String| text.split(';').next().unwrap_or_default().trim().to_owned();
        let imports = all("Import-Name").into_iter().chain(all("Import-Namespace"));
        Self {
            expression: short("License-Expression"),
            license: short("License")
                .filter(|text| text.len() <= 80 && !text.eq_ignore_ascii_case("UNKNOWN")),
            classifiers: all("Classifier")
                .into_iter()
                .filter(|text| text.starts_with("License ::"))
                .collect(),
            summary: short("Summary"),
            imports: imports.map(import).filter(|name| !name.is_empty()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_texts_on_one_line_are_kept() {
        let said = |name: &'static str, text: &str| {
            let text = text.to_owned();
            About::of(move |asked| if asked == name { vec![text.clone()] } else { Vec::new() })
        };
        let (most, more) = ("x".repeat(MAX_TEXT), "x".repeat(MAX_TEXT + 1));
        for (text, kept) in
            [("a b", true), ("", false), (" ", false), (&most, true), (&more, false), ("a\nb", false)]
        {
            assert_eq!(said("Summary", text).summary.is_some(), kept, "{text}");
        }
        let (most, more) = ("x".repeat(80), "x".repeat(81));
        for (text, kept) in [("MIT", true), ("unknown", false), (&most, true), (&more, false)] {
            assert_eq!(said("License", text).license.is_some(), kept, "{text}");
        }
    }

    #[test]
    fn imports_are_told_without_what_stands_behind_them() {
        let imports = |text: &str| {
            let text = text.to_owned();
            About::of(|asked| if asked == "Import-Name" { vec![text.clone()] } else { Vec::new() }).imports
        };
        assert_eq!(imports("a.b ; private"), ["a.b"]);
        assert!(imports("; private").is_empty());
    }
}
