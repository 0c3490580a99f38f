//! Policy repositories as worlds: what is compiled from one, in front of a real Codex.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use codex_compiler::check::{Scope, Surroundings, Tree, check_repository};
use codex_compiler::compile::history::NoHistory;
use codex_compiler::compile::{Compiler, PROVENANCE_FILE, toml_text};
use codex_compiler::files::Files;
use codex_compiler::repository;
use codex_oracle::WorldSpec;
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

/// The files of one cohort, and the versions of Codex it is for.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The cohort's name.
    pub cohort: String,
    /// Texts by their path below `/etc/codex`.
    pub files: BTreeMap<String, String>,
    /// The requirements before what makes no difference was left out.
    pub merged: String,
    /// The versions.
    pub versions: Vec<Version>,
}

impl Compiled {
    /// A machine on which these files are installed.
    pub fn world(&self) -> WorldSpec {
        self.files.iter().fold(WorldSpec::new(), |world, (path, text)| {
            world.file(&format!("/etc/codex/{path}"), text)
        })
    }

    /// The same with every repetition that was written: what Codex prints is then the same as
    /// well, and not only what it does.
    pub fn world_with_all(&self) -> WorldSpec {
        let world = self.world();
        if self.merged.is_empty() {
            return world;
        }
        world.file("/etc/codex/requirements.toml", &self.merged)
    }
}

/// Checks and compiles a repository: what is wrong with it, and every cohort's files.
pub fn compiled(files: &dyn Files, top: &str, today: Date) -> (Tree, Vec<Compiled>) {
    let compiler = Compiler::new(&NoHistory);
    let cohorts = Mutex::new(Vec::new());
    let read = repository::read(files, top, today);
    let surroundings = Surroundings::default();
    let scope = Scope { today, wanted: &|_| true, surroundings: &surroundings };
    let tree = check_repository(read, &scope, &|repository, cohort, policy| {
        let mut own = compiler.cohort(repository, cohort, policy);
        // The map of lines is for people; Codex does not get it.
        own.files.remove(PROVENANCE_FILE);
        let merged = toml_text::document("", &policy.requirements, &REQUIREMENTS);
        let (files, versions) = (own.files, own.versions);
        let compiled = Compiled { cohort: cohort.name.clone(), files, merged, versions };
        cohorts.lock().unwrap_or_else(PoisonError::into_inner).push(compiled);
    });
    let mut cohorts = cohorts.into_inner().unwrap_or_else(PoisonError::into_inner);
    // They come from several threads.
    cohorts.sort_by(|left, right| left.cohort.cmp(&right.cohort));
    (tree, cohorts)
}
