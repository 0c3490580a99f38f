//! Denied paths with variables or braces, which Codex does not expand.

use codex_schema::diagnostic::{Code, Diagnostic, Edit, Effect, Outcome, Versions};
use codex_schema::version::Version;

use super::view::View;

/// Versions that refuse the whole file over a brace in a path: not 0.138.0, but 0.157.1.
const REFUSING: Versions = Versions { first: Some(Version::patched(157, 1)), last: None };

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (path, span) in subject.denied_paths() {
        let Some(what) = unexpanded(path) else { continue };
        let message = format!("`{path}` protects nothing: Codex does not expand `{what}`");
        let mut diagnostic = Diagnostic::new(Code::DenyReadNotExpanded, message, span);
        if path.contains('{') {
            diagnostic = diagnostic
                .effect(Effect::new(Versions::through(138), Outcome::Accepts))
                .effect(Effect::new(REFUSING, Outcome::RefusesToStart));
        }
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
    if let (Some(open), Some(close)) = (path.find('{'), path.rfind('}')) {
        return path.get(path.find("${").unwrap_or(open)..=close);
    }
    let part = path.split(['/', '\\']).find(|part| {
        let percent = part.len() > 2 && part.starts_with('%') && part.ends_with('%');
        percent || part.starts_with('$') && part.len() > 1
    });
    // A name may begin with a dollar sign; only at the beginning of a path it is never meant.
    part.filter(|part| path.starts_with(part) || part.starts_with('%'))
}
