//! What Codex refuses although every name and type is right. The verdicts are those of `compose`;
//! asked again and again without what was already found, it names every problem.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::inspect::inspect;
use codex_schema::path::dotted;
use codex_schema::span::Span;
use codex_schema::value::Table;
use codex_schema::version::Version;

use super::document::{Subject, Syntax};
use super::place::{path_of, take_out};
use super::types::effect_of;
use super::{Findings, place};
use crate::compose::Refusal;

/// How often the rest of a file is asked for its problems.
const ROUNDS: usize = 40;

/// Keys that refer to each other: with one of them found wrong, what is said about the others may
/// only be an echo.
const LINKED: &[&str] = &["allowed_permission_profiles", "default_permissions", "permissions"];

/// Adds what a version refuses for its meaning.
pub(super) fn add(subject: &Subject<'_>, at: Version, found: &mut Findings) {
    if subject.channel.is_none() {
        return;
    }
    let mut root = subject.root.clone();
    let mut taken: Vec<String> = Vec::new();
    let mut whole = true;
    for problem in inspect(subject.root, subject.tree, at).refused {
        if let Some(span) = problem.span {
            taken.extend(path_of(&root, span).into_iter().next());
            take_out(&mut root, span);
            whole = false;
        }
    }
    settle(subject, &mut root, at);
    for _ in 0..ROUNDS {
        let composition = subject.composed(&root, Syntax::Repaired, at);
        let mut progress = false;
        for refusal in &composition.refusals {
            let Some(span) = refusal.span else { continue };
            let path = path_of(subject.root, span);
            let echo = path.first().is_some_and(|first| {
                LINKED.contains(&first.as_str())
                    && taken.iter().any(|name| LINKED.contains(&name.as_str()))
            });
            progress |= take_out(&mut root, span);
            if !echo {
                let mut diagnostic = of_refusal(subject, refusal, span, &path, at);
                // Indexes of lists count what is left, which is not what Codex would count.
                if !whole && refusal.text.contains(" at index ") {
                    diagnostic.effects.iter_mut().for_each(|effect| effect.says = None);
                }
                found.add(diagnostic);
            }
            taken.extend(path.into_iter().next());
        }
        if !progress {
            break;
        }
        whole = false;
        settle(subject, &mut root, at);
    }
}

/// Takes out what is incomplete only because something was taken out of it.
fn settle(subject: &Subject<'_>, root: &mut Table, at: Version) {
    for _ in 0..ROUNDS {
        let incomplete = inspect(root, subject.tree, at).refused;
        let taken = incomplete.iter().filter_map(|problem| problem.span);
        if taken.filter(|span| take_out(root, *span)).count() == 0 {
            return;
        }
    }
}

fn of_refusal(
    subject: &Subject<'_>,
    refusal: &Refusal,
    span: Span,
    path: &[String],
    at: Version,
) -> Diagnostic {
    let key = dotted(path);
    let words = refusal.text.as_str();
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let diagnostic = match names.as_slice() {
        ["allowed_sandbox_modes" | "remote_sandbox_config", ..] => without_read_only(&key, span),
        ["allowed_login_methods" | "allowed_chatgpt_workspaces", ..] => {
            Diagnostic::new(Code::NothingAllowed, format!("`{key}` leaves no way to sign in"), span)
                .help("list `chatgpt`, `api` or both")
        }
        _ if words.contains("cannot be empty") && !words.contains("prefix_rule") => {
            Diagnostic::new(Code::NothingAllowed, format!("`{key}` is empty"), span)
                .help(format!("list what is allowed, or remove `{key}` to allow everything"))
        }
        ["rules", ..] => of_rules(words, span),
        ["mcp_servers" | "plugins", ..] => {
            let message = format!("`{key}`: {}", after(words, "): "));
            Diagnostic::new(Code::BadExpression, message, span)
                .help("look-around and back-references are not supported")
        }
        ["experimental_network" | "network_proxy" | "permissions", ..]
            if words.contains("domain") && words.contains("pattern")
                || words.contains("_domains:") =>
        {
            return super::domains::of_refusal(
                subject,
                span,
                effect_of(subject, Some(refusal), at),
            );
        }
        ["permissions", "network", ..] | ["experimental_network" | "network_proxy", ..] => {
            Diagnostic::new(Code::Conflict, format!("`{key}`: {}", plain(words)), span)
                .help("keep one form")
        }
        ["allowed_permission_profiles" | "default_permissions" | "permissions", ..] => {
            Diagnostic::new(Code::Profiles, plain(words), span).help(
                "list every profile under `[allowed_permission_profiles]` and make one of them \
                 `default_permissions`",
            )
        }
        _ => Diagnostic::new(Code::BadContent, plain(words), span),
    };
    let mut diagnostic = match refusal.related {
        Some(other) => diagnostic.beside(other, "the other place"),
        None => diagnostic,
    };
    if diagnostic.help.is_none() {
        diagnostic.help = super::types::example(subject, path)
            .or_else(|| Some(diagnostic.code.rule().instead.to_owned()));
    }
    diagnostic.effect(effect_of(subject, Some(refusal), at))
}

fn without_read_only(key: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::SandboxWithoutReadOnly, format!("`{key}` lacks `read-only`"), span)
        .help("add `\"read-only\"`: Codex falls back to it, so every list must contain it")
}

fn of_rules(words: &str, span: Span) -> Diagnostic {
    if words.contains("decision 'allow'") {
        return Diagnostic::new(
            Code::AllowRule,
            "a rule in requirements may not have the decision `allow`",
            span,
        )
        .help("use `prompt` or `forbidden`; to allow a command, leave it without a rule");
    }
    let message = after(words, "): ");
    let message = match message.strip_prefix("rules prefix_rule at index ") {
        Some(rest) => format!("the rule {}", after(rest, " ")),
        None => message.to_owned(),
    };
    Diagnostic::new(Code::BadContent, message, span)
}

/// What follows a marker, or everything.
fn after<'text>(words: &'text str, marker: &str) -> &'text str {
    words.split_once(marker).map_or(words, |(_, rest)| rest)
}

/// Codex's words without the parts that say where it stood.
fn plain(words: &str) -> String {
    let words = words.split("\nin `").next().unwrap_or(words);
    let words = words.strip_prefix("failed to parse merged requirements: ").unwrap_or(words);
    let words = words.strip_prefix("requirements.toml ").unwrap_or(words);
    words.trim_end().replace('\n', " ")
}

/// The path of a place, for other rules.
pub(super) fn key_at(subject: &Subject<'_>, span: Span) -> String {
    dotted(&place::path_of(subject.root, span))
}
