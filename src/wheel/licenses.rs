//! What METADATA says of a licence -> an SPDX expression, where it says one without a doubt.
//!
//! PEP 639: `License-Expression` is one; a `License` that is one counts as well. A classifier counts where it means one
//! licence alone ("License :: OSI Approved :: BSD License" does not) and no other stands beside it: whether two would be
//! joined by AND or OR nobody says. Pure. Never: guesses.

use spdx::{Expression, ParseMode};

use super::about::About;

/// What is known of a licence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum License {
    /// An SPDX expression, in SPDX's own spelling.
    Expression(String),
    /// Words that do not say which licence it is.
    Named(Vec<String>),
    /// Nothing.
    Unsaid,
}

/// Classifiers that mean one licence alone, without what they all begin with.
const CLASSIFIERS: &[(&str, &str)] = &[
    ("Blue Oak Model License (BlueOak-1.0.0)", "BlueOak-1.0.0"),
    ("Boost Software License 1.0 (BSL-1.0)", "BSL-1.0"),
    ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
    ("CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)", "CECILL-2.1"),
    ("Common Development and Distribution License 1.0 (CDDL-1.0)", "CDDL-1.0"),
    ("Eclipse Public License 1.0 (EPL-1.0)", "EPL-1.0"),
    ("Eclipse Public License 2.0 (EPL-2.0)", "EPL-2.0"),
    ("European Union Public Licence 1.0 (EUPL 1.0)", "EUPL-1.0"),
    ("European Union Public Licence 1.1 (EUPL 1.1)", "EUPL-1.1"),
    ("European Union Public Licence 1.2 (EUPL 1.2)", "EUPL-1.2"),
    ("GNU Affero General Public License v3", "AGPL-3.0-only"),
    ("GNU Affero General Public License v3 or later (AGPLv3+)", "AGPL-3.0-or-later"),
    ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
    ("GNU General Public License v2 or later (GPLv2+)", "GPL-2.0-or-later"),
    ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
    ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
    ("GNU Lesser General Public License v2 (LGPLv2)", "LGPL-2.0-only"),
    ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2.0-or-later"),
    ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
    ("GNU Lesser General Public License v3 or later (LGPLv3+)", "LGPL-3.0-or-later"),
    ("Historical Permission Notice and Disclaimer (HPND)", "HPND"),
    ("ISC License (ISCL)", "ISC"),
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Mozilla Public License 1.0 (MPL)", "MPL-1.0"),
    ("Mozilla Public License 1.1 (MPL 1.1)", "MPL-1.1"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("Mulan Permissive Software License v2 (MulanPSL-2.0)", "MulanPSL-2.0"),
    ("Open Software License 3.0 (OSL-3.0)", "OSL-3.0"),
    ("PostgreSQL License", "PostgreSQL"),
    ("Python License (CNRI Python License)", "CNRI-Python"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("SIL Open Font License 1.1 (OFL-1.1)", "OFL-1.1"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("Universal Permissive License (UPL)", "UPL-1.0"),
    ("University of Illinois/NCSA Open Source License", "NCSA"),
    ("W3C License", "W3C"),
    ("Zero-Clause BSD (0BSD)", "0BSD"),
    ("zlib/libpng License", "Zlib"),
];

/// How `License` spells licences that have an identifier, without "the", "license" and punctuation.
const SPELLINGS: &[(&str, &str)] = &[
    ("2 clause bsd", "BSD-2-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("apache 2", "Apache-2.0"),
    ("apache 2.0", "Apache-2.0"),
    ("apache software 2.0", "Apache-2.0"),
    ("apache version 2.0", "Apache-2.0"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("isc", "ISC"),
    ("mit", "MIT"),
    ("mozilla public 2.0", "MPL-2.0"),
    ("mpl 2.0", "MPL-2.0"),
    ("simplified bsd", "BSD-2-Clause"),
];

impl License {
    /// What METADATA says.
    pub fn of(about: &About) -> Self {
        if let Some(text) = &about.expression {
            return expression(text).map_or_else(|| Self::Named(vec![text.clone()]), Self::Expression);
        }
        let names: Vec<&str> =
            about.classifiers.iter().filter_map(|text| text.rsplit(" :: ").next()).map(str::trim).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| *name != "OSI Approved").collect();
        let by_field = about.license.as_deref().and_then(|text| expression(text).or_else(|| spelled(text)));
        if let Some(found) = by_field {
            return Self::Expression(found);
        }
        if let [only] = names.as_slice()
            && let Some((_, id)) = CLASSIFIERS.iter().find(|(name, _)| name == only)
        {
            return Self::Expression((*id).to_owned());
        }
        let mut said: Vec<String> = names.into_iter().map(str::to_owned).collect();
        said.extend(about.license.iter().filter(|_| said.is_empty()).cloned().collect::<Vec<_>>());
        if said.is_empty() { Self::Unsaid } else { Self::Named(said) }
    }

    /// The SPDX expression, where there is one.
    pub fn expression(&self) -> Option<&str> {
        match self {
            Self::Expression(text) => Some(text),
            Self::Named(_) | Self::Unsaid => None,
        }
    }

    /// In words.
    pub fn told(&self) -> String {
        match self {
            Self::Expression(text) => text.clone(),
            Self::Named(names) => format!("not an SPDX expression: {}", names.join("; ")),
            Self::Unsaid => "not said".to_owned(),
        }
    }
}

/// A text as an SPDX expression in SPDX's own spelling ("case-insensitive", PEP 639), where it is one.
pub fn expression(text: &str) -> Option<String> {
    let mut spelled = String::new();
    for word in text.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        if !(spelled.is_empty() || spelled.ends_with('(') || word == ")") {
            spelled.push(' ');
        }
        spelled.push_str(&cased(word));
    }
    read(&spelled).map(|_| spelled)
}

/// Reads an expression, with identifiers that SPDX has replaced by others since.
pub(crate) fn read(text: &str) -> Option<Expression> {
    let mode = ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };
    Expression::parse_mode(text, mode).ok()
}

fn cased(word: &str) -> String {
    let (bare, plus) = word.strip_suffix('+').map_or((word, ""), |bare| (bare, "+"));
    let operators = ["AND", "OR", "WITH"].into_iter();
    let licenses = spdx::identifiers::LICENSES.iter().map(|license| license.name);
    let exceptions = spdx::identifiers::EXCEPTIONS.iter().map(|exception| exception.name);
    let known = operators.chain(licenses).chain(exceptions).find(|known| known.eq_ignore_ascii_case(bare));
    let reference = || {
        let (prefix, rest) = bare.split_at_checked(11)?;
        prefix.eq_ignore_ascii_case("LicenseRef-").then(|| format!("LicenseRef-{rest}"))
    };
    known.map(str::to_owned).or_else(reference).map_or_else(|| word.to_owned(), |known| known + plus)
}

fn spelled(text: &str) -> Option<String> {
    let plain: String =
        text.to_lowercase().chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { ' ' }).collect();
    let words: Vec<&str> =
        plain.split_whitespace().filter(|word| !matches!(*word, "the" | "license" | "licence")).collect();
    let words = words.join(" ");
    SPELLINGS.iter().find(|(spelling, _)| *spelling == words).map(|(_, id)| (*id).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &str, expected: &str) {
        let text = format!("Metadata-Version: 2.4\nName: a\nVersion: 1\n{headers}");
        assert_eq!(License::of(&About::parse(text.as_bytes())).told(), expected, "{headers}");
    }

    #[test]
    fn an_expression_is_taken_in_its_own_spelling() {
        check("License-Expression: mit", "MIT");
        check(
            "License-Expression: apache-2.0 or (BSD-3-Clause and mit)",
            "Apache-2.0 OR (BSD-3-Clause AND MIT)",
        );
        check(
            "License-Expression: GPL-2.0+ with classpath-exception-2.0",
            "GPL-2.0+ WITH Classpath-exception-2.0",
        );
        check("License-Expression: licenseref-Own", "LicenseRef-Own");
        check("License-Expression: Some words", "not an SPDX expression: Some words");
        check(
            "License-Expression: MIT\nLicense: BSD\nClassifier: License :: OSI Approved :: BSD License",
            "MIT",
        );
    }

    #[test]
    fn one_classifier_counts_where_it_means_one_licence() {
        check("Classifier: License :: OSI Approved :: MIT License", "MIT");
        check(
            "Classifier: License :: OSI Approved\nClassifier: License :: OSI Approved :: ISC License (ISCL)",
            "ISC",
        );
        check("Classifier: License :: OSI Approved :: BSD License", "not an SPDX expression: BSD License");
        check(
            "Classifier: License :: OSI Approved :: MIT License\n\
             Classifier: License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
            "not an SPDX expression: MIT License; Mozilla Public License 2.0 (MPL 2.0)",
        );
    }

    #[test]
    fn the_field_counts_where_it_names_one() {
        check("License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License", "BSD-3-Clause");
        check("License: The MIT License", "MIT");
        check("License: Apache License, Version 2.0", "Apache-2.0");
        check("License: BSD", "not an SPDX expression: BSD");
        check("License: UNKNOWN", "not said");
        check("License: Permission is granted\n        to anybody", "not said");
        check("", "not said");
    }

    #[test]
    fn each_classifier_of_the_table_means_a_licence_of_the_list() {
        for (name, id) in CLASSIFIERS.iter().chain(SPELLINGS) {
            assert_eq!(expression(id).as_deref(), Some(*id), "{name}");
        }
    }
}
