//! Finds the preferences of Codex in a property list: the bare domain, or a profile's payloads.

use super::DOMAIN;
use super::head::heads;
use super::model::{Forced, ManagedValue, PayloadHead, PayloadShape, PreferenceKey, ProfileInfo};
use super::problem::{ByteRange, MdmProblem, Place, ProblemKind, Problems, shown};
use super::tree::{Entry, Node};
use super::value;
use std::collections::{BTreeMap, BTreeSet};

const MANAGED_CLIENT: &str = "com.apple.ManagedClient.preferences";

/// The keys that Apple allows in every payload.
const PAYLOAD_KEYS: [&str; 9] = [
    "PayloadType",
    "PayloadVersion",
    "PayloadIdentifier",
    "PayloadUUID",
    "PayloadDisplayName",
    "PayloadDescription",
    "PayloadOrganization",
    "PayloadEnabled",
    "PayloadScope",
];

/// What a property list says to Codex.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) values: Vec<ManagedValue>,
    pub(super) profile: Option<ProfileInfo>,
    pub(super) heads: Vec<PayloadHead>,
}

impl Found {
    /// Every place that it names.
    pub(super) fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let Self { values, profile: _, heads } = self;
        let values = values.iter_mut().map(|value| &mut value.location);
        values.chain(heads.iter_mut().flat_map(PayloadHead::places_mut))
    }
}

/// One dictionary that holds preferences of the domain.
struct Settings<'a> {
    node: &'a Node,
    shape: PayloadShape,
    forced: Forced,
}

/// Interprets a property list.
pub(super) fn interpret(root: &Node, problems: &mut Problems) -> Found {
    let Some(entries) = root.entries() else {
        problems.add(
            MdmProblem::error(
                ProblemKind::NotADomainOrProfile,
                format!("the top of the property list is `<{}>`, not `<dict>`", root.type_name()),
                format!("write the keys of `{DOMAIN}` or a whole profile as one `<dict>`"),
            )
            .at(root.range.clone()),
        );
        return Found::default();
    };
    let is_profile = root.find("PayloadContent").is_some()
        || root.find("EncryptedPayloadContent").is_some()
        || root.find("PayloadType").and_then(Node::text) == Some("Configuration");
    let (settings, profile) = if is_profile {
        let profile = profile_info(root, problems);
        (profile_settings(root, problems), Some(profile))
    } else {
        let shape = PayloadShape::Domain;
        (vec![Settings { node: root, shape, forced: Forced::NotStated }], None)
    };
    let mut candidates = Vec::new();
    let mut values = Vec::new();
    for settings in &settings {
        read_settings(settings, &mut candidates, &mut values, problems);
    }
    report_several(&candidates, problems);
    let silent = candidates.is_empty() && problems_allow_silence(entries, is_profile);
    if silent {
        problems.add(nothing_for_codex(root));
    }
    let heads = if is_profile { heads(root) } else { Vec::new() };
    Found { values, profile, heads }
}

/// An encrypted profile has its own problem; saying that it is empty would be a guess.
fn problems_allow_silence(entries: &[Entry], is_profile: bool) -> bool {
    !(is_profile && entries.iter().any(|entry| entry.key == "EncryptedPayloadContent"))
}

fn nothing_for_codex(root: &Node) -> MdmProblem {
    MdmProblem::warning(
        ProblemKind::NothingForCodex,
        "the file sets no preference that Codex reads",
        format!(
            "set `{}` or `{}` in the domain `{DOMAIN}`",
            PreferenceKey::RequirementsToml.name(),
            PreferenceKey::ConfigToml.name()
        ),
    )
    .at(root.range.clone())
}

fn profile_info(root: &Node, problems: &mut Problems) -> ProfileInfo {
    let text = |key: &str| root.find(key).and_then(Node::text).map(str::to_owned);
    report_payload_head(root, "profile", problems);
    ProfileInfo {
        identifier: text("PayloadIdentifier"),
        uuid: text("PayloadUUID"),
        display_name: text("PayloadDisplayName"),
        organization: text("PayloadOrganization"),
        description: text("PayloadDescription"),
        scope: text("PayloadScope"),
        payload_count: root.find("PayloadContent").and_then(Node::items).map_or(0, <[_]>::len),
    }
}

/// Reports the keys that Apple requires of every payload and that are missing or no strings.
fn report_payload_head(node: &Node, what: &str, problems: &mut Problems) {
    const REQUIRED: [(&str, &str); 4] = [
        ("PayloadType", "string"),
        ("PayloadVersion", "integer"),
        ("PayloadIdentifier", "string"),
        ("PayloadUUID", "string"),
    ];
    for (key, wanted) in REQUIRED {
        let found = node.find(key);
        let message = match found.map(Node::type_name) {
            Some(name) if name == wanted => continue,
            Some(name) => format!("`{key}` of the {what} is `<{name}>`, not `<{wanted}>`"),
            None => format!("the {what} has no `{key}`"),
        };
        let range = found.unwrap_or(node).range.clone();
        let help = format!("macos does not install it: write `{key}` as `<{wanted}>`");
        problems.add(MdmProblem::warning(ProblemKind::ProfileStructure, message, help).at(range));
    }
}

