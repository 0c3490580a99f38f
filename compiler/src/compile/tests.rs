//! Compilation in memory and in a folder.

use std::fs;
use std::sync::Mutex;

use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;

use super::history::NoHistory;
use super::output::{Folder, INDEX_FILE, WriteError};
use super::*;
use crate::check::{Scope, Surroundings, check_repository};
use crate::files::{MemoryFiles, RealFiles};
use crate::repository::read;

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

/// A repository of one cohort whose baseline is the text.
fn files(baseline: &str) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    files.put("/p/policy.toml", "organisation.name = 'A\\nB'\n[cohorts.all]\ndefault = true\n");
    files.put("/p/baseline/requirements.toml", baseline);
    files
}

fn compiled(files: &MemoryFiles, surroundings: &Surroundings) -> (CompiledCohort, Vec<String>) {
    let repository = read(files, "/p", TODAY);
    let scope = Scope { today: TODAY, wanted: &|_| true, surroundings };
    let compiler = Compiler::new(&NoHistory);
    let found = Mutex::new(None);
    let tree = check_repository(repository, &scope, &|repository, cohort, policy| {
        *found.lock().unwrap() = Some(compiler.cohort(repository, cohort, policy));
    });
    let told = tree
        .report
        .diagnostics
        .iter()
        .map(|one| {
            let others: Vec<String> =
                one.labels.iter().map(|label| tree.report.documents.place(label.span)).collect();
            let place = tree.report.documents.place(one.primary.span);
            format!("{place} {} {} <- {}", one.code, one.message, others.join(" "))
        })
        .collect();
    (found.into_inner().unwrap().unwrap(), told)
}

#[test]
fn one_policy_has_one_text_and_one_digest() {
    let texts = [
        "allow_appshots = false\nallowed_sandbox_modes = ['read-only']\n\
         [experimental_network]\nenabled = true\ndomains = { b = 'deny', 'a.b' = 'allow' }\n",
        "# a comment\nallowed_sandbox_modes = [ \"read-only\", ]\nallow_appshots = false\n\
         [network_proxy.domains]\n\"a.b\" = \"allow\"\nb = \"deny\"\n\
         [network_proxy]\nenabled = true\n",
    ];
    let [one, other] = texts.map(|text| compiled(&files(text), &Surroundings::default()).0);
    assert_eq!(one.digest, other.digest);
    assert_eq!(one.files[REQUIREMENTS_FILE], other.files[REQUIREMENTS_FILE]);
    assert_ne!(one.files[PROVENANCE_FILE], other.files[PROVENANCE_FILE]);
    let body = one.files[REQUIREMENTS_FILE].split("\n\n").skip(1).collect::<Vec<_>>().join("\n\n");
    assert_eq!(
        body,
        "allowed_sandbox_modes = [\"read-only\"]\nallow_appshots = false\n\n\
         [experimental_network]\nenabled = true\n\n\
         [experimental_network.domains]\n\"a.b\" = \"allow\"\nb = \"deny\"\n"
    );
}

#[test]
fn every_value_survives_its_text() {
    for text in [
        "a = \"x\\\"y\\\\z\\u0001\\u007Fé\\t\\u2028\"\n",
        "a = [1, -2, 1.5, 1e300, inf, true, 2024-01-02, 'x']\n",
        "a.'b c'.\"d.e\" = { x = [], y = {}, z = [{ p = [{ q = 1 }] }] }\n",
        "'' = 1\n",
        "a = {}\n[b]\n[b.c]\n[[d]]\nx = 1\n[[d]]\n",
        "rules.prefix_rules = [{ decision = 'prompt', pattern = [{ any_of = ['a', 'b'] }] }]\n",
    ] {
        let read = |text: &str| {
            let document = read_toml(text, SourceId(0));
            assert!(document.problems.is_empty(), "{text}: {:?}", document.problems);
            document.root
        };
        let table = read(text);
        let written = toml_text::document("# head\n\n", &table, &REQUIREMENTS);
        assert_eq!(read(&written), table, "{text}\n{written}");
        assert_eq!(toml_text::document("# head\n\n", &read(&written), &REQUIREMENTS), written);
    }
}

#[test]
fn what_makes_no_difference_is_left_out_and_told() {
    let baseline = "experimental_network.enabled = true\n\
                    experimental_network.domains = { '**.a.b' = 'deny', 'x.a.b' = 'deny' }\n";
    let (cohort, _) = compiled(&files(baseline), &Surroundings::default());
    assert!(!cohort.files[REQUIREMENTS_FILE].contains("x.a.b"));
    let provenance: serde_json::Value =
        serde_json::from_str(&cohort.files[PROVENANCE_FILE]).unwrap();
    assert_eq!(
        provenance["left_out"],
        serde_json::json!([{
            "key": "experimental_network.domains",
            "at": provenance["left_out"][0]["at"],
            "reason": "shadowed",
            "by": [[0, 2, 34, -1]],
        }])
    );
}

