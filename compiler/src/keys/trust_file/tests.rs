//! Files of trust with mistakes, each told in a text.

use codex_schema::types::policy::Date;
use codex_trust::keys::{MemoryKey, Signer};

use crate::files::MemoryFiles;
use crate::repository::{Repository, read};

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

const POLICY: &str = "organisation.name = 'Example'
[teams.payments]
include = ['teams/idle']
[cohorts.pay]
team = 'payments'
[cohorts.rest]
default = true
";

const NAMES: [&str; 8] = ["ana", "ben", "cyd", "dan", "eve", "snap", "time", "pay-ci"];

fn key(seed: u8) -> String {
    MemoryKey::from_seed(&[seed; 32]).unwrap().public().to_string()
}

/// A file without a mistake.
fn good() -> String {
    let mut text = "[keys]\n".to_owned();
    for (name, seed) in NAMES.iter().zip(1..) {
        text.push_str(&format!("{name} = \"{}\"\n", key(seed)));
    }
    text.push_str(
        "[roles.root]
keys = ['ana', 'ben', 'cyd']
threshold = 2
[roles.targets]
keys = ['ana', 'ben', 'cyd']
threshold = 2
expires_days = 60
[roles.organisation]
keys = ['dan']
threshold = 1
[roles.loosen]
keys = ['eve']
threshold = 1
[roles.snapshot]
keys = ['snap']
threshold = 1
[roles.timestamp]
keys = ['time']
threshold = 1
[teams.payments]
keys = ['pay-ci', 'dan']
threshold = 1
",
    );
    text
}

fn repository(trust: &str, policy: &str) -> Repository {
    let mut memory = MemoryFiles::default();
    memory.put("/p/policy.toml", policy);
    memory.put("/p/trust.toml", trust);
    memory.put("/p/baseline/requirements.toml", "allow_appshots = false\n");
    memory.put("/p/teams/payments/requirements.toml", "allow_appshots = false\n");
    memory.put("/p/teams/idle/requirements.toml", "allow_appshots = false\n");
    read(&memory, "/p", TODAY)
}

fn told(repository: &Repository) -> Vec<String> {
    let line = |one: &codex_schema::diagnostic::Diagnostic| {
        let place = repository.documents.place(one.primary.span);
        format!("{place} {} {}", one.code, one.message)
    };
    repository.diagnostics.iter().map(line).collect()
}

#[test]
fn a_good_file_says_who_signs() {
    let repository = repository(&good(), POLICY);
    assert_eq!(told(&repository), [""; 0]);
    let trust = repository.trust.unwrap();
    assert_eq!((trust.root().keys().len(), trust.root().threshold()), (3, 2));
    assert_eq!(trust.root().expires_days(), 365);
    assert_eq!(trust.targets().expires_days(), 60);
    assert_eq!(trust.organisation().expires_days(), 90);
    assert_eq!(trust.snapshot().expires_days(), 7);
    assert_eq!(trust.timestamp().expires_days(), 2);
    assert_eq!(trust.teams()["payments"].expires_days(), 90);
    assert_eq!(trust.loosen().keys(), [key(5).parse().unwrap()]);
    assert_eq!(trust.name_of(&key(7).parse().unwrap()), Some("time"));
    assert_eq!(trust.signers("teams/payments").unwrap().keys().len(), 2);
    assert_eq!(trust.signers("teams/idle"), None);
}