fn profile_settings<'a>(root: &'a Node, problems: &mut Problems) -> Vec<Settings<'a>> {
    if let Some(encrypted) = root.find("EncryptedPayloadContent") {
        problems.add(
            MdmProblem::error(
                ProblemKind::EncryptedProfile,
                "the payloads of the profile are encrypted for one device",
                "give the profile as it was before encryption",
            )
            .at(encrypted.range.clone()),
        );
    }
    let content = root.find("PayloadContent");
    let Some(payloads) = content.and_then(Node::items) else {
        let found = content.map_or_else(
            || "the profile has no `PayloadContent`".to_owned(),
            |node| format!("`PayloadContent` is `<{}>`, not `<array>`", node.type_name()),
        );
        let range = content.unwrap_or(root).range.clone();
        problems.add(wrong_structure(found, "write an `<array>` of payloads", range));
        return Vec::new();
    };
    let mut settings = Vec::new();
    let mut first: Option<(PayloadShape, ByteRange)> = None;
    for (index, payload) in payloads.iter().enumerate() {
        let Some(shape) = payload_settings(payload, index, &mut settings, problems) else {
            continue;
        };
        match &first {
            None => first = Some((shape, payload.range.clone())),
            Some((earlier, range)) => {
                problems.add(several_payloads(*earlier, range, shape, payload));
            }
        }
    }
    settings
}

fn several_payloads(
    earlier: PayloadShape,
    range: &ByteRange,
    shape: PayloadShape,
    payload: &Node,
) -> MdmProblem {
    let direct = |shape| matches!(shape, PayloadShape::Direct { .. });
    let (kind, message) = if direct(earlier) == direct(shape) {
        (ProblemKind::SeveralPayloads, format!("a second payload for the domain `{DOMAIN}`"))
    } else {
        let message = format!("the profile has both payload shapes for the domain `{DOMAIN}`");
        (ProblemKind::BothShapes, message)
    };
    let help = "keep one payload: which one macos uses is not defined";
    MdmProblem::error(kind, message, help).at(payload.range.clone()).beside(range.clone())
}

/// Adds what one payload holds for the domain; gives its shape if it is for the domain at all.
fn payload_settings<'a>(
    payload: &'a Node,
    index: usize,
    settings: &mut Vec<Settings<'a>>,
    problems: &mut Problems,
) -> Option<PayloadShape> {
    if payload.entries().is_none() {
        let message = format!("a payload is `<{}>`, not `<dict>`", payload.type_name());
        let help = "write each payload as a `<dict>`";
        problems.add(wrong_structure(message, help, payload.range.clone()));
        return None;
    }
    let kind = payload.find("PayloadType");
    let Some(name) = kind.and_then(Node::text) else {
        report_payload_head(payload, "payload", problems);
        return None;
    };
    let range = kind.unwrap_or(payload).range.clone();
    if name == DOMAIN {
        report_payload_head(payload, "payload", problems);
        let shape = PayloadShape::Direct { payload: index };
        settings.push(Settings { node: payload, shape, forced: Forced::Forced });
        return Some(shape);
    }
    if name == MANAGED_CLIENT {
        return managed_client_settings(payload, index, settings, problems);
    }
    report_misspelt(name, range, problems);
    None
}

fn managed_client_settings<'a>(
    payload: &'a Node,
    index: usize,
    settings: &mut Vec<Settings<'a>>,
    problems: &mut Problems,
) -> Option<PayloadShape> {
    let content = payload.find("PayloadContent");
    let Some(domains) = content.and_then(Node::entries) else {
        let message = format!("a payload `{MANAGED_CLIENT}` has no `<dict>` `PayloadContent`");
        let range = content.unwrap_or(payload).range.clone();
        problems.add(wrong_structure(message, MANAGED_CLIENT_HELP, range));
        return None;
    };
    let mut found = None;
    for entry in domains {
        if entry.key != DOMAIN {
            report_misspelt(&entry.key, entry.key_range.clone(), problems);
            continue;
        }
        report_payload_head(payload, "payload", problems);
        found = Some(PayloadShape::ManagedClient { payload: index, entry: 0 });
        for (name, forced) in [("Forced", Forced::Forced), ("Set-Once", Forced::SetOnce)] {
            managed_client_list(&entry.value, name, forced, index, settings, problems);
        }
        if entry.value.find("Forced").is_none() && entry.value.find("Set-Once").is_none() {
            let message = format!("the domain `{DOMAIN}` has no `Forced` list");
            let range = entry.value.range.clone();
            problems.add(wrong_structure(message, MANAGED_CLIENT_HELP, range));
        }
    }
    found
}

const MANAGED_CLIENT_HELP: &str = "write the two keys below PayloadContent, com.openai.codex, \
                                   Forced[0], mcx_preference_settings";