#[test]
fn what_exceptions_set_is_checked_like_policy() {
    let mut files = files("allow_appshots = false\n");
    files.put(
        "/p/exceptions/one.toml",
        "target = 'cohorts/all'\nowner = 'k'\nreason = 'r'\nexpires = 2027-01-31\n\
         [requirements]\nallow_appshot = true\nallow_appshots = 'yes'\n",
    );
    let (_, told) = compiled(&files, &Surroundings::default());
    let codes: Vec<&str> = told.iter().filter_map(|one| one.split(' ').nth(1)).collect();
    assert_eq!(codes, ["CX0101", "CX0102"], "{told:#?}");
}

#[test]
fn rules_that_allow_are_for_the_baseline_or_those_it_trusts() {
    let told = |delegation: &str| {
        let mut files = files("allow_appshots = false\n");
        let manifest = format!(
            "organisation.name = 'E'\n[cohorts.all]\nteam = 'pay'\ndefault = true\n{delegation}"
        );
        files.put("/p/policy.toml", manifest);
        let rules = "prefix_rule(pattern = ['rm'], decision = 'forbidden')\n\
                     prefix_rule(pattern = ['make'], decision = 'allow')\n";
        files.put("/p/baseline/rules/ours.rules", rules);
        files.put("/p/teams/pay/rules/theirs.rules", rules);
        let (_, told) = compiled(&files, &Surroundings::default());
        told.into_iter().filter(|one| one.contains("CX0701")).collect::<Vec<_>>()
    };
    assert_eq!(
        told(""),
        [
            "teams/pay/rules/theirs.rules:2:1 CX0701 `teams/pay` allows what no rule above it allows \
          <- "
        ]
    );
    assert_eq!(told("[delegation]\n'teams/*' = ['rules/*.rules']\n"), [""; 0]);
}

#[test]
fn controls_that_another_channel_switches_off_are_named() {
    let baseline = "allowed_sandbox_modes = ['read-only']\nallow_appshots = false\n\
                    experimental_network.enabled = true\n\
                    experimental_network.domains = { 'a.b' = 'deny' }\n";
    let export = r#"{"requirements_toml": {"enterprise_managed": [{"id": "f", "name": "Org",
        "contents": "allowed_sandbox_modes = ['read-only', 'workspace-write']\nallow_remote_control = false\n[experimental_network.domains]\n'a.b' = 'allow'\n"}]}}"#;
    let surroundings = Surroundings {
        cloud: Some(("export.json".to_owned(), export.as_bytes().to_vec())),
        mdm: None,
    };
    let (_, told) = compiled(&files(baseline), &surroundings);
    let lost: Vec<&String> = told.iter().filter(|one| one.contains("CX0710")).collect();
    assert_eq!(
        lost,
        [
            "baseline/requirements.toml:1:25 CX0710 cohort `all` loses `allowed_sandbox_modes`: \
             another channel turns `[\"read-only\"]` into `[\"read-only\",\"workspace-write\"]` <- \
             cloud fragment \"Org\" [f]:1:25",
            "baseline/requirements.toml:4:42 CX0710 cohort `all` loses \
             `experimental_network.domains.\"a.b\"`: another channel turns `deny` into `allow` <- \
             cloud fragment \"Org\" [f]:4:9",
        ]
    );
}

/// Compiles a repository on disk as the command does.
fn compile_to(top: &std::path::Path, out: &std::path::Path) -> Result<Vec<String>, WriteError> {
    let mut folder = Folder::open(out)?;
    let mut inputs_of = BTreeMap::new();
    let mut choose = |repository: &Repository, digests: &dyn Fn() -> Digests| {
        let digests = digests();
        for (name, cohort) in &repository.manifest.cohorts {
            let inputs = inputs(repository, cohort, TODAY, &digests, &State::default());
            if folder.holds(name, &inputs) {
                folder.keep(name);
            } else {
                inputs_of.insert(name.clone(), inputs);
            }
        }
        None
    };
    let name = top.display().to_string();
    let files = RealFiles::new(None);
    let repository = crate::repository::read_some(&files, &name, TODAY, &mut choose);
    let wanted = |cohort: &Cohort| inputs_of.contains_key(&cohort.name);
    let nothing_else = Surroundings::default();
    let scope = Scope { today: TODAY, wanted: &wanted, surroundings: &nothing_else };
    let compiler = Compiler::new(&NoHistory);
    let tree = check_repository(repository, &scope, &|repository, cohort, policy| {
        let compiled = compiler.cohort(repository, cohort, policy);
        folder.stage(&cohort.name, &compiled, inputs_of[&cohort.name].clone()).unwrap();
    });
    let committed = folder.commit(&tree.checked().unwrap(), &State::default())?;
    Ok(committed.written.into_iter().collect())
}

