//! Random machines: a seed and a number give the same machine everywhere.
//!
//! Most machines are sound and their layers set the same keys, because merging is what is tested;
//! some hold one or two mistakes of the kinds that people make. Every row of the key table is
//! reached in a few hundred machines.

mod curated;
mod document;
mod layers;
pub mod random;
mod values;

use codex_oracle::{Bundle, FileSpec, SpecialFile, WorldSpec};
use codex_schema::version::Version;
use serde_json::{Map, Value as Json, json};

use document::Draft;
use layers::{Pool, config, requirements};
pub use random::Random;

/// One random machine, and how a session is started on it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The seed it came from.
    pub seed: u64,
    /// Its number under that seed.
    pub number: u64,
    /// The machine.
    pub world: WorldSpec,
    /// Further parameters of `thread/start`.
    pub thread: Map<String, Json>,
}

/// Where the system's requirements stand.
const REQUIREMENTS: &str = "/etc/codex/requirements.toml";

/// Makes a machine for a Codex version.
pub fn generate(seed: u64, number: u64, version: Version) -> Case {
    let mut random = Random::new(seed, number);
    let mut maker = Maker::new(&mut random, version);
    let world = maker.world();
    let mut thread = Map::new();
    // Without a model 0.98.0 waits five seconds for a list of models.
    if version < Version::of(118) || maker.random.chance(40) {
        thread.insert("model".to_owned(), json!("gpt-5"));
    }
    Case { seed, number, world, thread }
}

/// Whether the machine's own policy might keep Codex from asking its config server: what the
/// bundle says is then never read.
fn shut_off(world: &WorldSpec) -> bool {
    world.files.values().any(|file| match file {
        FileSpec::Text(text) => text.contains("application"),
        FileSpec::Special(_) => true,
    })
}

/// The making of one machine.
struct Maker<'random> {
    random: &'random mut Random,
    version: Version,
    pool: Pool,
    /// How many mistakes are still to be made.
    mistakes: usize,
}

impl<'random> Maker<'random> {
    fn new(random: &'random mut Random, version: Version) -> Self {
        let pool = Pool::choose(random, version);
        let mistakes = match random.below(100) {
            0..75 => 0,
            75..93 => 1,
            _ => 2,
        };
        Self { random, version, pool, mistakes }
    }

    fn world(&mut self) -> WorldSpec {
        let mut world = WorldSpec::new();
        if self.random.chance(75) {
            let text = self.requirement_text();
            world.files.insert(REQUIREMENTS.to_owned(), FileSpec::Text(text));
        }
        if self.random.chance(30) {
            let draft = config(self.random, &self.pool, self.version, 2);
            let text = self.finish(draft, Kind::Config);
            world = world.file("/etc/codex/managed_config.toml", &text);
        }
        if self.random.chance(30) {
            let draft = config(self.random, &self.pool, self.version, 3);
            let text = self.finish(draft, Kind::Config);
            world = world.file("/etc/codex/config.toml", &text);
        }
        // Codex fetches bundles from a config server since 0.164.0.
        if self.version >= Version::of(164) && self.random.chance(35) && !shut_off(&world) {
            world.bundle = Some(self.bundle());
        }
        self.user_and_project(&mut world);
        self.special(&mut world);
        self.arguments(&mut world);
        if self.random.chance(20) {
            world.hostname = Some(self.random.text(&["ci-1", "dev-a.corp", "desk"]).to_owned());
        }
        world
    }

    fn requirement_text(&mut self) -> String {
        let draft = requirements(self.random, &self.pool, self.version);
        self.finish(draft, Kind::Requirements)
    }

    fn bundle(&mut self) -> Bundle {
        let mut bundle = Bundle::default();
        for number in 0..self.random.below(4) {
            bundle.requirements.push((format!("r{number}"), self.requirement_text()));
        }
        for number in 0..self.random.below(3) {
            let draft = config(self.random, &self.pool, self.version, 3);
            bundle.config.push((format!("c{number}"), self.finish(draft, Kind::Config)));
        }
        bundle
    }

