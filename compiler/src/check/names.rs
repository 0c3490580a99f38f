//! Names: unknown, misspelt, retired, of another file, too new, or former.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Severity, Versions};
use codex_schema::inspect::{Inspection, RenamedKey, UnknownKey};
use codex_schema::key::{self, Key, Unknown};
use codex_schema::lookup::Spot;
use codex_schema::path::dotted;
use codex_schema::source::Channel;
use codex_schema::span::Span;
use codex_schema::version::Version;

use super::document::Subject;
use super::{FileKind, Findings, lookalikes};

/// First version that names unknown keys in a warning.
const WARNS_SINCE: u32 = 156;

/// Adds what an inspection for one version found about names.
pub(super) fn add(
    subject: &Subject<'_>,
    inspection: &Inspection,
    at: Version,
    found: &mut Findings,
) {
    for unknown in &inspection.unknown {
        found.add(of_unknown(subject, unknown, at));
    }
    for renamed in &inspection.renamed {
        found.add(of_renamed(subject, renamed));
    }
}

fn of_unknown(subject: &Subject<'_>, unknown: &UnknownKey, at: Version) -> Diagnostic {
    let path = dotted(&unknown.path);
    if let Some(row) = unknown.row {
        return of_other_version(subject, unknown, row, at);
    }
    let names: Vec<&str> = unknown.path.iter().map(String::as_str).collect();
    if let Some(own) = subject.tree.find(&names).and_then(Spot::alias_of) {
        // The table counts for nothing on hosts of this version.
        let mut diagnostic = of_second_name(subject, &unknown.path, own, unknown.span);
        diagnostic.severity = Severity::Error;
        return diagnostic;
    }
    if let Some(since) = since(subject, &unknown.path) {
        return of_newer(subject, unknown, since, at);
    }
    let effects = ignored(subject, unknown.fate, &unknown.path);
    if let Some(real) = lookalikes::find(&unknown.path, subject.kind) {
        let message = match real.code {
            Code::RetiredKey => format!("`{path}` is no longer a key"),
            _ if subject.kind == FileKind::Requirements => {
                format!("`{path}` is a key of `config.toml`, not a requirement")
            }
            _ => format!("`{path}` is a requirement, not a key of `config.toml`"),
        };
        let mut diagnostic =
            Diagnostic::new(real.code, message, unknown.span).help(real.help).effects(effects);
        diagnostic.suggestion = real.instead.map(str::to_owned);
        return diagnostic;
    }
    let name = unknown.path.last().map_or("", String::as_str);
    let mut diagnostic =
        Diagnostic::new(Code::UnknownKey, format!("unknown key `{path}`"), unknown.span)
            .effects(effects);
    let meant = unknown.meant.filter(|meant| *meant != name);
    diagnostic.help = Some(match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => elsewhere(subject, name).unwrap_or_else(|| {
            "no key of this name is known here; remove it, or look it up in the reference"
                .to_owned()
        }),
    });
    if let Some(row) = meant.and_then(|meant| meant_row(subject, &unknown.path, meant)) {
        diagnostic.primary.text = without(row);
    }
    diagnostic.suggestion = meant.map(str::to_owned);
    diagnostic
}