#[test]
fn only_what_changed_is_written_again() {
    let place = tempfile::tempdir().unwrap();
    let (top, out) = (place.path().join("policy"), place.path().join("out"));
    for team in ["a", "b"] {
        fs::create_dir_all(top.join("teams").join(team)).unwrap();
        fs::write(top.join("teams").join(team).join("README.md"), "").unwrap();
    }
    fs::create_dir_all(top.join("baseline")).unwrap();
    fs::write(top.join("baseline/requirements.toml"), "allow_appshots = false\n").unwrap();
    let manifest = "organisation.name = 'E'\n[cohorts.a]\nteam = 'a'\n[cohorts.b]\nteam = 'b'\n\
                    [cohorts.rest]\ndefault = true\n";
    fs::write(top.join("policy.toml"), manifest).unwrap();
    assert_eq!(compile_to(&top, &out).unwrap(), ["a", "b", "rest"]);
    assert_eq!(compile_to(&top, &out).unwrap(), [""; 0]);
    let rest = fs::read(out.join("rest/provenance.json")).unwrap();

    fs::write(top.join("teams/a/requirements.toml"), "allow_remote_control = false\n").unwrap();
    assert_eq!(compile_to(&top, &out).unwrap(), ["a"]);
    let text = fs::read_to_string(out.join("a/requirements.toml")).unwrap();
    assert!(text.contains("allow_remote_control = false"), "{text}");
    assert_eq!(fs::read(out.join("rest/provenance.json")).unwrap(), rest);

    // A file that somebody took away is made again, and a cohort that is gone goes.
    fs::remove_file(out.join("b/requirements.toml")).unwrap();
    assert_eq!(compile_to(&top, &out).unwrap(), ["b"]);
    fs::write(top.join("policy.toml"), manifest.replace("[cohorts.b]\nteam = 'b'\n", "")).unwrap();
    compile_to(&top, &out).unwrap();
    assert!(!out.join("b").exists() && out.join("a").exists());

    // The same repository elsewhere gives the same bytes.
    let other = place.path().join("other");
    compile_to(&top, &other).unwrap();
    for file in [INDEX_FILE, "a/requirements.toml", "a/provenance.json", "rest/provenance.json"] {
        assert_eq!(
            fs::read(out.join(file)).unwrap(),
            fs::read(other.join(file)).unwrap(),
            "{file}"
        );
    }
    let left: Vec<String> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("thesis.txt"), "x").unwrap();
    assert!(matches!(Folder::open(place.path()), Err(WriteError::NotOurs(_))));
    assert!(Folder::open(&place.path().join("new")).is_ok());
}

/// Many cohorts are shared out among threads: what comes of one must not depend on the others, nor
/// on which thread is faster.
#[test]
fn cohorts_together_are_what_they_are_alone() {
    let mut files = MemoryFiles::default();
    let mut manifest = "organisation.name = 'A'\n[cohorts.rest]\ndefault = true\n[delegation]\n\
         'teams/*' = ['experimental_network.domains']\n"
        .to_owned();
    let mut hosts = String::new();
    for number in 0..1000 {
        hosts.push_str(&format!("'*.svc{number}.corp.example.com' = 'allow'\n"));
    }
    let baseline =
        format!("[experimental_network]\nenabled = true\n[experimental_network.domains]\n{hosts}");
    files.put("/p/baseline/requirements.toml", baseline);
    for team in 0..12 {
        manifest.push_str(&format!("[teams.t{team}]\n[cohorts.c{team}]\nteam = 't{team}'\n"));
        let text = format!(
            "allow_appshots = 'wrong'\n[experimental_network.domains]\n\
             'a.svc{team}.corp.example.com' = 'deny'\n"
        );
        files.put(format!("/p/teams/t{team}/requirements.toml"), text);
    }
    files.put("/p/policy.toml", manifest);
    let of = |wanted: &(dyn Fn(&Cohort) -> bool + Sync)| {
        let surroundings = Surroundings::default();
        let scope = Scope { today: TODAY, wanted, surroundings: &surroundings };
        let compiler = Compiler::new(&NoHistory);
        let made = Mutex::new(BTreeMap::new());
        let tree = check_repository(read(&files, "/p", TODAY), &scope, &|all, cohort, policy| {
            let compiled = compiler.cohort(all, cohort, policy);
            made.lock().unwrap().insert(cohort.name.clone(), compiled);
        });
        (made.into_inner().unwrap(), tree.report.diagnostics)
    };
    let (together, found) = of(&|_| true);
    assert_eq!(together.len(), 13);
    assert!(found.len() >= 12, "{found:?}");
    for (name, compiled) in &together {
        assert_eq!(of(&|cohort| cohort.name == *name).0.get(name), Some(compiled), "{name}");
    }
    for _ in 0..4 {
        assert_eq!(of(&|_| true), (together.clone(), found.clone()));
    }
}