    fn user_and_project(&mut self, world: &mut WorldSpec) {
        let project = self.random.chance(35);
        if self.random.chance(75) || project {
            let mut draft = config(self.random, &self.pool, self.version, 5);
            if self.random.chance(if project { 75 } else { 15 }) {
                let level = if self.random.chance(85) { "\"trusted\"" } else { "\"untrusted\"" };
                draft.add("projects.'$CWD'.trust_level", level);
            }
            let text = self.finish(draft, Kind::Config);
            world.files.insert("$CODEX_HOME/config.toml".to_owned(), FileSpec::Text(text));
        }
        if project {
            let draft = config(self.random, &self.pool, self.version, 3);
            let text = self.finish(draft, Kind::Config);
            world.files.insert("$CWD/.codex/config.toml".to_owned(), FileSpec::Text(text));
            if self.random.chance(50) {
                let head = FileSpec::Text("ref: refs/heads/main\n".to_owned());
                world.files.insert("$CWD/.git/HEAD".to_owned(), head);
            }
        }
    }

    /// Puts something else in the place of a file, rarely.
    fn special(&mut self, world: &mut WorldSpec) {
        if !self.random.chance(1) || world.bundle.is_some() {
            return;
        }
        let paths: Vec<String> = world.files.keys().cloned().collect();
        let Some(path) = self.random.pick(&paths).cloned() else { return };
        let special = match self.random.below(3) {
            0 => SpecialFile::Directory {},
            1 => SpecialFile::Base64("YSA9IDEK/w==".to_owned()),
            _ => SpecialFile::Symlink("$CWD/nowhere".to_owned()),
        };
        world.files.insert(path, FileSpec::Special(special));
    }

    fn arguments(&mut self, world: &mut WorldSpec) {
        if !self.random.chance(30) {
            return;
        }
        for _ in 0..=self.random.below(2) {
            let argument = match self.random.below(10) {
                0..6 => {
                    let (path, value) = self.pool.setting(self.random, self.version);
                    ["-c".to_owned(), format!("{path}={value}")]
                }
                6 => ["-c".to_owned(), "model=plain words".to_owned()],
                7 | 8 => {
                    let name = self.random.text(curated::names("features"));
                    ["--enable".to_owned(), name.to_owned()]
                }
                _ => ["--disable".to_owned(), "shell_tool".to_owned()],
            };
            world.args.extend(argument);
        }
    }

    /// Makes a mistake if one is due here, and writes the document.
    fn finish(&mut self, mut draft: Draft, kind: Kind) -> String {
        let due = self.mistakes > 0 && self.random.chance(50);
        if !due {
            let text = draft.write(self.random);
            return self.dressed(text);
        }
        self.mistakes -= 1;
        match self.random.below(10) {
            0..3 => {
                let value = values::wrong(self.random);
                draft.spoil(self.random, value);
            }
            3..6 => match kind {
                Kind::Requirements => {
                    if let Some((path, value)) = self.random.pick(curated::UNSOUND) {
                        draft.add(path, *value);
                    }
                }
                Kind::Config => draft.add("approval_policy", "\"untrusted\""),
            },
            6 => draft.add("no_such_key", "true"),
            7 => draft.repeat(self.random),
            8 => draft.force("broken key", "1"),
            _ => draft.force("unclosed", "[1, 2"),
        }
        let text = draft.write(self.random);
        self.dressed(text)
    }

    /// Windows line ends and byte order marks change nothing and must not.
    fn dressed(&mut self, text: String) -> String {
        match self.random.below(100) {
            0..2 => text.replace('\n', "\r\n"),
            2..4 => format!("\u{feff}{text}"),
            4..7 => format!("# a comment\n\n{text}"),
            _ => text,
        }
    }
}

/// Which kind of document a mistake goes into.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Requirements,
    Config,
}

#[cfg(test)]
mod tests;
