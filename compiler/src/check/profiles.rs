//! The strict look at configuration profiles: what macOS and MDM servers find them by, in every
//! file and across them.

use std::collections::BTreeMap;

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::span::Span;
use codex_schema::types::policy::Date;

use super::Findings;
use super::preferences::Outer;
use crate::sources::mdm::{ManagedPreferences, PayloadHead, Signature, Text, trusted};

/// What profiles are held against.
#[derive(Clone, Debug)]
pub struct Strictness {
    /// The day on which they must count.
    pub today: Date,
    /// Trusted certificates, in DER. Where there are some, every profile must be signed.
    pub anchors: Vec<Vec<u8>>,
    /// UUIDs of profiles that devices have, by identifier.
    pub previous: BTreeMap<String, String>,
}

/// What the profiles before this one have said.
#[derive(Debug, Default)]
pub(super) struct Seen {
    identifiers: BTreeMap<String, (Span, usize)>,
    uuids: BTreeMap<String, (Span, usize)>,
    files: usize,
}

/// Looks at one profile.
pub(super) fn check(
    read: &ManagedPreferences,
    outer: &Outer,
    strictness: &Strictness,
    seen: &mut Seen,
    found: &mut Findings,
) {
    seen.files += 1;
    for head in &read.heads {
        one_head(head, outer, strictness, found);
        let taken = [
            (&head.identifier, &mut seen.identifiers, "identifier"),
            (&head.uuid, &mut seen.uuids, "UUID"),
        ];
        for (text, known, what) in taken {
            if let Some(text) = text {
                unique(text, known, seen.files, what, outer, found);
            }
        }
    }
    signature(read, outer, strictness, found);
}

fn one_head(head: &PayloadHead, outer: &Outer, strictness: &Strictness, found: &mut Findings) {
    let whose = match head.payload {
        None => "the profile".to_owned(),
        Some(index) => format!("payload {index}"),
    };
    let mut wrong = |text: String, span: Span, help: &str| {
        found.add(Diagnostic::new(Code::ProfileHead, text, span).help(help));
    };
    if let Some(uuid) = head.uuid.as_ref().filter(|uuid| !is_uuid(&uuid.value)) {
        let text = format!("the UUID of {whose} is `{}`, which is none", shown(&uuid.value));
        wrong(text, outer.span(&uuid.place), "write 8-4-4-4-12 hexadecimal digits");
    }
    if let Some(identifier) = head.identifier.as_ref().filter(|text| !is_identifier(&text.value)) {
        let text = format!("the identifier of {whose} is `{}`", shown(&identifier.value));
        wrong(
            text,
            outer.span(&identifier.place),
            "write a reverse-domain name such as `example.bank.codex`",
        );
    }
    if let Some((version, place)) = head.version.as_ref().filter(|(version, _)| *version != 1) {
        let text = format!("the version of {whose} is {version}; macOS knows version 1");
        wrong(text, outer.span(place), "write `<integer>1</integer>`");
    }
    for unknown in &head.unknown {
        let text = format!("`{}` is no key of a profile", shown(&unknown.value));
        wrong(text, outer.span(&unknown.place), "remove it");
    }
    if head.payload.is_none() {
        scope(head, outer, &mut wrong);
        if let Some(uuid) = &head.uuid {
            changed(head, uuid, outer, strictness, found);
        }
        if let Some(removal) = &head.removal {
            expiry(removal, outer, strictness, found);
        }
    }
}

fn scope(head: &PayloadHead, outer: &Outer, wrong: &mut impl FnMut(String, Span, &str)) {
    const HELP: &str = "write `PayloadScope` as `System`: policy is for everybody on a device";
    match &head.scope {
        None => wrong(
            "the profile has no scope: macOS takes it for one user".to_owned(),
            outer.span(&head.place),
            HELP,
        ),
        Some(scope) if scope.value != "System" => {
            let text = format!("the scope of the profile is `{}`", shown(&scope.value));
            wrong(text, outer.span(&scope.place), HELP);
        }
        Some(_) => {}
    }
}

fn changed(
    head: &PayloadHead,
    uuid: &Text,
    outer: &Outer,
    strictness: &Strictness,
    found: &mut Findings,
) {
    let identifier = head.identifier.as_ref().map(|text| text.value.as_str());
    let before = identifier.and_then(|identifier| strictness.previous.get(identifier));
    if let Some(before) = before.filter(|before| !before.eq_ignore_ascii_case(&uuid.value)) {
        let message = format!(
            "devices have this identifier with the UUID `{}`, not `{}`",
            shown(before),
            shown(&uuid.value)
        );
        found.add(Diagnostic::new(Code::UuidChanged, message, outer.span(&uuid.place)));
    }
}

fn expiry(removal: &Text, outer: &Outer, strictness: &Strictness, found: &mut Findings) {
    let day = removal.value.get(..10).and_then(Date::parse);
    let over = day.is_some_and(|day| strictness.today.days_until(day) < 0);
    let message = match (day, over) {
        (None, _) => format!("the removal date `{}` is none", shown(&removal.value)),
        (Some(day), true) => format!("the profile was to be removed on {day}, which is over"),
        (Some(day), false) => format!("the profile removes itself on {day}"),
    };
    let mut diagnostic = Diagnostic::new(Code::ProfileExpired, message, outer.span(&removal.place));
    if day.is_some() && !over {
        diagnostic.severity = codex_schema::diagnostic::Severity::Warning;
    }
    found.add(diagnostic);
}

/// Nobody else may have an identifier; a copy of the same file under another name would.
fn unique(
    text: &Text,
    known: &mut BTreeMap<String, (Span, usize)>,
    file: usize,
    what: &str,
    outer: &Outer,
    found: &mut Findings,
) {
    let span = outer.span(&text.place);
    let key = text.value.to_lowercase();
    match known.get(&key) {
        None => {
            known.insert(key, (span, file));
        }
        Some((earlier, of)) => {
            let place = if *of == file { "in this profile" } else { "in another profile" };
            let message = format!("the {what} `{}` is used twice, {place}", shown(&text.value));
            let diagnostic = Diagnostic::new(Code::IdentifierTaken, message, span);
            found.add(diagnostic.beside(*earlier, "the other place"));
        }
    }
}

fn signature(
    read: &ManagedPreferences,
    outer: &Outer,
    strictness: &Strictness,
    found: &mut Findings,
) {
    if strictness.anchors.is_empty() {
        return;
    }
    // What expires on that day has expired; what begins on it counts.
    let evening = strictness.today.unix_seconds().saturating_add(86_399);
    let whole = Span::new(outer.id, 0, 0);
    match &read.signature {
        Signature::NotSigned => {
            let message = "the profile is not signed, and a trusted signer is asked for";
            found.add(Diagnostic::new(Code::ChainNotTrusted, message, whole));
        }
        Signature::Consistent { signers } => {
            for signer in signers {
                if let Err(reason) = trusted(signer, &strictness.anchors, evening) {
                    let message = format!("`{}` is not trusted: {reason}", shown(&signer.subject));
                    found.add(Diagnostic::new(Code::ChainNotTrusted, message, whole));
                }
            }
        }
        // Said already, with its reason.
        Signature::Broken => {}
    }
}

/// The form of RFC 9562: five groups of hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_identifier(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.contains('.') && text.split('.').all(part)
}

/// A text of the file, short and without control characters.
fn shown(text: &str) -> String {
    let harmless = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    harmless.take(80).collect()
}
