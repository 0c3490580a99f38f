//! The authoring merge, told in texts.

use codex_schema::strictness::{Change, changes};

use super::*;
use crate::files::MemoryFiles;
use crate::repository::read;

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

/// A repository of one cohort `pay` of team `pay` in environment `prod`.
fn repository(files: &[(&str, &str)]) -> Repository {
    let mut memory = MemoryFiles::default();
    memory.put(
        "/p/policy.toml",
        "organisation.name = 'Example'\n\
         [cohorts.pay]\nteam = 'pay'\nenvironment = 'prod'\ndefault = true\n\
         [delegation]\n'teams/pay' = ['features.*', 'experimental_network.domains']\n",
    );
    for folder in ["baseline", "environments/prod", "teams/pay"] {
        memory.put(format!("/p/{folder}/README.md"), "");
    }
    for (path, text) in files {
        memory.put(format!("/p/{path}"), *text);
    }
    let repository = read(&memory, "/p", TODAY);
    assert!(repository.diagnostics.is_empty(), "{:#?}", repository.diagnostics);
    repository
}

fn merged(files: &[(&str, &str)]) -> (EffectivePolicy, Vec<String>) {
    let repository = repository(files);
    let cohort = &repository.manifest.cohorts["pay"];
    let policy = effective(&repository, cohort, TODAY, &mut Cache::default());
    let mut judge = Judge::default();
    judge.add(&policy);
    let told = judge
        .finish(&repository)
        .iter()
        .map(|one| {
            let others: Vec<String> =
                one.labels.iter().map(|label| repository.documents.place(label.span)).collect();
            let place = repository.documents.place(one.primary.span);
            format!("{place} {} {} <- {}", one.code, one.message, others.join(" "))
        })
        .collect();
    (policy, told)
}

fn value(policy: &EffectivePolicy, path: &[&str]) -> String {
    policy
        .requirements
        .at(path)
        .map_or("unset".to_owned(), |node| serde_json::to_string(&node.value).unwrap())
}

