//! What Codex refuses or leaves out of a `config.toml` although every name and type is right.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::source::Source;
use codex_schema::value::{Entry, Table};
use codex_schema::version::Version;

use super::document::Subject;
use super::{FileKind, Findings};
use crate::configure::denied::DENIED;

/// First version that refuses `approval_policy = "untrusted"`: not at 0.138.0, at 0.157.1.
const WITHOUT_UNTRUSTED: Versions = Versions { first: Some(Version::patched(157, 1)), last: None };

/// First version without profiles inside `config.toml`: there at 0.118.0, gone at 0.138.0.
const WITHOUT_PROFILES: Versions = Versions::since(138);

/// Adds findings about a configuration.
pub(super) fn add(subject: &Subject<'_>, found: &mut Findings) {
    match subject.kind {
        FileKind::Config if subject.source().is_some_and(is_in_project) => {
            denied(subject.root, found);
        }
        FileKind::Config => profiles(subject.root, found),
        FileKind::ManagedConfig => {}
        _ => return,
    }
    untrusted(subject, found);
    transports(subject.root, found);
}

/// Whether the file is the one of a project. A `.codex` folder right below the folder of a person
/// holds that person's own configuration.
pub(super) fn is_in_project(source: &Source) -> bool {
    let Source::File { path } = source else { return false };
    let mut parts = path.rsplit(['/', '\\']).skip(1);
    if parts.next() != Some(".codex") {
        return false;
    }
    let parents: Vec<&str> = parts.collect();
    let own =
        matches!(parents.as_slice(), ["~" | "root" | "$HOME", ..] | [_, "home" | "Users", ..]);
    !own
}

fn denied(root: &Table, found: &mut Findings) {
    for (key, since) in DENIED {
        let Some(entry) = root.entry(key) else { continue };
        let message = format!("a project's configuration may not set `{key}`");
        // The one release of each series that was measured.
        let first = if *since == 157 { Version::patched(157, 1) } else { Version::of(*since) };
        let ignores = Versions { first: Some(first), last: None };
        found.add(
            Diagnostic::new(Code::ProjectKey, message, entry.key.span)
                .help("set it in your own `config.toml`, in the Codex home folder")
                .effect(Effect::new(Versions::through(118), Outcome::Accepts))
                .effect(Effect::new(ignores, Outcome::IgnoresWithWarning)),
        );
    }
}

fn profiles(root: &Table, found: &mut Findings) {
    if let Some((entry, name)) = text(root, "profile") {
        let message = "`profile` is no longer a key of `config.toml`";
        found.add(
            Diagnostic::new(Code::ValueRefused, message, entry.key.span)
                .help(format!(
                    "remove it, write the settings into `{name}.config.toml` beside this file, \
                     and start `codex --profile {name}`"
                ))
                .effect(Effect::new(WITHOUT_PROFILES, Outcome::RefusesSessions).says(format!(
                    "legacy `profile = \"{name}\"` config is no longer supported; use \
                     `--profile {name}` with `{name}.config.toml` instead"
                ))),
        );
    }
    let Some(entry) = root.entry("profiles") else { return };
    let first = entry.node.value.as_table().and_then(|table| table.iter().next());
    let (name, span) =
        first.map_or(("NAME", entry.key.span), |first| (&*first.key.value, first.key.span));
    let message = "`profiles` in `config.toml` is no longer read";
    found.add(
        Diagnostic::new(Code::RetiredKey, message, span)
            .help(format!("write the settings into `{name}.config.toml` beside this file"))
            .effect(Effect::new(WITHOUT_PROFILES, Outcome::IgnoresSilently)),
    );
}

fn untrusted(subject: &Subject<'_>, found: &mut Findings) {
    let Some((entry, "untrusted")) = text(subject.root, "approval_policy") else { return };
    let outcome = match subject.kind {
        FileKind::ManagedConfig => Outcome::RefusesToStart,
        _ => Outcome::RefusesSessions,
    };
    let message = "`approval_policy` may no longer be `untrusted`";
    found.add(
        Diagnostic::new(Code::ValueRefused, message, entry.node.span)
            .help(
                "remove the line or write `on-request`; only requirements may still choose \
                 `untrusted`, with `allowed_approval_policies`",
            )
            .effect(Effect::new(WITHOUT_UNTRUSTED, outcome).says(
                "approval_policy = \"untrusted\" is no longer supported; remove this setting",
            )),
    );
}

/// A server is a program or an address.
fn transports(root: &Table, found: &mut Findings) {
    let servers = root.get("mcp_servers").and_then(|node| node.value.as_table());
    for server in servers.into_iter().flat_map(Table::iter) {
        let Some(table) = server.node.value.as_table() else { continue };
        let name = &server.key.value;
        let diagnostic = match (table.entry("command"), table.entry("url")) {
            (Some(command), Some(url)) => Diagnostic::new(
                Code::Conflict,
                format!("the MCP server `{name}` has both `command` and `url`"),
                url.key.span,
            )
            .beside(command.key.span, "a server that is started has no address")
            .help("keep `command` for a program, or `url` for a server on the network")
            .effect(refused("url is not supported for stdio")),
            (None, None) => Diagnostic::new(
                Code::MissingField,
                format!("the MCP server `{name}` has neither `command` nor `url`"),
                server.key.span,
            )
            .help("add `command` for a program, or `url` for a server on the network")
            .effect(refused("invalid transport")),
            _ => continue,
        };
        found.add(diagnostic);
    }
}

fn refused(words: &str) -> Effect {
    Effect::new(Versions::ALL, Outcome::RefusesSessions).says(words)
}

fn text<'root>(root: &'root Table, key: &str) -> Option<(&'root Entry, &'root str)> {
    let entry = root.entry(key)?;
    Some((entry, entry.node.value.as_str()?))
}
