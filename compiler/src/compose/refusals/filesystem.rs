//! Paths in the permission profile that is selected.

use codex_schema::value::{Entry, Node, Value};

use super::Refusal;

/// What is wrong with the `filesystem` table of a profile.
pub(super) fn of_profile(profile: &Node) -> Option<Refusal> {
    let table = profile.at(&["filesystem"])?.value.as_table()?;
    table.iter().find_map(|entry| {
        let text = of_entry(entry)?;
        Some(Refusal::start(text, Some(entry.key.span)))
    })
}

fn of_entry(entry: &Entry) -> Option<String> {
    let path = &*entry.key.value;
    if path == "glob_scan_max_depth" {
        let zero = entry.node.value == Value::Integer(0);
        return zero.then(|| "glob_scan_max_depth must be at least 1".to_owned());
    }
    let rooted = path.starts_with(['/', ':']) || path == "~" || path.starts_with("~/");
    if !rooted {
        return Some(format!(
            "filesystem path `{path}` must be absolute, use `~/...`, or start with `:`"
        ));
    }
    match &entry.node.value {
        Value::Table(below) => below.iter().map(|entry| &*entry.key.value).find_map(of_subpath),
        value => of_glob(path, value.as_str()?),
    }
}

/// Patterns can only deny; a final `/**` is no pattern.
fn of_glob(path: &str, access: &str) -> Option<String> {
    let pattern = path.strip_suffix("/**").unwrap_or(path).contains(['*', '?', '[']);
    (pattern && !matches!(access, "deny" | "none")).then(|| {
        format!(
            "filesystem glob path `{path}` only supports `deny` access; use an exact path or \
             trailing `/**` for `{access}` subtree access"
        )
    })
}

fn of_subpath(path: &str) -> Option<String> {
    let climbs = path != "." && path.split('/').any(|part| matches!(part, "." | ".."));
    (climbs || path.starts_with('/')).then(|| {
        format!(
            "filesystem subpath `{path}` must be a descendant path without `.` or `..` components"
        )
    })
}