/// What is changed, and the one thing that is said then. `None` where there still is a file to
/// sign by.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "keys = ['ana', 'ben', 'cyd']",
        "keys = ['ana', 'bem', 'cyd']",
        "trust.toml:11:16 CX0901 there is no key `bem`",
    ),
    (
        "threshold = 2\n[roles.t",
        "threshold = 0\n[roles.t",
        "trust.toml:12:13 CX0902 with a threshold of 0 nobody has to sign for `root`",
    ),
    ("threshold = 2\n[roles.t", "threshold = -1\n[roles.t", "trust.toml:12:13 CX0203 "),
    (
        "threshold = 2\n[roles.t",
        "threshold = 4\n[roles.t",
        "trust.toml:12:13 CX0902 `root` has 3 keys, and 4 must sign",
    ),
    ("keys = ['snap']", "keys = []", "trust.toml:25:13 CX0902 `snapshot` has no keys"),
    (
        "keys = ['ana', 'ben', 'cyd']",
        "keys = ['ana', 'ana', 'cyd']",
        "trust.toml:11:16 CX0903 `ana` is in `root` twice",
    ),
    (
        "keys = ['snap']",
        "keys = ['ben']",
        "trust.toml:24:9 CX0904 `ben` signs for `snapshot` on the server, and holds `root`, `targets` too",
    ),
    (
        "keys = ['time']",
        "keys = ['eve']",
        "trust.toml:27:9 CX0904 `eve` signs for `timestamp` on the server, and holds `loosen` too",
    ),
    (
        "keys = ['time']",
        "keys = ['pay-ci']",
        "trust.toml:27:9 CX0904 `pay-ci` signs for `timestamp` on the server, and holds `teams/payments`",
    ),
    (
        "keys = ['eve']",
        "keys = ['pay-ci']",
        "trust.toml:21:9 CX0905 `pay-ci` approves what loosens policy, and signs policy of `teams/payments`",
    ),
    (
        "[roles.loosen]\nkeys = ['eve']\nthreshold = 1\n",
        "",
        "trust.toml:10:2 CX0906 nobody holds the role `loosen`",
    ),
    (
        "[teams.payments]",
        "[teams.idle]",
        "policy.toml:5:8 CX0907 nobody signs the policy of the team `payments`",
    ),
    (
        "[teams.payments]",
        "[teams.idel]\nkeys = ['dan']\nthreshold = 1\n[teams.payments]",
        "trust.toml:29:8 CX0702 there is no team `idel`",
    ),
    (
        "threshold = 2\n[roles.t",
        "threshold = 1\n[roles.t",
        "trust.toml:12:13 CX0908 one key alone can sign for `root`",
    ),
    (
        "threshold = 2\nexpires",
        "threshold = 1\nexpires",
        "trust.toml:15:13 CX0908 one key alone can sign for `targets`",
    ),
    ("expires_days = 60", "expires_days = 0", "trust.toml:16:16 CX0203 "),
    (
        "expires_days = 60",
        "expire_days = 60",
        "trust.toml:16:1 CX0101 unknown key `roles.targets.expire_days`",
    ),
    ("keys = ['snap']\n", "", "trust.toml:23:1 CX0202 `roles.snapshot`: missing field `keys`"),
    ("time = \"ed25519:", "time = \"rsa:", "trust.toml:8:8 CX0203 "),
    (
        "[roles.loosen]",
        "[roles.loosen]\nexpires_days = 9",
        "trust.toml:21:1 CX0101 unknown key `roles.loosen.expires_days`",
    ),
];

#[test]
fn every_mistake_gives_its_one_diagnostic() {
    let mut wrong = Vec::new();
    for (before, after, expected) in MISTAKES {
        let text = good().replacen(before, after, 1);
        assert_ne!(text, good(), "{before}");
        let repository = repository(&text, POLICY);
        let found = told(&repository);
        let only = matches!(found.as_slice(), [one] if one.starts_with(expected));
        let usable = expected.contains("CX0908");
        if !only || repository.trust.is_some() != usable {
            wrong.push(format!("{expected}\n  {found:#?} {:?}", repository.trust.is_some()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_key_under_two_names_is_one_key() {
    let text = good().replacen(&key(2), &key(1), 1);
    let repository = repository(&text, POLICY);
    assert_eq!(told(&repository), ["trust.toml:3:1 CX0903 `ben` is the same key as `ana`"]);
    assert!(repository.trust.is_none());
    // Nor does another name hide that one key holds two roles.
    let text = good().replacen(&key(6), &key(5), 1);
    let found = told(&super::tests::repository(&text, POLICY));
    let expected = [
        "trust.toml:7:1 CX0903 `snap` is the same key as `eve`",
        "trust.toml:24:9 CX0904 `snap` signs for `snapshot` on the server, and holds `loosen` too",
    ];
    assert_eq!(found, expected);
}

#[test]
fn many_mistakes_are_told_at_once_and_with_what_was_meant() {
    let text = good()
        .replace("threshold = 2", "threshold = 7")
        .replace("'snap'", "'snpa'")
        .replace("[roles.timestamp]", "[roles.timestmap]");
    let repository = repository(&text, POLICY);
    let found = told(&repository).join("\n");
    let parts = ["`root` has 3", "`targets` has 3", "no key `snpa`", "`roles.timestmap`"];
    for part in parts {
        assert!(found.contains(part), "{part}: {found}");
    }
    assert_eq!(repository.diagnostics.len(), parts.len(), "{found}");
    let meant: Vec<&str> =
        repository.diagnostics.iter().filter_map(|one| one.suggestion.as_deref()).collect();
    assert_eq!(meant, ["timestamp", "snap"], "{found}");
    for nothing in
        ["", "[keys]\n", "[roles]\n", "[roles.root\n", "keys = 1\nroles = []\nteams = 'a'\n"]
    {
        let repository = super::tests::repository(nothing, POLICY);
        assert!(repository.trust.is_none() && !repository.diagnostics.is_empty(), "{nothing}");
    }
}

#[test]
fn without_the_file_nothing_is_said() {
    let mut memory = MemoryFiles::default();
    memory.put("/p/policy.toml", POLICY);
    memory.put("/p/baseline/requirements.toml", "allow_appshots = false\n");
    memory.put("/p/teams/payments/requirements.toml", "allow_appshots = false\n");
    memory.put("/p/teams/idle/requirements.toml", "allow_appshots = false\n");
    let repository = read(&memory, "/p", TODAY);
    assert_eq!(told(&repository), [""; 0]);
    assert!(repository.trust.is_none());
}
