//! MXC that is required and forbidden.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let require = subject.requirement(&["windows", "require_mxc"]);
    let allow = subject.requirement(&["windows", "allow_mxc"]);
    let (Some(require), Some(allow)) = (require, allow) else { return Vec::new() };
    if !subject.is(&["windows", "require_mxc"], true)
        || !subject.is(&["windows", "allow_mxc"], false)
    {
        return Vec::new();
    }
    let message = "MXC is required and not allowed: no sandbox is left";
    vec![
        Diagnostic::new(Code::MxcContradiction, message, require.key.span)
            .beside(allow.key.span, "not allowed here")
            .help("remove one of the two"),
    ]
}