#[test]
fn sets_intersect_and_denials_unite() {
    let (policy, told) = merged(&[
        (
            "baseline/requirements.toml",
            "allowed_sandbox_modes = ['read-only', 'workspace-write']\n\
             [permissions.filesystem]\ndeny_read = ['/a']\n",
        ),
        ("environments/prod/requirements.toml", "allowed_sandbox_modes = ['read-only']\n"),
        ("teams/pay/requirements.toml", "[permissions.filesystem]\ndeny_read = ['/b', '/a']\n"),
    ]);
    assert_eq!(value(&policy, &["allowed_sandbox_modes"]), r#"["read-only"]"#);
    assert_eq!(value(&policy, &["permissions", "filesystem", "deny_read"]), r#"["/a","/b"]"#);
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn loosening_is_refused_and_names_both_places() {
    let (policy, told) = merged(&[
        (
            "baseline/requirements.toml",
            "allowed_sandbox_modes = ['read-only']\nallow_appshots = false\n",
        ),
        (
            "teams/pay/requirements.toml",
            "allow_appshots = true\nallowed_sandbox_modes = ['read-only', 'workspace-write']\n",
        ),
    ]);
    assert_eq!(value(&policy, &["allowed_sandbox_modes"]), r#"["read-only"]"#);
    assert_eq!(value(&policy, &["allow_appshots"]), "false");
    assert_eq!(
        told,
        [
            "teams/pay/requirements.toml:1:18 CX0701 `teams/pay` loosens `allow_appshots` with \
             `true` <- baseline/requirements.toml:2:18",
            "teams/pay/requirements.toml:2:25 CX0701 `teams/pay` loosens `allowed_sandbox_modes` \
             with `workspace-write` <- baseline/requirements.toml:1:25",
        ]
    );
}

#[test]
fn a_permission_where_nobody_spoke_is_loosening_too() {
    let (policy, told) = merged(&[
        ("baseline/requirements.toml", "mcp_servers = { a = { identity = { command = 'a' } } }\n"),
        (
            "teams/pay/requirements.toml",
            "[experimental_network]\nallow_local_binding = true\n\
             [mcp_servers.b.identity]\ncommand = 'b'\n",
        ),
    ]);
    assert_eq!(value(&policy, &["mcp_servers", "b", "identity"]), "unset");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn an_empty_list_of_what_is_allowed_closes_the_one_above() {
    let (policy, told) = merged(&[
        ("baseline/requirements.toml", "mcp_servers = { a = { identity = { command = 'a' } } }\n"),
        ("teams/pay/requirements.toml", "mcp_servers = {}\n"),
    ]);
    assert_eq!(value(&policy, &["mcp_servers"]), "{}");
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn modes_of_single_hosts_follow_the_list() {
    let remote = "[[remote_sandbox_config]]\nhostname_patterns = ['ci-*']\n\
                  allowed_sandbox_modes = ['read-only', 'workspace-write']\n";
    let modes = |policy: &EffectivePolicy| {
        let list = policy.requirements.get("remote_sandbox_config").unwrap();
        let entry = &list.value.as_array().unwrap()[0];
        serde_json::to_string(&entry.at(&["allowed_sandbox_modes"]).unwrap().value).unwrap()
    };
    // Narrowed from below: the entry is narrowed with the list.
    let baseline = format!("allowed_sandbox_modes = ['read-only', 'workspace-write']\n{remote}");
    let (policy, told) = merged(&[
        ("baseline/requirements.toml", &baseline),
        ("teams/pay/requirements.toml", "allowed_sandbox_modes = ['read-only']\n"),
    ]);
    assert_eq!((modes(&policy).as_str(), told.len()), ("[\"read-only\"]", 0));
    // Said below: it may not allow what the list above does not.
    let (policy, told) = merged(&[
        ("baseline/requirements.toml", "allowed_sandbox_modes = ['read-only']\n"),
        ("teams/pay/requirements.toml", remote),
    ]);
    assert_eq!(modes(&policy), "[\"read-only\"]");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("CX0701 `teams/pay` loosens `remote_sandbox_config`"), "{told:?}");
}

#[test]
fn delegation_lets_a_team_loosen_what_it_names() {
    let (policy, told) = merged(&[
        (
            "baseline/requirements.toml",
            "features.memories = false\nallow_appshots = false\n\
             experimental_network.domains = { 'a.example' = 'deny' }\n",
        ),
        (
            "teams/pay/requirements.toml",
            "features.memories = true\n\
             experimental_network.domains = { 'a.example' = 'allow', 'b.example' = 'allow' }\n",
        ),
    ]);
    assert_eq!(value(&policy, &["features", "memories"]), "true");
    assert_eq!(
        value(&policy, &["experimental_network", "domains"]),
        r#"{"a.example":"allow","b.example":"allow"}"#
    );
    assert!(told.is_empty(), "{told:?}");
    let loosened = |event: &&Event| matches!(event.outcome, Outcome::Loosens(_));
    assert_eq!(policy.events.iter().filter(loosened).count(), 3);
}

#[test]
fn exceptions_loosen_until_they_expire() {
    let baseline = (
        "baseline/requirements.toml",
        "allowed_approval_policies = ['on-request']\n\
         permissions.filesystem.deny_read = ['/a', '/b']\n",
    );
    let exception = |expires: &str| {
        format!(
            "target = 'teams/pay'\nowner = 'kim'\nreason = 'migration'\nexpires = {expires}\n\
             [requirements]\nallowed_approval_policies = ['on-request', 'never']\n\
             [[lift]]\nkey = 'permissions.filesystem.deny_read'\nvalue = '/b'\n"
        )
    };
    let today = exception("2026-11-25");
    let (policy, told) = merged(&[baseline, ("exceptions/EX-1.toml", &today)]);
    assert_eq!(value(&policy, &["allowed_approval_policies"]), r#"["on-request","never"]"#);
    assert_eq!(value(&policy, &["permissions", "filesystem", "deny_read"]), r#"["/a"]"#);
    assert!(told.is_empty(), "{told:?}");

    let mut memory = MemoryFiles::default();
    memory
        .put("/p/policy.toml", "organisation.name='E'\n[cohorts.pay]\nteam='pay'\ndefault=true\n");
    memory.put("/p/teams/pay/README.md", "");
    memory.put("/p/baseline/requirements.toml", baseline.1);
    memory.put("/p/exceptions/EX-1.toml", exception("2026-11-24"));
    let repository = read(&memory, "/p", TODAY);
    let codes: Vec<String> =
        repository.diagnostics.iter().map(|one| one.code.to_string()).collect();
    assert_eq!(codes, ["CX0505"]);
    let policy =
        effective(&repository, &repository.manifest.cohorts["pay"], TODAY, &mut Cache::default());
    assert_eq!(value(&policy, &["allowed_approval_policies"]), r#"["on-request"]"#);
}

#[test]
fn unset_empty_and_value_stay_apart() {
    let (policy, told) = merged(&[(
        "baseline/requirements.toml",
        "allowed_web_search_modes = []\nmcp_servers = {}\n",
    )]);
    assert_eq!(value(&policy, &["allowed_web_search_modes"]), "[]");
    assert_eq!(value(&policy, &["mcp_servers"]), "{}");
    assert_eq!(value(&policy, &["allowed_sandbox_modes"]), "unset");
    assert!(told.is_empty(), "{told:?}");
}

/// Small documents that often meet: a few keys, a few values each.
fn random_document(dice: &mut u64) -> String {
    let mut roll = |limit: u64| {
        *dice =
            dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*dice >> 33) % limit
    };
    let mut text = String::new();
    let choices: [(&str, &[&str]); 9] = [
        (
            "allowed_sandbox_modes",
            &[
                "['read-only']",
                "['read-only', 'workspace-write']",
                "['workspace-write', 'read-only']",
                "['read-only', 'danger-full-access']",
            ],
        ),
        ("allow_appshots", &["true", "false"]),
        ("allowed_web_search_modes", &["[]", "['cached']", "['live', 'cached']"]),
        ("features.memories", &["true", "false"]),
        ("model_provider", &["'a'", "'b'"]),
        ("permissions.filesystem.deny_read", &["[]", "['/a']", "['/b', '/a']"]),
        ("experimental_network.allow_local_binding", &["true", "false"]),
        (
            "experimental_network.domains",
            &["{}", "{'a.b' = 'allow'}", "{'a.b' = 'deny', c = 'allow'}"],
        ),
        ("allowed_permission_profiles", &["{x = true}", "{x = false, y = true}", "{}"]),
    ];
    for (key, values) in choices {
        if roll(2) == 0 {
            let at = usize::try_from(roll(values.len() as u64)).unwrap();
            text.push_str(&format!("{key} = {}\n", values[at]));
        }
    }
    text
}

/// Merging without permits: idempotent, and every layer only tightens.
#[test]
fn the_merge_is_idempotent_and_monotone() {
    let parse = |text: &str| {
        let read = codex_schema::reader::read_toml(text, SourceId(0));
        assert!(read.problems.is_empty(), "{text}");
        read.root
    };
    let fold = |above: &mut Table, layer: &Table| {
        let permits = fold::Permits::Delegated(Vec::new());
        let voice = Voice::Layer(LayerName::Baseline);
        let mut events = Vec::new();
        let mut place = fold::Place::new(&voice, &permits, &mut events);
        fold::requirements(above, layer, REQUIREMENTS.root(), &mut place);
        events.iter().any(|event| event.outcome == Outcome::Refused)
    };
    let mut dice = 7;
    for case in 0..10_000 {
        let texts = [random_document(&mut dice), random_document(&mut dice)];
        let [high, low] = [parse(&texts[0]), parse(&texts[1])];
        let mut once = Table::default();
        fold(&mut once, &high);
        let above = once.clone();
        let refused = fold(&mut once, &low);
        for change in changes(&above, &once, &REQUIREMENTS) {
            assert!(change.change.is_tighter_or_equal(), "case {case}: {change:?}\n{texts:?}");
        }
        let mut twice = once.clone();
        fold(&mut twice, &low);
        assert_eq!(once, twice, "case {case}: {texts:?}");
        // What was not refused counts: the result is at least as strict as the lower layer.
        if !refused {
            let mut alone = Table::default();
            fold(&mut alone, &low);
            let weaker = changes(&alone, &once, &REQUIREMENTS).into_iter().find(|one| {
                // Lists of what is allowed that are tables merge entry by entry.
                let entry = matches!(one.key.unset, codex_schema::key::Unset::Listed(_));
                one.change == Change::Looser && !entry
            });
            assert!(weaker.is_none(), "case {case}: {weaker:?}\n{texts:?}");
        }
    }
}
