//! The machines there are: an inventory, and which cohort each of them is in.
//!
//! An inventory is JSON Lines, one machine a line:
//!
//! ```text
//! {"host": "mbp-4711", "team": "payments", "environment": "workstations", "os": "macos", "codex": "0.169.0"}
//! ```
//!
//! `host` and `os` must be there; `team`, `environment`, `group` and `codex` are left out where there
//! is none or where it is not known. Empty lines do not count.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::types::policy::System;
use codex_schema::version::Version;
use serde::Deserialize;

use crate::repository::{Cohort, Manifest};
use codex_schema::host::host_matches;

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name.
    pub host: String,
    /// The team it belongs to.
    pub team: Option<String>,
    /// The environment it belongs to.
    pub environment: Option<String>,
    /// The group it belongs to.
    pub group: Option<String>,
    /// Its operating system.
    pub system: System,
    /// Its version of Codex.
    pub codex: Option<Version>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    host: String,
    os: System,
    #[serde(default)]
    team: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    codex: Option<String>,
}

/// A line that is no machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// Most machines of an inventory, and most problems of it that are told.
const MOST_ENDPOINTS: usize = 1_000_000;
const MOST_PROBLEMS: usize = 20;

/// Reads an inventory.
///
/// # Errors
/// All lines that are no machine, at most twenty.
pub fn read_inventory(text: &str) -> Result<Vec<Endpoint>, Vec<LineProblem>> {
    let mut problems: Vec<LineProblem> = Vec::new();
    let mut endpoints: Vec<Endpoint> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if problems.len() >= MOST_PROBLEMS {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        if endpoints.len() >= MOST_ENDPOINTS {
            let message = format!("there are more than {MOST_ENDPOINTS} machines");
            problems.push(LineProblem { line: number, column: None, message });
            break;
        }
        match endpoint(line) {
            Ok(endpoint) => {
                let host = endpoint.host.to_lowercase();
                if let Some(first) = known.insert(host, number) {
                    let message = format!("`{}` stands in line {first} already", endpoint.host);
                    problems.push(LineProblem { line: number, column: None, message });
                }
                endpoints.push(endpoint);
            }
            Err((column, message)) => {
                problems.push(LineProblem { line: number, column, message });
            }
        }
    }
    if problems.is_empty() { Ok(endpoints) } else { Err(problems) }
}

fn endpoint(line: &str) -> Result<Endpoint, (Option<usize>, String)> {
    let Line { host, os, team, environment, group, codex } =
        serde_json::from_str(line).map_err(|error| {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            let example = r#"{"host": "mbp-4711", "os": "macos"}"#;
            let column = error.column();
            (Some(column).filter(|at| *at > 0), format!("{words}; write a line like {example}"))
        })?;
    if host.trim().is_empty() {
        return Err((None, "`host` says nothing".to_owned()));
    }
    let codex = match codex.map(|text| text.parse::<Version>()).transpose() {
        Ok(codex) => codex,
        Err(error) => return Err((None, error.to_string())),
    };
    Ok(Endpoint { host, team, environment, group, system: os, codex })
}

/// Which cohort a machine is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'manifest> {
    /// This one.
    In(&'manifest str),
    /// None: it gets no policy.
    Nowhere,
    /// More than one: which policy it gets is chance.
    Several(&'manifest str, &'manifest str),
}

/// The cohort of a machine.
pub fn membership<'manifest>(
    manifest: &'manifest Manifest,
    endpoint: &Endpoint,
) -> Membership<'manifest> {
    let chosen = manifest.cohorts.values().filter(|one| !one.is_default && selects(one, endpoint));
    let mut chosen = chosen.map(|cohort| cohort.name.as_str());
    match (chosen.next(), chosen.next()) {
        (Some(one), None) => Membership::In(one),
        (Some(one), Some(other)) => Membership::Several(one, other),
        (None, _) => {
            let default = manifest.cohorts.values().find(|cohort| cohort.is_default);
            default.map_or(Membership::Nowhere, |cohort| Membership::In(&cohort.name))
        }
    }
}

fn selects(cohort: &Cohort, endpoint: &Endpoint) -> bool {
    let one = |wanted: &Option<codex_schema::span::Sourced<String>>, own: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| own.as_ref() == Some(&wanted.value))
    };
    one(&cohort.team, &endpoint.team)
        && one(&cohort.environment, &endpoint.environment)
        && one(&cohort.group, &endpoint.group)
        && cohort.systems.as_ref().is_none_or(|systems| systems.contains(&endpoint.system))
        && cohort.hosts.as_ref().is_none_or(|hosts| {
            hosts.iter().any(|pattern| host_matches(&pattern.value, &endpoint.host))
        })
}

