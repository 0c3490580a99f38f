//! Names of documents and places, shortened by what every reader of this machine knows.

use crate::explain::{Explanation, Place};
use crate::machine::Machine;

/// What names are shortened by.
#[derive(Clone, Debug)]
pub struct Names {
    home: String,
    codex_home: String,
    cwd: String,
    brief: bool,
}

impl Names {
    /// The names of a machine.
    pub fn of(explanation: &Explanation, home: &str) -> Self {
        Self {
            home: home.to_owned(),
            codex_home: explanation.machine.codex_home.clone(),
            cwd: explanation.machine.cwd.clone(),
            brief: false,
        }
    }

    /// The names of a machine that nobody explained.
    pub fn of_machine(machine: &Machine, home: &str) -> Self {
        Self {
            home: home.to_owned(),
            codex_home: machine.codex_home.clone(),
            cwd: machine.cwd.clone(),
            brief: false,
        }
    }

    /// The same for tables, whose head lists the documents in full.
    #[must_use]
    pub fn brief(&self) -> Self {
        Self { brief: true, ..self.clone() }
    }

    /// A path below the home folder as `~/…`.
    pub fn home(&self, path: &str) -> String {
        below(path, &self.home, "~").unwrap_or_else(|| path.to_owned())
    }

    /// A document's name.
    pub fn path(&self, document: &str) -> String {
        let in_codex_home = || below(document, &self.codex_home, "$CODEX_HOME");
        let default_codex_home = format!("{}/.codex", self.home);
        if self.codex_home == default_codex_home {
            return self.home(document);
        }
        in_codex_home()
            .or_else(|| below(document, &self.cwd, "."))
            .unwrap_or_else(|| self.home(document))
    }

    /// A place: document, line and column.
    pub fn place(&self, place: &Place) -> String {
        if place.document.starts_with("argument ") {
            return place.document.clone();
        }
        let name = match place.document.rsplit_once(" › ") {
            Some((_, "requirements_toml_base64")) if self.brief => "MDM".to_owned(),
            Some((_, key)) if self.brief => format!("MDM {key}"),
            _ if self.brief => {
                fragment(&place.document).unwrap_or_else(|| self.path(&place.document))
            }
            _ => self.path(&place.document),
        };
        format!("{name}:{}:{}", place.line, place.column)
    }
}

/// `cloud fragment "Org floor" [frag_7c1]` without the identifier.
fn fragment(document: &str) -> Option<String> {
    let rest = document.strip_prefix("cloud fragment ")?;
    let (name, _) = rest.rsplit_once(" [")?;
    Some(format!("cloud {name}"))
}

fn below(path: &str, folder: &str, sign: &str) -> Option<String> {
    let rest = path.strip_prefix(folder).filter(|_| !folder.is_empty())?;
    (rest.is_empty() || rest.starts_with('/')).then(|| format!("{sign}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_unmistakable() {
        let names = Names {
            home: "/home/kim".to_owned(),
            codex_home: "/srv/codex".to_owned(),
            cwd: "/home/kim/pay".to_owned(),
            brief: true,
        };
        let place = |document: &str| {
            names.place(&Place { document: document.to_owned(), line: 3, column: 5, text: None })
        };
        assert_eq!(place("/srv/codex/config.toml"), "$CODEX_HOME/config.toml:3:5");
        assert_eq!(place("/home/kim/pay/.codex/config.toml"), "./.codex/config.toml:3:5");
        assert_eq!(place("/home/kim/x"), "~/x:3:5");
        assert_eq!(place("/home/kimberly/x"), "/home/kimberly/x:3:5");
        assert_eq!(place("a.mobileconfig › requirements_toml_base64"), "MDM:3:5");
        assert_eq!(place("cloud fragment \"Org floor\" [f]"), "cloud \"Org floor\":3:5");
        assert_eq!(place("argument 2"), "argument 2");
    }
}
