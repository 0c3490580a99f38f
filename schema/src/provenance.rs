//! The map from the values of a compiled policy to the lines they came from, `provenance.json`: the
//! compiler writes it, `explain` on a machine and the server's pages read it.
//!
//! Where something stands is said in the shape of the document that says it. What all of a list has
//! in common (a folder, what became of what it said, the table it spoke about) is written once:
//! hundreds of cohorts have thousands of entries each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The form of the file; changes with every change that readers must know of.
pub const FORM: &str = "codex-config provenance 2";

/// Longest map that is read, in bytes.
const MOST_BYTES: usize = 16_000_000;

/// A place, with what the file's own tables say of it: source, line, column, commit. Lines and
/// columns count from 1; sources and commits from 0 in their lists; no commit is -1.
pub type Place = (usize, u32, u32, i64);

/// Which of the two documents a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// `requirements.toml`.
    Requirements,
    /// `config.toml`.
    Config,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Its full identifier.
    pub id: String,
    /// Who wrote the change.
    pub author: String,
    /// When, as `YYYY-MM-DD` in UTC.
    pub date: String,
    /// The first line of its message.
    pub subject: String,
}

/// A place in the policy repository, and the commit that last changed the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Origin {
    /// The file, below the top of the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The commit; none where the policy was compiled outside of version control.
    pub commit: Option<Commit>,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, column, commit } = self;
        write!(formatter, "{file}:{line}:{column}")?;
        let Some(Commit { id, author, date, subject }) = commit else { return Ok(()) };
        let short = id.get(..10).unwrap_or(id);
        write!(formatter, "  {short}  {author}, {date}: {subject}")
    }
}

/// What stands under the names of a table.
pub type Names = BTreeMap<String, Said>;

/// Where a value stands, where the elements of a list do, or what is in a table. A list without
/// elements is a value, and so is a table that is one to Codex.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// A value.
    Value(Place),
    /// The elements of a list, in their order.
    List(Vec<Place>),
    /// A table.
    Table(Names),
}

impl Said {
    /// The place of everything that is said here or below.
    fn places(&self, found: &mut Vec<Place>) {
        match self {
            Self::Value(at) => found.push(*at),
            Self::List(elements) => found.extend(elements),
            Self::Table(below) => below.values().for_each(|one| one.places(found)),
        }
    }
}

/// What one voice said of the names of a table, where it met another voice or did not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voices {
    /// Which document.
    pub document: Document,
    /// The table.
    pub under: Vec<String>,
    /// Who: a folder, or an exception.
    pub voice: String,
    /// What became of it, such as `tightens` or `refused`.
    pub outcome: String,
    /// Why it may loosen, where it does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub permit: Option<String>,
    /// Name by name.
    pub said: Vec<Met>,
}

/// A name, where the voice speaks of it, and where the voice above does that it met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Met {
    /// Nothing stood there.
    Nothing(String, Place),
    /// Something did.
    Above(String, Place, Place),
}

impl Met {
    /// The name and where the voice speaks of it.
    pub fn said(&self) -> (&str, Place) {
        match self {
            Self::Nothing(name, at) | Self::Above(name, at, _) => (name, *at),
        }
    }
}

/// The map of one cohort, as its readers need it; what is for other readers is not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Provenance {
    /// The cohort.
    pub cohort: String,
    /// The digests of the files that it speaks for, as they are installed.
    pub files: BTreeMap<String, String>,
    sources: Vec<String>,
    commits: Vec<Commit>,
    requirements: Names,
    config: Names,
    voices: Vec<Voices>,
}