/// What an inventory comes to under two manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// All machines.
    pub endpoints: usize,
    /// How many machines each cohort has now.
    pub by_cohort: BTreeMap<String, usize>,
    /// The versions of Codex of a cohort's machines, with how many have each.
    pub versions: BTreeMap<String, BTreeMap<Version, usize>>,
    /// How many machines go from one cohort to another; no name is no policy.
    pub moves: BTreeMap<(Option<String>, Option<String>), usize>,
    /// Machines that no cohort selects now.
    pub nowhere: BTreeSet<String>,
    /// Machines that several cohorts select, with two of these.
    pub several: BTreeMap<String, (String, String)>,
}

impl Fleet {
    /// Puts machines into the cohorts of both manifests.
    pub fn of(endpoints: &[Endpoint], from: &Manifest, to: &Manifest) -> Self {
        let mut fleet = Self { endpoints: endpoints.len(), ..Self::default() };
        for endpoint in endpoints {
            let before = match membership(from, endpoint) {
                Membership::In(name) | Membership::Several(name, _) => Some(name.to_owned()),
                Membership::Nowhere => None,
            };
            let after = match membership(to, endpoint) {
                Membership::In(name) => Some(name.to_owned()),
                Membership::Several(one, other) => {
                    let names = (one.to_owned(), other.to_owned());
                    fleet.several.insert(endpoint.host.clone(), names);
                    Some(one.to_owned())
                }
                Membership::Nowhere => {
                    fleet.nowhere.insert(endpoint.host.clone());
                    None
                }
            };
            if let Some(name) = &after {
                *fleet.by_cohort.entry(name.clone()).or_default() += 1;
                if let Some(version) = endpoint.codex {
                    let versions = fleet.versions.entry(name.clone()).or_default();
                    *versions.entry(version).or_default() += 1;
                }
            }
            if before != after {
                *fleet.moves.entry((before, after)).or_default() += 1;
            }
        }
        fleet
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::MemoryFiles;

    #[test]
    fn every_line_is_a_machine_or_a_problem() {
        let good = "{\"host\": \"a\", \"os\": \"linux\", \"codex\": \"0.169.0\"}\n\n\
                    {\"host\": \"b\", \"os\": \"macos\", \"team\": \"pay\"}\r\n";
        let read = read_inventory(good).unwrap();
        assert_eq!(read.iter().map(|one| one.host.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let bad = "{\"host\": \"a\", \"os\": \"linux\"}\nhost,os\n{\"host\": \"A\", \"os\": \"linux\"}\n\
                   {\"host\": \"c\", \"os\": \"beos\"}\n{\"host\": \"d\", \"os\": \"linux\", \"tema\": \"x\"}\n\
                   {\"host\": \" \", \"os\": \"linux\"}\n{\"host\": \"e\", \"os\": \"linux\", \"codex\": \"new\"}\n";
        let told: Vec<String> = read_inventory(bad)
            .unwrap_err()
            .iter()
            .map(|one| format!("{}: {}", one.line, one.message))
            .collect();
        let expected = [
            "2: expected value; write",
            "3: `A` stands in line 1 already",
            "4: unknown variant `beos`",
            "5: unknown field `tema`",
            "6: `host` says nothing",
            "7: `new` is not a Codex version",
        ];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (line, expected) in told.iter().zip(expected) {
            assert!(line.starts_with(expected), "{line}");
        }
    }

    #[test]
    fn machines_are_in_the_cohort_that_selects_them() {
        let manifest = |cohorts: &str| {
            let mut files = MemoryFiles::default();
            files.put("/p/policy.toml", format!("organisation.name = 'A'\n{cohorts}"));
            let today = codex_schema::types::policy::Date { year: 2026, month: 11, day: 25 };
            crate::repository::read(&files, "/p", today).manifest
        };
        let from = manifest("[cohorts.all]\ndefault = true\n[cohorts.ci]\nhosts = ['ci-*']\n");
        let to = manifest(
            "[cohorts.pay]\nteam = 'pay'\n[cohorts.ci]\nhosts = ['CI-?']\nos = ['linux']\n",
        );
        let endpoints = read_inventory(
            "{\"host\": \"ci-1\", \"os\": \"linux\"}\n{\"host\": \"ci-22\", \"os\": \"linux\"}\n\
             {\"host\": \"m\", \"os\": \"macos\", \"team\": \"pay\"}\n\
             {\"host\": \"ci-3\", \"os\": \"linux\", \"team\": \"pay\"}\n",
        )
        .unwrap();
        let fleet = Fleet::of(&endpoints, &from, &to);
        let moves: Vec<String> = fleet
            .moves
            .iter()
            .map(|((from, to), count)| format!("{from:?} {to:?} {count}"))
            .collect();
        assert_eq!(moves, ["Some(\"all\") Some(\"pay\") 1", "Some(\"ci\") None 1"]);
        assert_eq!(fleet.nowhere, BTreeSet::from(["ci-22".to_owned()]));
        assert_eq!(fleet.several.len(), 1);
        assert_eq!(fleet.by_cohort, BTreeMap::from([("ci".to_owned(), 2), ("pay".to_owned(), 1)]));
    }
}
