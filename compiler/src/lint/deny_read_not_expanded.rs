//! Denied paths with variables, which Codex does not expand.

use codex_schema::diagnostic::Edit;
use codex_schema::diagnostic::{Code, Diagnostic};

use super::Subject;

/// Checks a policy.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (path, span) in subject.denied_paths() {
        let Some(what) = unexpanded(path) else { continue };
        let message = format!("`{path}` protects nothing: Codex does not expand `{what}`");
        let diagnostic = Diagnostic::new(Code::DenyReadNotExpanded, message, span);
        let home = path.strip_prefix("$HOME/").or_else(|| path.strip_prefix("${HOME}/"));
        found.push(match home {
            Some(rest) => {
                let text = format!("{:?}", format!("~/{rest}"));
                let help = format!("write `~/{rest}`");
                let edits = vec![Edit::Replace { span, text }];
                diagnostic.help(help).fix("write `~/` for the home folder", edits)
            }
            None => diagnostic.help("begin the path with `~/` or `/`"),
        });
    }
    found
}

/// The part of a path that looks like something to be expanded.
fn unexpanded(path: &str) -> Option<&str> {
    if let Some(rest) = path.strip_prefix('~')
        && !rest.is_empty()
        && !rest.starts_with('/')
    {
        return path.split('/').next();
    }
    let part = path.split(['/', '\\']).find(|part| {
        let percent = part.len() > 2 && part.starts_with('%') && part.ends_with('%');
        percent || part.starts_with('$') && part.len() > 1
    });
    // A name may begin with a dollar sign; only at the beginning of a path it is never meant.
    part.filter(|part| path.starts_with(part) || part.starts_with('%') || part.starts_with("${"))
}
