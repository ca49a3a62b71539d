//! entry_points.txt: the scripts it asks for.

/// The scripts that entry points ask for. (Other groups are not an installer's business.)
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryPoints {
    /// `[console_scripts]` and `[gui_scripts]`, in order of name.
    pub scripts: Vec<Script>,
}

/// One script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The name of the file.
    pub name: String,
    /// The module: dotted identifiers.
    pub module: String,
    /// The object in it: dotted identifiers.
    pub object: String,
    /// Whether it stands under `[gui_scripts]`.
    pub gui: bool,
}