impl Provenance {
    /// Reads a map.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct OfForm {
            form: String,
        }
        if bytes.len() > MOST_BYTES {
            return Err(format!("it has more than {MOST_BYTES} bytes"));
        }
        let OfForm { form } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if form != FORM {
            return Err(format!("it is of the form `{form}`, and this program reads `{FORM}`"));
        }
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// What is said at a path, or of the value that it leads into, and how much of the path led
    /// there.
    fn find(&self, document: Document, path: &[impl AsRef<str>]) -> Option<(&Said, usize)> {
        let mut names = match document {
            Document::Requirements => &self.requirements,
            Document::Config => &self.config,
        };
        for (name, depth) in path.iter().zip(1..) {
            match names.get(name.as_ref())? {
                Said::Table(below) if depth < path.len() => names = below,
                said => return Some((said, depth)),
            }
        }
        None
    }

    /// Where a value comes from, or everything that is in a table or list, in their order. Empty
    /// where the map does not know.
    pub fn of(&self, document: Document, path: &[impl AsRef<str>]) -> Vec<Origin> {
        let mut places = Vec::new();
        let found = self.find(document, path).filter(|(_, depth)| *depth == path.len());
        found.into_iter().for_each(|(said, _)| said.places(&mut places));
        places.into_iter().filter_map(|place| self.origin(place)).collect()
    }

    /// One place that tells where a value comes from: its first, or that of the value that it is a
    /// part of.
    pub fn near(&self, document: Document, path: &[impl AsRef<str>]) -> Option<Origin> {
        let mut places = Vec::new();
        self.find(document, path)?.0.places(&mut places);
        self.origin(*places.first()?)
    }

    /// What was said of a value where voices met, or where one did not count: who, what became of
    /// it, and where.
    pub fn voices(
        &self,
        document: Document,
        path: &[impl AsRef<str>],
    ) -> impl Iterator<Item = (&Voices, Origin)> {
        let (last, under) = path.split_last().map_or((None, path), |(last, up)| (Some(last), up));
        let names = move |voices: &&Voices| {
            voices.document == document
                && voices.under.len() == under.len()
                && voices.under.iter().zip(under).all(|(own, name)| own == name.as_ref())
        };
        self.voices.iter().filter(names).flat_map(move |voices| {
            let about = voices.said.iter().map(Met::said);
            let of_name =
                about.filter(move |(name, _)| last.is_some_and(|it| it.as_ref() == *name));
            of_name.filter_map(move |(_, place)| Some((voices, self.origin(place)?)))
        })
    }

    fn origin(&self, (source, line, column, commit): Place) -> Option<Origin> {
        let file = self.sources.get(source)?.clone();
        let commit = usize::try_from(commit).ok().and_then(|at| self.commits.get(at)).cloned();
        Some(Origin { file, line, column, commit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"{"form": "codex-config provenance 2", "cohort": "all", "files": {},
        "sources": ["baseline/requirements.toml", "teams/pay/requirements.toml"],
        "commits": [{"id": "0123456789abcdef", "author": "Ana", "date": "2026-11-01",
            "subject": "first"}],
        "requirements": {"allowed_approval_policies": [[0, 1, 30, 0], [1, 2, 5, -1]],
            "allow_appshots": [0, 7, 18, 0],
            "experimental_network": {"enabled": [0, 3, 1, 0], "domains": {"a.b": [1, 9, 9, -1]}}},
        "config": {}, "later": "additions",
        "voices": [{"document": "requirements", "under": ["experimental_network", "domains"],
            "voice": "teams/pay", "outcome": "loosens", "permit": "delegation",
            "said": [["a.b", [1, 9, 9, -1]], ["c.d", [1, 10, 9, -1], [0, 4, 2, 0]]]}]}"#;

    #[test]
    fn values_are_found_by_their_paths() {
        let map = Provenance::read(MAP.as_bytes()).unwrap();
        let of = |path: &[&str]| -> Vec<String> {
            map.of(Document::Requirements, path).iter().map(ToString::to_string).collect()
        };
        let first = "baseline/requirements.toml:1:30  0123456789  Ana, 2026-11-01: first";
        assert_eq!(of(&["allowed_approval_policies"]), [first, "teams/pay/requirements.toml:2:5"]);
        assert_eq!(of(&["experimental_network"]).len(), 2, "all that is below");
        let domain = ["experimental_network", "domains", "a.b"];
        assert_eq!(of(&domain), ["teams/pay/requirements.toml:9:9"]);
        for unknown in [&["a"][..], &["allow_appshots", "x"], &[]] {
            assert_eq!(of(unknown), [""; 0], "{unknown:?}");
        }
        let near = |path: &[&str]| map.near(Document::Requirements, path).map(|it| it.line);
        assert_eq!(near(&["allow_appshots", "x"]), Some(7), "what it is a part of");
        assert_eq!(near(&["experimental_network", "domains"]), Some(9));
        for gone in [&["a"][..], &["experimental_network", "domains", "e.f"]] {
            assert_eq!(near(gone), None, "{gone:?}");
        }
        let voices: Vec<String> = map
            .voices(Document::Requirements, &["experimental_network", "domains", "c.d"])
            .map(|(voices, at)| format!("{} {} {at}", voices.voice, voices.outcome))
            .collect();
        assert_eq!(voices, ["teams/pay loosens teams/pay/requirements.toml:10:9"]);
        assert_eq!(map.voices(Document::Config, &domain).count(), 0);
    }

    #[test]
    fn another_form_is_named_and_nothing_is_guessed() {
        let other = MAP.replace("provenance 2", "provenance 1");
        let told = Provenance::read(other.as_bytes()).unwrap_err();
        assert!(told.contains("provenance 1`, and this program reads"), "{told}");
        assert!(Provenance::read(b"{}").is_err());
        assert!(Provenance::read(&vec![b' '; MOST_BYTES + 1]).unwrap_err().contains("more than"));
    }
}
