//! Controls lost: what becomes of a cohort's policy where other channels speak too. Codex composes
//! channels by precedence, not by strictness, so a cloud export or a profile of other making can
//! switch off what this policy says.

use std::collections::BTreeMap;

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::lookup::REQUIREMENTS;

use codex_schema::path::dotted;
use codex_schema::span::{SourceId, Span};
use codex_schema::strictness::{Change, KeyChange, changes, identity};
use codex_schema::types::policy::{Delivery, System};
use codex_schema::value::Table;
use codex_schema::version::Version;
use serde_json::json;

use super::{Findings, Report};
use crate::authoring::EffectivePolicy;
use crate::compile::toml_text;
use crate::evaluate::{Evaluation, evaluate};
use crate::files::MemoryFiles;
use crate::gather::Extra;
use crate::gather::bundle::BundleAnswer;
use crate::machine::{Machine, Os};
use crate::repository::Cohort;

/// What else speaks on the machines, by the names that are shown for it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// An export of the cloud's policy: the answer with the bundle, as JSON.
    pub cloud: Option<(String, Vec<u8>)>,
    /// Managed preferences or a profile of other making.
    pub mdm: Option<(String, Vec<u8>)>,
}

impl Surroundings {
    /// Whether nothing else speaks.
    pub fn is_empty(&self) -> bool {
        let Self { cloud, mdm } = self;
        cloud.is_none() && mdm.is_none()
    }
}

/// Documents of other channels that findings point into, with the numbers they got in the report.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<String, SourceId>);

/// Adds what a cohort's policy loses to the surroundings.
pub(super) fn add(
    cohort: &Cohort,
    policy: &EffectivePolicy,
    surroundings: &Surroundings,
    report: &mut Report,
    known: &mut Known,
    found: &mut Findings,
) {
    let ours = toml_text::document("", &policy.requirements, &REQUIREMENTS);
    for &version in &cohort.versions {
        let alone = composed(cohort, &ours, &Surroundings::default(), version);
        let together = composed(cohort, &ours, surroundings, version);
        let (from, to) = (&alone.composition.merged, &together.composition.merged);
        for change in changes(from, to, &REQUIREMENTS) {
            if matches!(change.change, Change::Looser | Change::Incomparable) {
                let other = other_place(&change, &together, report, known);
                found.add(of_change(cohort, policy, &change, from, to, other));
            }
        }
        if let Some(refusal) = together.refusals.first().filter(|_| alone.refusals.is_empty()) {
            let message = format!(
                "together with the other channels Codex {version} refuses the policy of cohort \
                 `{}`: {}",
                cohort.name,
                refusal.text.lines().next().unwrap_or_default()
            );
            found.add(Diagnostic::new(Code::ControlsLost, message, cohort.span));
        }
    }
}

/// The machine of a cohort: its files, and what else speaks there.
fn composed(
    cohort: &Cohort,
    ours: &str,
    surroundings: &Surroundings,
    version: Version,
) -> Evaluation {
    let mac = cohort.systems.as_ref().is_some_and(|systems| systems.contains(&System::Macos))
        || cohort.deliveries.contains(&Delivery::Mdm)
        || surroundings.mdm.is_some();
    let os = if mac { Os::Macos } else { Os::Linux };
    let machine = Machine {
        os,
        hostname: "localhost".to_owned(),
        home: "/home/user".to_owned(),
        codex_home: "/home/user/.codex".to_owned(),
        cwd: "/home/user".to_owned(),
        version,
    };
    let mut files = MemoryFiles::default();
    let by = |delivery| cohort.deliveries.contains(&delivery);
    // A preference domain holds one value: what is given for it stands in its place.
    let preferences = surroundings.mdm.clone().or_else(|| by(Delivery::Mdm).then(|| mdm(ours)));
    if by(Delivery::System) {
        files.put(os.system_file("requirements.toml"), ours);
    }
    let bundle = bundle(ours, by(Delivery::Cloud), surroundings.cloud.as_ref());
    let extra = Extra { bundle, preferences, arguments: Vec::new() };
    evaluate(machine, &files, &extra)
}

fn mdm(ours: &str) -> (String, Vec<u8>) {
    use base64::Engine as _;
    let value = base64::engine::general_purpose::STANDARD.encode(ours);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\
         <key>requirements_toml_base64</key><string>{value}</string></dict></plist>\n"
    );
    ("this policy's own preferences".to_owned(), text.into_bytes())
}

/// The bundle that a machine gets: our fragment highest, then those of the export.
fn bundle(
    ours: &str,
    carries_ours: bool,
    export: Option<&(String, Vec<u8>)>,
) -> Option<(String, BundleAnswer)> {
    let fragment = json!({"id": "codex-config", "name": "this policy", "contents": ours});
    match (export, carries_ours) {
        (None, false) => None,
        (Some((name, bytes)), false) => Some((name.clone(), BundleAnswer::Body(bytes.clone()))),
        (export, true) => {
            let mut whole = export
                .and_then(|(_, bytes)| serde_json::from_slice(bytes).ok())
                .filter(serde_json::Value::is_object)
                .unwrap_or_else(|| json!({}));
            let list = whole.pointer_mut("/requirements_toml/enterprise_managed");
            match list.and_then(serde_json::Value::as_array_mut) {
                Some(list) => list.insert(0, fragment),
                None => {
                    if let Some(object) = whole.as_object_mut() {
                        object.insert(
                            "requirements_toml".to_owned(),
                            json!({"enterprise_managed": [fragment]}),
                        );
                    }
                }
            }
            let name = export.map_or("this policy", |(name, _)| name.as_str()).to_owned();
            Some((name, BundleAnswer::Body(whole.to_string().into_bytes())))
        }
    }
}

/// Where the other channel says it, in the report's own documents.
fn other_place(
    change: &KeyChange,
    together: &Evaluation,
    report: &mut Report,
    known: &mut Known,
) -> Option<Span> {
    let span = change.to?;
    let document = together.documents().get(span.source)?;
    let name = document.source.to_string();
    let id = *known
        .0
        .entry(name)
        .or_insert_with(|| report.documents.add(document.source.clone(), document.text.clone()));
    Some(Span { source: id, ..span })
}

fn of_change(
    cohort: &Cohort,
    policy: &EffectivePolicy,
    change: &KeyChange,
    from: &Table,
    to: &Table,
    other: Option<Span>,
) -> Diagnostic {
    let key = dotted(&change.path);
    let secret = change.key.secret == codex_schema::key::Secret::Yes;
    let word = |table: &Table| match table.at(&change.path) {
        Some(_) if secret => "another value".to_owned(),
        Some(node) => format!("`{}`", identity(&node.value)),
        None => "nothing".to_owned(),
    };
    let span = policy.requirements.at(&change.path).map_or(cohort.span, |node| node.span);
    let message = if policy.requirements.at(&change.path).is_some() {
        format!(
            "cohort `{}` loses `{key}`: another channel turns {} into {}",
            cohort.name,
            word(from),
            word(to)
        )
    } else {
        format!("another channel gives cohort `{}` {} at `{key}`", cohort.name, word(to))
    };
    let diagnostic = Diagnostic::new(Code::ControlsLost, message, span).help(
        "take the key out of the other channel, or deliver this policy through a channel above it",
    );
    match other {
        Some(other) => diagnostic.beside(other, "the other channel says this"),
        None => diagnostic,
    }
}