/// The row a misspelt name stands for.
fn meant_row(subject: &Subject<'_>, path: &[String], meant: &str) -> Option<&'static Key> {
    let mut names: Vec<&str> = path.iter().map(String::as_str).collect();
    names.pop();
    names.push(meant);
    subject.tree.find(&names)?.key
}

/// What is not in force because the name is wrong.
fn without(row: &Key) -> String {
    match row.effect {
        key::Effect::Constrains(name) => format!("so every value of `{name}` stays allowed"),
        key::Effect::Fixes(name) => format!("so `{name}` stays the user's choice"),
        key::Effect::Pins(_) | key::Effect::Allows(_) | key::Effect::Adds => {
            "so nothing of it is in force".to_owned()
        }
        key::Effect::None | key::Effect::Hints => String::new(),
    }
}

/// A key of this name in another table.
fn elsewhere(subject: &Subject<'_>, name: &str) -> Option<String> {
    let last = |path: &&'static str| path.rsplit('.').next() == Some(name);
    let mut paths = subject.tree.keys().iter().map(|key| key.path).filter(last);
    let path = paths.next()?;
    Some(format!("a key of this name is `{path}`: is it under the right `[table]`?"))
}

/// A key that some other version knows.
fn of_other_version(
    subject: &Subject<'_>,
    unknown: &UnknownKey,
    row: &'static Key,
    at: Version,
) -> Diagnostic {
    let path = dotted(&unknown.path);
    if row.until.is_some_and(|end| end <= at) {
        let message = format!("`{path}` is no longer a key");
        return Diagnostic::new(Code::RetiredKey, message, unknown.span)
            .help("remove it, or keep it for older versions only")
            .effects(ignored(subject, unknown.fate, &unknown.path));
    }
    of_newer(subject, unknown, row.since, at).label(without(row))
}

fn of_newer(
    subject: &Subject<'_>,
    unknown: &UnknownKey,
    since: Version,
    at: Version,
) -> Diagnostic {
    let path = dotted(&unknown.path);
    let message = format!("`{path}` is not known to Codex {at}: it came with {since}");
    Diagnostic::new(Code::KeyTooNew, message, unknown.span)
        .effects(too_new(subject, unknown.fate, &unknown.path, since))
        .help(format!("update those hosts to Codex {since} or newer"))
}

/// The first release that knows a table which the newest one knows.
fn since(subject: &Subject<'_>, path: &[String]) -> Option<Version> {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let spot = subject.tree.find(&names).filter(|spot| spot.known_to(Version::NEWEST))?;
    (0..=Version::NEWEST.minor).map(Version::of).find(|version| spot.known_to(*version))
}

/// What versions before a key do with it.
fn too_new(subject: &Subject<'_>, fate: Unknown, path: &[String], since: Version) -> Vec<Effect> {
    let mut effects = Vec::new();
    for mut effect in ignored(subject, fate, path) {
        let end = Versions::before(since).last;
        if effect.versions.first.is_some_and(|first| first >= since) {
            continue;
        }
        if effect.versions.last.is_none_or(|last| last >= since) {
            effect.versions.last = end;
        }
        effect.says = None;
        effects.push(effect);
    }
    effects
}

/// What becomes of a name that Codex does not know. Codex tells it without quotes.
fn ignored(subject: &Subject<'_>, fate: Unknown, path: &[String]) -> Vec<Effect> {
    let quiet = subject.channel == Some(Channel::Cloud);
    match fate {
        Unknown::Ignored if !quiet => {
            vec![
                Effect::new(Versions::through(WARNS_SINCE - 1), Outcome::IgnoresSilently),
                Effect::new(Versions::since(WARNS_SINCE), Outcome::IgnoresWithWarning)
                    .says(format!("{}: `{}` is ignored.", subject.group(), path.join("."))),
            ]
        }
        Unknown::Ignored | Unknown::Silent => {
            vec![Effect::new(Versions::ALL, Outcome::IgnoresSilently)]
        }
        Unknown::Refused => vec![Effect::new(Versions::ALL, Outcome::RefusesToStart)],
    }
}

/// First version that knows a second name of a table.
fn second_name_since(subject: &Subject<'_>, path: &[String]) -> Version {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let section = subject.tree.find(&names).and_then(|spot| spot.section);
    section.map_or(Version::of(0), |section| section.was_since)
}

fn of_second_name(subject: &Subject<'_>, path: &[String], own: &str, span: Span) -> Diagnostic {
    let name = dotted(path);
    let message = format!("`{name}` is a second name of `{own}` that older versions lack");
    let since = second_name_since(subject, path);
    let mut diagnostic = Diagnostic::new(Code::NewName, message, span)
        .help(format!("write `{own}`: every version that knows the table reads it"))
        .effects(too_new(subject, Unknown::Ignored, path, since));
    diagnostic.suggestion = Some(own.to_owned());
    diagnostic
}

fn of_renamed(subject: &Subject<'_>, renamed: &RenamedKey) -> Diagnostic {
    let (path, own) = (&renamed.path, renamed.stands_for);
    if second_name_since(subject, path) > Version::of(0) {
        return of_second_name(subject, path, own, renamed.span);
    }
    let mut diagnostic = Diagnostic::new(
        Code::Deprecated,
        format!("`{}` is a former name of `{own}`", dotted(path)),
        renamed.span,
    )
    .help(format!("write `{own}`"))
    .effect(Effect::new(Versions::ALL, Outcome::Substitutes));
    diagnostic.suggestion = Some(own.to_owned());
    diagnostic
}
