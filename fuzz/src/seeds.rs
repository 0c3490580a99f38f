//! Where fuzzing starts: documents that are fine, of every kind.

use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree};

use crate::targets::PART;

const PLIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>requirements_toml_base64</key><string>YSA9IDEK</string>
<key>config_toml_base64</key><data>YSA9IDEK</data></dict></plist>"#;

const PROFILE: &str = r#"<plist version="1.0"><dict><key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.openai.codex</string>
<key>requirements_toml_base64</key><string>YSA9IDEK</string></dict><dict>
<key>PayloadType</key><string>com.apple.ManagedClient.preferences</string>
<key>PayloadContent</key><dict><key>com.openai.codex</key><dict><key>Forced</key><array><dict>
<key>mcx_preference_settings</key><dict><key>config_toml_base64</key><string>YSA9IDEK</string>
</dict></dict></array></dict></dict></dict></array></dict></plist>"#;

/// A binary property list with one key: offsets of one byte, two objects and a dictionary.
const BINARY: &[u8] = b"bplist00\xd1\x01\x02_\x10\x12config_toml_base64XYSA9IDEK\x08\x0b\x20\0\0\0\0\0\0\x01\x01\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x29";

const BUNDLE: &str = r#"{"config_toml":{"enterprise_managed":[{"id":"c","name":"C","contents":"model = 'm'\n"}]},
"requirements_toml":{"enterprise_managed":[{"id":"r","name":"R","contents":"enforce_residency = 'us'\n"}]}}"#;

const CACHE: &str = r#"{"signed_payload":{"cached_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T01:00:00Z",
"bundle":{"requirements_toml":{"enterprise_managed":[{"id":"r","name":"R","contents":"a = 1"}]}}},"signature":"AA=="}"#;

const RULES: &str = r#"# a rule
def words(name):
    return [name, ["push", "pull"]]

prefix_rule(
    pattern = words("git"),
    decision = "prompt",
    justification = "ask %s" % "first",
    match = [["git", "push"]],
    not_match = ["git status"],
)
host_executable(name = "git", paths = ["/usr/bin/git"])
[prefix_rule(pattern = [c], decision = "forbidden") for c in ["rm", "dd"] if c != "ls"]
"#;

const ARGUMENTS: &str = "-c\nmodel=\"m\"\n--enable\napps\n-s\nread-only\n-a\nnever\n-p\nwork\n\
                         --cd=/srv\n-cfeatures.x=true\n--full-auto";

const SCRIPTS: &[&str] = &[
    "git push --force && ls | wc -l",
    "env A=1 timeout 5 git 'pu'sh \"a $b\" > out 2>&1",
    "if true; then rm -rf \"$(ls)\"; fi # why",
    "bash -lc 'trap \"rm -f a\" EXIT' <<E\n$(a)\nE",
    "for i in {1..3}; do ((i++)); [[ -f $i ]] || (exit 1) & done",
    "case a in b) f() { a; };; esac",
];

fn scripts() -> Vec<String> {
    let requirements = "[rules]\nprefix_rules = [{pattern = [{token = 'git'}, {any_of = ['push', \
                        'pull']}], decision = 'forbidden'}]";
    let part = char::from(PART);
    SCRIPTS.iter().map(|script| format!("{script}{part}{requirements}{part}{RULES}")).collect()
}

/// The seeds of a target, by its name.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let texts: Vec<String> = match target {
        "toml" => documents(),
        "preferences" => {
            return vec![PLIST.into(), PROFILE.into(), BINARY.to_vec()];
        }
        "bundle" => vec![BUNDLE.into(), "[]".into(), "{}".into()],
        "cache" => vec![CACHE.into()],
        "rules" => vec![RULES.into()],
        "scripts" => scripts(),
        "arguments" => vec![ARGUMENTS.into()],
        "tree" => trees(),
        _ => return machines(),
    };
    texts.into_iter().map(String::into_bytes).collect()
}

const MANIFEST: &str = "organisation.name = 'E'\ncodex.versions = ['0.138.0', '0.169.0']\n\
    [delegation]\n'teams/*' = ['features.*']\n[teams.pay]\ninclude = []\n\
    [cohorts.pay]\nteam = 'pay'\nhosts = ['p-*']\n[cohorts.rest]\ndefault = true\n";

const EXCEPTION: &str = "target = 'teams/pay'\nowner = 'k'\nreason = 'r'\nexpires = 2027-01-31\n\
    [requirements]\nallowed_approval_policies = ['never']\n\
    [[lift]]\nkey = 'permissions.filesystem.deny_read'\nvalue = '/a'\n";

/// Policy repositories whose requirements come from the table.
fn trees() -> Vec<String> {
    let part = char::from(PART).to_string();
    let requirements = of_tree(&REQUIREMENTS);
    let teams = requirements.iter().skip(1).chain(&requirements);
    let one = |(baseline, team): (&String, &String)| {
        [MANIFEST, baseline, team, EXCEPTION, RULES].join(&part)
    };
    requirements.iter().zip(teams).map(one).collect()
}

/// One document per family of keys, from the examples of the key table.
fn documents() -> Vec<String> {
    [&*REQUIREMENTS, &*CONFIG].into_iter().flat_map(of_tree).collect()
}

fn of_tree(tree: &Tree) -> Vec<String> {
    let line = |key: &&codex_schema::key::Key| {
        format!("{} = {}\n", key.path.replace('*', "one"), key.example)
    };
    tree.keys().chunks(6).map(|keys| keys.iter().map(line).collect()).collect()
}

/// Machines of every version whose files come from the table.
fn machines() -> Vec<Vec<u8>> {
    let (requirements, config) = (of_tree(&REQUIREMENTS), of_tree(&CONFIG));
    let user = "approval_policy = 'never'\nsandbox_mode = 'danger-full-access'\n\
                projects.'/work/project'.trust_level = 'trusted'\n";
    let pairs = requirements.iter().zip(config.iter().cycle());
    pairs
        .enumerate()
        .map(|(at, (requirements, config))| {
            let version = (at % 5).to_string();
            let parts: [&str; 8] =
                [&version, requirements, user, config, config, config, BUNDLE, ARGUMENTS];
            parts.map(str::as_bytes).join(&PART)
        })
        .collect()
}
