//! What may be depended on: `deny.toml` holds the rules; `cargo deny` understands it too.
//!
//! `cargo deny` takes many minutes to build, so the rules that need no advisory database are
//! checked here from `cargo metadata`: licences, sources, banned crates and versions given as `*`.

use std::fs;
use std::process::Command;

use serde_json::Value as Json;

use crate::bench::cargo;
use crate::talk::Problem;

/// The rules of `deny.toml` that are checked.
struct Rules {
    licences: Vec<String>,
    banned: Vec<String>,
    sources: Vec<String>,
}

/// Checks every package that the lock files name.
pub(super) fn check() -> Result<String, Problem> {
    let top = crate::workspace();
    let rules = Rules::read(&fs::read_to_string(top.join("deny.toml"))?)?;
    let mut problems = Vec::new();
    let mut count = 0;
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let output = Command::new(cargo())
            .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
            .arg(top.join(manifest))
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let metadata: Json = serde_json::from_slice(&output.stdout)?;
        for package in metadata.get("packages").and_then(Json::as_array).into_iter().flatten() {
            count += 1;
            problems.extend(rules.problems(package));
        }
    }
    problems.sort();
    problems.dedup();
    if count == 0 {
        problems.push("cargo names no packages".to_owned());
    }
    if problems.is_empty() {
        Ok(format!("{count} packages"))
    } else {
        Err(problems.join("\n").into())
    }
}

impl Rules {
    fn read(text: &str) -> Result<Self, Problem> {
        let document: toml::Table = text.parse()?;
        let list = |table: &str, key: &str| -> Vec<String> {
            let found = document.get(table).and_then(|table| table.get(key));
            let elements = found.and_then(toml::Value::as_array).into_iter().flatten();
            elements
                .filter_map(|element| {
                    let name = element.get("crate").or_else(|| element.get("name"));
                    name.unwrap_or(element).as_str().map(str::to_owned)
                })
                .collect()
        };
        let rules = Self {
            licences: list("licenses", "allow"),
            banned: list("bans", "deny"),
            sources: list("sources", "allow-registry"),
        };
        if rules.licences.is_empty() {
            return Err("`deny.toml` allows no licence".into());
        }
        Ok(rules)
    }

    fn problems(&self, package: &Json) -> Vec<String> {
        let text = |key: &str| package.get(key).and_then(Json::as_str).unwrap_or_default();
        let name = text("name");
        let mut problems = Vec::new();
        if !self.allows(text("license")) {
            problems.push(format!("{name}: licence `{}` is not allowed", text("license")));
        }
        if self.banned.iter().any(|banned| banned == name) {
            problems.push(format!("{name}: banned"));
        }
        let Some(source) = package.get("source").and_then(Json::as_str) else {
            // Our own: the only packages whose manifests we answer for.
            problems.extend(wildcards(name, package));
            return problems;
        };
        // Without a list of our own, any registry will do, and nothing but a registry.
        let known = |allowed: &String| source.strip_prefix("registry+") == Some(allowed);
        let fine = source.starts_with("registry+")
            && (self.sources.is_empty() || self.sources.iter().any(known));
        if !fine {
            problems.push(format!("{name}: comes from `{source}`"));
        }
        problems
    }

    /// Whether one side of every `OR`, with all of its `AND`s, is allowed.
    fn allows(&self, expression: &str) -> bool {
        let flat = expression.replace(['(', ')'], " ").replace('/', " OR ");
        let allowed = |licence: &str| self.licences.iter().any(|own| own == licence.trim());
        let mut all_and = flat.split(" AND ");
        // `(A OR B) AND C` without its brackets: each factor of the product needs an allowed side.
        !expression.trim().is_empty() && all_and.all(|factor| factor.split(" OR ").any(allowed))
    }
}

/// Dependencies of our own packages on any version at all.
fn wildcards(name: &str, package: &Json) -> Vec<String> {
    let dependencies = package.get("dependencies").and_then(Json::as_array);
    dependencies
        .into_iter()
        .flatten()
        .filter(|dependency| {
            dependency.get("path").is_none()
                && dependency.get("req").and_then(Json::as_str) == Some("*")
        })
        .filter_map(|dependency| dependency.get("name").and_then(Json::as_str))
        .map(|dependency| format!("{name}: takes any version of `{dependency}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Rules;

    #[test]
    fn licence_expressions_are_understood() {
        let rules = Rules::read("[licenses]\nallow = ['MIT', 'Unicode-3.0']").unwrap();
        for good in ["MIT", "MIT OR Apache-2.0", "MIT/Apache-2.0", "(MIT OR X) AND Unicode-3.0"] {
            assert!(rules.allows(good), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0"] {
            assert!(!rules.allows(bad), "{bad}");
        }
    }
}
