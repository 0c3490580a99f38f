//! Mistakes and cautions about the whole: unusable files, unknown names, hazards.

use codex_schema::inspect::inspect;
use codex_schema::lookup::CONFIG;
use codex_schema::path::dotted;
use codex_schema::source::ConfigTier;
use codex_schema::version::Version;

use super::{Problem, Severity, setting, tier_name};
use crate::compile::PROVENANCE_FILE;
use crate::evaluate::Evaluation;
use crate::gather::BundleState;

/// Everything there is to say.
pub(super) fn of(evaluation: &Evaluation) -> Vec<Problem> {
    let mut found = unusable(evaluation);
    unknown_requirements(evaluation, &mut found);
    configuration(evaluation, &mut found);
    cautions(evaluation, &mut found);
    origins(evaluation, &mut found);
    found.sort_by_key(|problem| problem.severity);
    found
}

fn unusable(evaluation: &Evaluation) -> Vec<Problem> {
    let broken = evaluation.gathered.broken.iter().map(|broken| Problem {
        severity: Severity::Error,
        message: format!("{}: {}", broken.name, broken.reason),
        place: None,
        help: broken.help.clone(),
        effect: broken.codex_says.as_ref().map(|_| "Codex refuses to run with it".to_owned()),
    });
    broken.collect()
}

/// A map of origins that cannot be read, or that was written with other files than these.
fn origins(evaluation: &Evaluation, found: &mut Vec<Problem>) {
    let mut caution = |message: String, help: &str| {
        found.push(Problem {
            severity: Severity::Caution,
            message,
            place: None,
            help: Some(help.to_owned()),
            effect: None,
        });
    };
    let map = evaluation.machine.os.system_file(PROVENANCE_FILE);
    let known = match evaluation.origins() {
        Ok(None) => return,
        Ok(Some(known)) => known,
        Err(problem) => {
            let message = format!("{map}: {problem}");
            return caution(message, "where values came from is not told; let the agent repair it");
        }
    };
    for (file, _) in evaluation.gathered.system_files() {
        if !known.speaks_for(file) {
            let path = evaluation.machine.os.system_file(file);
            let message = format!(
                "{path} is not as it was compiled for cohort `{}`: somebody changed it here",
                known.cohort()
            );
            caution(message, "let the agent repair it, and change the policy repository instead");
        }
    }
}

fn unknown_requirements(evaluation: &Evaluation, found: &mut Vec<Problem>) {
    let version = evaluation.machine.version;
    for layer in &evaluation.composition.layers {
        for unknown in &layer.inspection.unknown {
            let effect = if version >= Version::of(156) {
                "Codex ignores it, and warns the user"
            } else {
                "Codex ignores it without a word"
            };
            found.push(Problem {
                severity: Severity::Error,
                message: format!("`{}` is not a requirement", dotted(&unknown.path)),
                place: setting::place(evaluation, unknown.span),
                help: unknown.meant.map(|meant| format!("did you mean `{meant}`?")),
                effect: Some(effect.to_owned()),
            });
        }
    }
}

fn configuration(evaluation: &Evaluation, found: &mut Vec<Problem>) {
    let version = evaluation.machine.version;
    for layer in &evaluation.configuration.layers {
        for syntax in &layer.layer.syntax {
            found.push(Problem {
                severity: Severity::Error,
                message: syntax.message.clone(),
                place: setting::place(evaluation, syntax.span),
                help: Some("mend the file: Codex does not read the rest of it".to_owned()),
                effect: Some("Codex refuses every session".to_owned()),
            });
        }
        let inspection = inspect(&layer.layer.root, &CONFIG, version);
        for refused in inspection.refused {
            found.push(Problem {
                severity: Severity::Error,
                message: refused.message.clone(),
                place: refused.span.and_then(|span| setting::place(evaluation, span)),
                help: None,
                effect: Some("Codex refuses every session".to_owned()),
            });
        }
        for unknown in inspection.unknown {
            found.push(Problem {
                severity: Severity::Caution,
                message: format!("`{}` is not a setting", dotted(&unknown.path)),
                place: setting::place(evaluation, unknown.span),
                help: unknown.meant.map(|meant| format!("did you mean `{meant}`?")),
                effect: Some("Codex ignores it".to_owned()),
            });
        }
        if !layer.denied.is_empty() {
            found.push(Problem {
                severity: Severity::Caution,
                message: format!("a project may not set {}", layer.denied.join(", ")),
                place: layer.detail.as_ref().map(|folder| super::Place {
                    document: format!("{folder}/config.toml"),
                    line: 1,
                    column: 1,
                    text: None,
                }),
                help: Some("set them in your own config.toml".to_owned()),
                effect: Some("Codex ignores them there, and warns".to_owned()),
            });
        }
    }
}

fn cautions(evaluation: &Evaluation, found: &mut Vec<Problem>) {
    let caution = |message: String, help: Option<&str>| Problem {
        severity: Severity::Caution,
        message,
        place: None,
        help: help.map(str::to_owned),
        effect: None,
    };
    if let BundleState::UserWritableCache { path, .. } = &evaluation.gathered.bundle {
        found.push(caution(
            format!("cloud policy is shown from {path}, which the user can rewrite"),
            Some("give the server's own answer with --bundle to see the real thing"),
        ));
    }
    let networked = evaluation.composition.merged.get("experimental_network");
    if let Some(network) = networked
        && network.at(&["enabled"]).and_then(|node| node.value.as_bool()) != Some(true)
    {
        let mut problem = caution(
            "network rules do nothing without `enabled = true`".to_owned(),
            Some("set experimental_network.enabled = true beside them"),
        );
        problem.place = setting::place(evaluation, network.span);
        found.push(problem);
    }
    let skipped = evaluation.configuration.layers.iter().filter(|layer| layer.not_loaded.is_some());
    for layer in skipped {
        let folder = layer.detail.as_deref().unwrap_or_default();
        let tier =
            if layer.tier == ConfigTier::Project { "project" } else { tier_name(layer.tier) };
        found.push(caution(
            format!("{tier} layer {folder} is not loaded: folder not trusted"),
            None,
        ));
    }
}
