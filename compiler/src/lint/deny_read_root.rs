//! The whole disk as a denied path, or as the folder of a denied pattern.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::span::Span;
use codex_schema::version::Version;

use super::view::View;

/// Versions that refuse sessions over a pattern below the root: not 0.138.0, but 0.157.1.
const REFUSING: Versions = Versions { first: Some(Version::patched(157, 1)), last: None };

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let paths = subject.denied_paths().into_iter();
    paths.filter_map(|(path, span)| of_path(path, span)).collect()
}

fn of_path(path: &str, span: Span) -> Option<Diagnostic> {
    let help = "deny the folders that hold secrets, such as `~/.ssh`";
    if !path.is_empty() && path.bytes().all(|byte| byte == b'/') {
        let message = format!("`{path}` is the whole disk: no command can run");
        let effect = Effect::new(Versions::since(118), Outcome::Accepts);
        return Some(Diagnostic::new(Code::DenyReadRoot, message, span).help(help).effect(effect));
    }
    let at = path.find(['*', '?', '['])?;
    let (folder, _) = path.split_at_checked(at)?.0.rsplit_once('/')?;
    if !folder.is_empty() {
        return None;
    }
    let message = format!("`{path}` is a pattern below the whole disk: no session starts");
    Some(
        Diagnostic::new(Code::DenyReadRoot, message, span)
            .help("begin the pattern with a folder, such as `/srv/**/*.pem`")
            .effect(Effect::new(Versions::through(138), Outcome::Accepts))
            .effect(Effect::new(REFUSING, Outcome::RefusesSessions)),
    )
}
