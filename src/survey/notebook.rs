//! A notebook -> the Python of its cells.
//!
//! Pure.

use serde_json::Value;

/// The code cells of a notebook (nbformat 4), each with its number, counted from 1. `None` for what is no notebook.
pub fn cells(text: &str) -> Option<Vec<(usize, String)>> {
    let notebook: Value = serde_json::from_str(text).ok()?;
    let cells = (1..).zip(notebook.get("cells")?.as_array()?);
    let code = cells.filter(|(_, value)| value.get("cell_type").and_then(Value::as_str) == Some("code"));
    let source = |value: &Value| match value.get("source") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(lines)) => Some(lines.iter().filter_map(Value::as_str).collect()),
        _ => None,
    };
    Some(code.filter_map(|(cell, value)| Some((cell, plain(&source(value)?)))).collect())
}

/// A cell without what is for the notebook and not for Python: magics, and commands of a shell.
fn plain(source: &str) -> String {
    // A cell magic is about all of its cell, which may be in another language.
    if source.trim_start().starts_with("%%") && !source.trim_start().starts_with("%%time") {
        return String::new();
    }
    let is_magic = |line: &str| line.trim_start().starts_with(['%', '!', '?']);
    source
        .lines()
        .map(|line| if is_magic(line) { "pass\n".to_owned() } else { format!("{line}\n") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_without_magics() {
        let notebook = serde_json::json!({ "cells": [
            { "cell_type": "markdown", "source": "import no" },
            { "cell_type": "code", "source": ["%matplotlib inline\n", "!pip install x\n", "import a\n", "b?\n"] },
            { "cell_type": "code", "source": "%%bash\nimport no" },
            { "cell_type": "code", "source": "if x:\n    %time y\nimport c" },
            { "cell_type": "code", "source": 1 },
        ]});
        let cells = cells(&notebook.to_string()).unwrap();
        let imports = |text: &str| crate::imports::of(text).into_iter().map(|it| (it.module, it.line)).next();
        let told: Vec<_> = cells.iter().filter_map(|(cell, text)| Some((*cell, imports(text)?))).collect();
        assert_eq!(told, [(2, ("a".to_owned(), 3)), (4, ("c".to_owned(), 3))]);
        assert!(super::cells("{}").is_none() && super::cells("[").is_none());
    }
}
