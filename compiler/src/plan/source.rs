//! The two things that are compared: policy repositories, or single files taken as one.

use std::collections::BTreeMap;

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::reader::read_toml;
use codex_schema::span::{SourceId, Span};
use codex_schema::types::policy::{Date, Delivery};
use codex_schema::version::Version;

use super::policy::Side;
use crate::authoring::{Cache, EffectivePolicy, effective};
use crate::files::Files;
use crate::repository::{self, Authored, AuthoredLayer, Cohort, LayerName, Repository, RulesText};
use crate::sources::rules_file::{self, Limits, RulesFile};

/// A repository with its rule files read.
#[derive(Debug)]
pub struct Policies {
    /// The repository.
    pub repository: Repository,
    /// Rule files by document; nothing for those that cannot be read.
    rules: BTreeMap<SourceId, Option<RulesFile>>,
    today: Date,
    cache: Cache,
}

/// The policy of one cohort.
#[derive(Debug, Default)]
pub struct CohortPolicy {
    /// What it says.
    pub policy: EffectivePolicy,
    rules: Vec<(SourceId, RulesFile)>,
    broken: Vec<SourceId>,
}

/// The name of the cohort that a file stands for.
pub const OF_FILES: &str = "file";

impl Policies {
    /// Takes a repository that was read.
    pub fn of(repository: Repository, today: Date) -> Self {
        let texts = repository.layers.values().flat_map(|layer| &layer.rules);
        let rules = texts
            .map(|text| {
                let document = repository.documents.get(text.source);
                let text_of = document.map(|document| &*document.text).unwrap_or_default();
                (text.source, rules_file::read(text_of, &Limits::default()).ok())
            })
            .collect();
        let cache = Cache::of(&repository, repository.manifest.cohorts.values());
        Self { repository, rules, today, cache }
    }

    /// Reads a repository. `top` is the folder with `policy.toml`.
    pub fn read(files: &dyn Files, top: &str, today: Date) -> Self {
        Self::of(repository::read(files, top, today), today)
    }

    /// Takes a text as the whole policy of one cohort: `config.toml` as managed defaults, `*.rules`
    /// as rules, anything else as requirements.
    pub fn of_text(name: &str, text: &str, today: Date) -> Self {
        let mut repository = Repository::default();
        let path = name.to_owned();
        let source = repository.documents.add(codex_schema::source::Source::File { path }, text);
        let mut layer = AuthoredLayer::default();
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        if last.strip_suffix(".rules").is_some() {
            layer.rules.push(RulesText { name: last.to_owned(), source });
        } else {
            let parsed = read_toml(text, source);
            for problem in &parsed.problems {
                let message = problem.message.clone();
                let diagnostic = Diagnostic::new(Code::Syntax, message, problem.span);
                repository.diagnostics.push(diagnostic);
            }
            let authored = Some(Authored { source, parsed });
            match last {
                "config.toml" | "managed_config.toml" => layer.config = authored,
                _ => layer.requirements = authored,
            }
        }
        repository.layers.insert(LayerName::Baseline, layer);
        let cohort = Cohort {
            name: OF_FILES.to_owned(),
            span: Span::new(source, 0, 0),
            team: None,
            environment: None,
            group: None,
            systems: None,
            hosts: None,
            is_default: true,
            deliveries: vec![Delivery::System],
            versions: vec![Version::NEWEST],
        };
        repository.manifest.cohorts.insert(OF_FILES.to_owned(), cohort);
        Self::of(repository, today)
    }

    /// The policy of a cohort; nothing where there is no such cohort.
    pub fn cohort(&mut self, name: &str) -> Option<CohortPolicy> {
        let cohort = self.repository.manifest.cohorts.get(name)?;
        let policy = effective(&self.repository, cohort, self.today, &mut self.cache);
        let (mut rules, mut broken) = (Vec::new(), Vec::new());
        for voice in &policy.rules {
            match self.rules.get(&voice.source) {
                Some(Some(file)) => rules.push((voice.source, file.clone())),
                Some(None) | None => broken.push(voice.source),
            }
        }
        Some(CohortPolicy { policy, rules, broken })
    }

    /// What could not be read of the repository, as `FILE:LINE:COLUMN: message`. What else is wrong
    /// with it is the work of `check`.
    pub fn unread(&self) -> Vec<String> {
        let unread = self.repository.diagnostics.iter().filter(|one| {
            matches!(
                one.code,
                Code::Unreadable
                    | Code::NotText
                    | Code::Syntax
                    | Code::DuplicateKey
                    | Code::Repository
            )
        });
        unread
            .map(|one| {
                let place = self.repository.documents.place(one.primary.span);
                format!("{place}: {}", one.message)
            })
            .collect()
    }

    /// A cohort's policy as one side of a comparison.
    pub fn side<'side>(&'side self, cohort: &'side CohortPolicy) -> Side<'side> {
        Side {
            requirements: &cohort.policy.requirements,
            config: &cohort.policy.config,
            rules: &cohort.rules,
            broken: &cohort.broken,
            documents: &self.repository.documents,
        }
    }
}
