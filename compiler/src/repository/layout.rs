//! Which files make up a repository, and which ones nothing reads.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::lookup::closest;
use codex_schema::source::Documents;
use codex_schema::span::Span;

use super::manifest::LayerName;
use super::{MANIFEST_FILE, Role, TRUST_FILE, file};
use crate::files::Files;

/// Most folders of one kind, and most files in one folder: far above any organisation's need.
const ENTRY_LIMIT: usize = 20_000;

/// The files of a repository.
pub(super) struct Layout {
    /// Paths relative to the top, with what each file is for.
    pub(super) files: Vec<(String, Role)>,
    /// The policy folders that are there, empty or not.
    pub(super) folders: Vec<LayerName>,
    stray: Vec<Stray>,
}

/// A file in a policy folder that nothing reads.
struct Stray {
    path: String,
    meant: Option<&'static str>,
}

/// Looks for the files of a repository.
pub(super) fn find(files: &dyn Files, top: &str) -> Layout {
    let mut layout = Layout {
        files: vec![
            (MANIFEST_FILE.to_owned(), Role::Manifest),
            (TRUST_FILE.to_owned(), Role::Trust),
        ],
        folders: Vec::new(),
        stray: Vec::new(),
    };
    let list = |path: &str| {
        let mut names = files.list(&format!("{top}/{path}"));
        names.retain(|name| !is_ignored(name));
        names.truncate(ENTRY_LIMIT);
        names
    };
    for name in files.list(top).into_iter().filter(|name| is_test(name)).take(ENTRY_LIMIT) {
        layout.files.push((name, Role::Test));
    }
    layer(&list, "baseline", &mut layout);
    for kind in ["environments", "teams"] {
        for name in list(kind) {
            let path = format!("{kind}/{name}");
            if name.contains('.') && list(&path).is_empty() {
                layout.stray.push(Stray { path, meant: None });
            } else {
                layer(&list, &path, &mut layout);
            }
        }
    }
    for name in list("exceptions") {
        let path = format!("exceptions/{name}");
        match name.strip_suffix(".toml") {
            Some(stem) => layout.files.push((path, Role::Exception(stem.to_owned()))),
            None if is_prose(&name) => {}
            None => layout.stray.push(Stray { path, meant: None }),
        }
    }
    layout
}

/// Names that version control, editors and people leave behind.
fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~')
}

fn is_test(name: &str) -> bool {
    !is_ignored(name) && name.ends_with(".test.toml")
}

fn is_prose(name: &str) -> bool {
    let upper = name.to_uppercase();
    ends_with(name, "md")
        || ends_with(name, "txt")
        || ["README", "OWNERS", "CODEOWNERS"].contains(&upper.as_str())
}

fn ends_with(name: &str, extension: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case(extension))
}

fn layer(list: &dyn Fn(&str) -> Vec<String>, path: &str, layout: &mut Layout) {
    let Some(name) = LayerName::parse(path) else { return };
    let entries = list(path);
    if !entries.is_empty() {
        layout.folders.push(name.clone());
    }
    for entry in entries {
        let full = format!("{path}/{entry}");
        match entry.as_str() {
            "requirements.toml" => layout.files.push((full, Role::Requirements(name.clone()))),
            "config.toml" => layout.files.push((full, Role::Config(name.clone()))),
            "rules" => rules(list, &full, &name, layout),
            _ if is_test(&entry) => layout.files.push((full, Role::Test)),
            _ if is_prose(&entry) => {}
            _ => {
                let meant =
                    closest(&entry, ["requirements.toml", "config.toml", "rules"].into_iter());
                layout.stray.push(Stray { path: full, meant });
            }
        }
    }
}

fn rules(list: &dyn Fn(&str) -> Vec<String>, path: &str, name: &LayerName, layout: &mut Layout) {
    for entry in list(path) {
        let full = format!("{path}/{entry}");
        if std::path::Path::new(&entry).extension().is_some_and(|end| end == "rules") {
            layout.files.push((full, Role::Rules(name.clone(), entry)));
        } else if !is_prose(&entry) {
            layout.stray.push(Stray { path: full, meant: None });
        }
    }
}

impl Layout {
    /// What is wrong with the layout.
    pub(super) fn problems(&self, documents: &mut Documents) -> Vec<Diagnostic> {
        let one = |stray: &Stray| {
            let span = Span::new(documents.add(file(&stray.path), ""), 0, 0);
            let message = format!("nothing reads `{}`", stray.path);
            let help = match stray.meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "policy folders hold `requirements.toml`, `config.toml`, `rules/*.rules` \
                         and `*.test.toml`; move anything else out of them"
                    .to_owned(),
            };
            Diagnostic::new(Code::StrayFile, message, span).help(help)
        };
        self.stray.iter().map(one).collect()
    }
}