fn managed_client_list<'a>(
    domain: &'a Node,
    name: &str,
    forced: Forced,
    payload: usize,
    settings: &mut Vec<Settings<'a>>,
    problems: &mut Problems,
) {
    let Some(list) = domain.find(name) else { return };
    let Some(items) = list.items() else {
        let message = format!("`{name}` is `<{}>`, not `<array>`", list.type_name());
        problems.add(wrong_structure(message, MANAGED_CLIENT_HELP, list.range.clone()));
        return;
    };
    for (entry, item) in items.iter().enumerate() {
        match item.find("mcx_preference_settings") {
            Some(node) if node.entries().is_some() => {
                let shape = PayloadShape::ManagedClient { payload, entry };
                settings.push(Settings { node, shape, forced });
            }
            Some(_) | None => {
                let message = format!("`{name}`[{entry}] has no `<dict>` mcx_preference_settings");
                problems.add(wrong_structure(message, MANAGED_CLIENT_HELP, item.range.clone()));
            }
        }
    }
}

fn wrong_structure(message: String, help: &str, range: ByteRange) -> MdmProblem {
    MdmProblem::error(ProblemKind::ProfileStructure, message, help).at(range)
}

fn report_misspelt(name: &str, range: ByteRange, problems: &mut Problems) {
    if name == DOMAIN || distance(&name.to_ascii_lowercase(), DOMAIN) > 2 {
        return;
    }
    problems.add(
        MdmProblem::error(
            ProblemKind::MisspeltDomain,
            format!("`{}` is not the domain that Codex reads", shown(name)),
            format!("write `{DOMAIN}`, if this is meant for Codex"),
        )
        .at(range),
    );
}

/// Reads one dictionary of preferences, noting every candidate even when it does not decode.
fn read_settings<'a>(
    settings: &Settings<'a>,
    candidates: &mut Vec<(PreferenceKey, Forced, &'a Entry)>,
    values: &mut Vec<ManagedValue>,
    problems: &mut Problems,
) {
    let Settings { node, shape, forced } = settings;
    let mut seen = BTreeSet::new();
    let in_payload = !matches!(shape, PayloadShape::ManagedClient { .. });
    for entry in node.entries().unwrap_or_default() {
        if let Some(key) = PreferenceKey::from_name(&entry.key) {
            // The same key again in one dictionary is a duplicate key, and reported as that.
            if seen.insert(key) {
                candidates.push((key, *forced, entry));
            }
            if *forced == Forced::SetOnce {
                problems.add(not_forced(entry));
            }
            values.extend(value::decode(key, &entry.value, *forced, *shape, problems));
        } else if !(in_payload && PAYLOAD_KEYS.contains(&entry.key.as_str())) {
            problems.add_with(|| unknown_key(entry));
        }
    }
}

fn not_forced(entry: &Entry) -> MdmProblem {
    MdmProblem::warning(
        ProblemKind::NotForced,
        format!("`{}` is set once, not forced", entry.key),
        "move it from `Set-Once` to `Forced`: newest Codex ignores it, older ones let the user \
         replace it",
    )
    .at(entry.key_range.clone())
}

fn unknown_key(entry: &Entry) -> MdmProblem {
    let nearest = PreferenceKey::ALL
        .into_iter()
        .map(|key| (distance(&entry.key, key.name()), key.name()))
        .min()
        .filter(|(distance, _)| *distance <= 4);
    let help = match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!(
            "Codex reads `{}` and `{}` only: put settings into the toml of one of them",
            PreferenceKey::ConfigToml.name(),
            PreferenceKey::RequirementsToml.name()
        ),
    };
    let message = format!("Codex does not read the preference `{}`", shown(&entry.key));
    MdmProblem::warning(ProblemKind::UnknownKey, message, help).at(entry.key_range.clone())
}

/// Reports a preference that several dictionaries set with the same force.
fn report_several(candidates: &[(PreferenceKey, Forced, &Entry)], problems: &mut Problems) {
    let mut first: BTreeMap<(PreferenceKey, Forced), &Entry> = BTreeMap::new();
    for (key, forced, entry) in candidates {
        if let Some(earlier) = first.get(&(*key, *forced)) {
            problems.add(
                MdmProblem::error(
                    ProblemKind::SeveralValues,
                    format!("`{}` is set in several places", key.name()),
                    "keep one: which one macos uses is not defined",
                )
                .at(entry.key_range.clone())
                .beside(earlier.key_range.clone()),
            );
        } else {
            first.insert((*key, *forced), entry);
        }
    }
}

/// Levenshtein distance in bytes; texts of very different length are just far.
fn distance(left: &str, right: &str) -> usize {
    if left.len().abs_diff(right.len()) > 4 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = i;
        let mut previous = i.saturating_add(1);
        let mut next = vec![previous];
        for (b, above) in right.bytes().zip(row.iter().skip(1)) {
            let substituted = diagonal.saturating_add(usize::from(a != b));
            let inserted = above.min(&previous).saturating_add(1);
            diagonal = *above;
            previous = substituted.min(inserted);
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
