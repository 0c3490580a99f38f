//! Whole comparisons and plans in memory: text in, text out.

use codex_schema::types::policy::Date;

use super::diff::{CohortChange, diff};
use super::fleet::{Endpoint, read_inventory};
use super::hash::PlanHash;
use super::planned::{Checks, Plan, Terms, plan};
use super::policy::Direction;
use super::source::Policies;
use crate::compile::history::NoHistory;
use crate::files::MemoryFiles;

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

/// A repository of these files.
fn policies(files: &[(&str, &str)]) -> Policies {
    let mut memory = MemoryFiles::default();
    let manifest = "organisation.name = 'Example'\ncodex.versions = ['0.157.1']\n\
                    [cohorts.all]\ndefault = true\n";
    memory.put("/p/policy.toml", manifest);
    for (path, text) in files {
        memory.put(format!("/p/{path}"), *text);
    }
    let policies = Policies::read(&memory, "/p", TODAY);
    assert_eq!(policies.unread(), [""; 0], "{files:?}");
    policies
}

fn of(requirements: &str) -> Policies {
    policies(&[("baseline/requirements.toml", requirements)])
}

/// A line for every change, with its examples.
fn told(cohorts: &[CohortChange]) -> Vec<String> {
    let mut lines = Vec::new();
    for cohort in cohorts {
        for entry in &cohort.policy.changes {
            let place = entry.place_after.as_ref().or(entry.place_before.as_ref());
            let place = place.map_or(String::new(), |place| format!(" {place}"));
            let note = entry.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
            lines.push(format!("{} {}{place}{note}", entry.key, entry.direction.word()));
            lines.extend(
                entry
                    .witnesses
                    .iter()
                    .map(|one| format!("  {}: {} / {}", one.of.join(" "), one.before, one.after)),
            );
        }
    }
    lines
}

fn between(from: &str, to: &str) -> Vec<String> {
    told(&diff(&mut of(from), &mut of(to), None))
}

#[test]
fn every_key_has_its_direction_and_its_place() {
    let from = "allowed_sandbox_modes = ['read-only', 'workspace-write']\nallow_appshots = false\n\
                allowed_approval_policies = ['on-request', 'never']\n";
    let to = "allowed_sandbox_modes = ['read-only']\n\
              allowed_approval_policies = ['never', 'on-request']\nallow_remote_control = false\n";
    assert_eq!(
        between(from, to),
        [
            "allow_appshots looser baseline/requirements.toml:2:18",
            "allow_remote_control tighter baseline/requirements.toml:3:24",
            "allowed_sandbox_modes tighter baseline/requirements.toml:1:25",
            "allowed_approval_policies neutral baseline/requirements.toml:2:29 (the same values in \
             another order: the first is what Codex falls back to)",
        ]
    );
    assert_eq!(between(to, to), [""; 0]);
}

#[test]
fn decisions_decide_where_single_keys_would_not() {
    let rule = |words: &str, decision: &str| {
        format!(
            "[[rules.prefix_rules]]\npattern = [{{ token = \"{words}\" }}]\ndecision = \"{decision}\"\n"
        )
    };
    let (one, two) = (rule("rm", "prompt"), rule("dd", "forbidden"));
    assert_eq!(
        between(&format!("{one}{two}"), &format!("# why\n{two}{one}{one}")),
        ["rules.prefix_rules neutral baseline/requirements.toml:2:1 (textual change only, same \
          decisions for all commands (proved))"]
    );
    let network = |more: &str| format!("[experimental_network]\nenabled = true\n{more}");
    // An allowance beneath a denial allows nothing, though the list of what is allowed grows.
    assert_eq!(
        between(
            &network("denied_domains = ['**.x']\n"),
            &network("denied_domains = ['**.x']\nallowed_domains = ['a.x']\n"),
        ),
        ["experimental_network neutral baseline/requirements.toml:1:1 (textual change only, same \
             decisions for all hosts (proved))"]
    );
    assert_eq!(
        between(
            &network("denied_domains = ['x']\n"),
            "[experimental_network]\ndenied_domains = ['x']\n"
        ),
        [
            "experimental_network looser baseline/requirements.toml:1:1 (the managed network is no \
             longer enabled)",
            "  other.example: was asked about / is beyond the policy: no managed network",
        ]
    );
    // The same network in its newest place.
    assert_eq!(
        between(
            &network("denied_domains = ['x']\n"),
            "[permissions.network]\nenabled = true\ndenied_domains = ['x']\n",
        ),
        [""; 0]
    );
}

#[test]
fn managed_defaults_are_no_controls() {
    let config = |text: &str| policies(&[("baseline/config.toml", text)]);
    let mut from = config("approval_policy = 'never'\n");
    let mut to = config("approval_policy = 'on-request'\nnotify = ['a']\n");
    assert_eq!(
        told(&diff(&mut from, &mut to, None)),
        [
            "approval_policy neutral baseline/config.toml:1:19 (a managed default: no control)",
            "notify neutral baseline/config.toml:2:10 (a managed default: no control)",
        ]
    );
}

#[test]
fn rules_that_cannot_be_read_are_not_compared() {
    let rules = |text: &str| policies(&[("baseline/rules/a.rules", text)]);
    let mut good = rules("prefix_rule(['rm'], decision='forbidden')\n");
    let mut bad = rules("prefix_rule(['rm'], decision='forbiden')\n");
    assert_eq!(
        told(&diff(&mut good, &mut bad, None)).first().map(String::as_str),
        Some(
            "rules.prefix_rules incomparable (cannot be compared: baseline/rules/a.rules cannot be \
             read)"
        )
    );
    assert_eq!(
        told(&diff(&mut bad, &mut rules("prefix_rule(['rm'], decision='forbiden')\n"), None)),
        [""; 0]
    );
}

#[test]
fn secrets_are_never_told() {
    let header = |token: &str| {
        format!(
            "[experimental_network]\nheader_injections = [{{ host = 'a.b', methods = ['GET'], \
             path_prefixes = ['/'], headers = {{ x = '{token}' }} }}]\n"
        )
    };
    let changes = diff(&mut of(&header("hunter2hunter2")), &mut of(&header("correct-horse")), None);
    let text = serde_json::to_string(&changes).unwrap();
    assert!(text.contains("redacted") && text.contains("header_injections"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("horse"), "{text}");
}

const TEAMS: &str = "organisation.name = 'Example'\ncodex.versions = ['0.110.0']\n\
                     [cohorts.all]\ndefault = true\n[cohorts.pay]\nteam = 'pay'\n\
                     [cohorts.web]\nteam = 'web'\n[cohorts.ops]\nteam = 'ops'\n";
const OPEN: (&str, &str) = ("teams/pay/README.md", "");
const WEB: (&str, &str) = ("teams/web/README.md", "");
const OPS: (&str, &str) = ("teams/ops/README.md", "");

fn planned(
    from: &[(&str, &str)],
    to: &[(&str, &str)],
    inventory: Option<&[Endpoint]>,
    approved: Option<&PlanHash>,
) -> Plan {
    let terms = Terms {
        base: "base",
        base_commit: None,
        inventory,
        history: &NoHistory,
        recent: None,
        percent: 25,
        approved,
        checks: Checks::default(),
    };
    let folders = [OPEN, WEB, OPS];
    let with = |files: &[(&'static str, &'static str)]| policies(&[&folders, files].concat());
    let owned = |files: &[(&str, &str)]| -> Vec<(&'static str, &'static str)> {
        files
            .iter()
            .map(|(path, text)| (&*path.to_string().leak(), &*text.to_string().leak()))
            .collect()
    };
    plan(&mut with(&owned(from)), &mut with(&owned(to)), &terms)
}

fn reasons(plan: &Plan) -> Vec<String> {
    plan.brake.iter().map(ToString::to_string).collect()
}

#[test]
fn the_brake_holds_what_loosens_for_many_or_takes_policy_away() {
    let floor =
        ("baseline/requirements.toml", "allow_appshots = false\nallow_login_shell = false\n");
    let looser = ("baseline/requirements.toml", "allow_appshots = false\n");
    let manifest = ("policy.toml", TEAMS);
    let same = planned(&[manifest, floor], &[manifest, floor], None, None);
    assert!(same.is_empty() && !same.is_stopped() && reasons(&same).is_empty());

    let mass = planned(&[manifest, floor], &[manifest, looser], None, None);
    assert_eq!(reasons(&mass), ["policy may loosen for 4 of 4 cohorts, more than 25 %"]);
    assert!(mass.is_stopped());
    // The same the other way round only tightens.
    assert!(!planned(&[manifest, looser], &[manifest, floor], None, None).is_stopped());
    // That very plan may go on, and no other.
    let approved = planned(&[manifest, floor], &[manifest, looser], None, Some(&mass.hash));
    assert!(approved.approved && !approved.is_stopped());
    let other = planned(&[manifest, floor], &[manifest, looser], None, Some(&same.hash));
    assert!(!other.approved && other.is_stopped());

    // One team of four cohorts is not more than a quarter of them.
    let own = ("teams/pay/requirements.toml", "allow_remote_control = false\n");
    let one = planned(&[manifest, floor, own], &[manifest, floor], None, None);
    assert_eq!(one.counts().get(&Direction::Looser), Some(&1));
    assert!(!one.is_stopped(), "{:?}", one.brake);

    let empty = planned(&[manifest, floor], &[manifest], None, None);
    assert_eq!(reasons(&empty).len(), 5, "{:?}", empty.brake);
    assert_eq!(reasons(&empty)[0], "cohort `all` loses its whole policy");
    let gone = TEAMS.replace("[cohorts.pay]\nteam = 'pay'\n", "");
    let gone = planned(&[manifest, floor], &[("policy.toml", &gone), floor], None, None);
    assert_eq!(reasons(&gone), ["cohort `pay` is removed"]);
    let many = "allow_appshots = false\nallow_login_shell = false\nallow_remote_control = false\n\
                allow_managed_hooks_only = true\n";
    let half = planned(
        &[manifest, floor, ("teams/pay/requirements.toml", many)],
        &[
            manifest,
            ("baseline/requirements.toml", "allow_appshots = false\nallow_login_shell = false\n"),
        ],
        None,
        None,
    );
    assert_eq!(reasons(&half), ["cohort `pay` loses 2 of 4 controls"]);
}

#[test]
fn a_hash_names_what_changes_and_nothing_else() {
    let manifest = ("policy.toml", TEAMS);
    let hash = |from: &str, to: &str| {
        let file = |text| ("baseline/requirements.toml", text);
        planned(&[manifest, file(from)], &[manifest, file(to)], None, None).hash
    };
    let (one, two) =
        ("allow_appshots = false\n", "allow_appshots = false\nallow_login_shell = false\n");
    let plain = hash(one, two);
    // Comments, layout and order are not policy.
    let other_text = "# why\nallow_login_shell=false\n\nallow_appshots = false # so\n";
    assert_eq!(hash(one, other_text), plain);
    assert_ne!(hash(two, one), plain);
    assert_ne!(hash("", two), plain);
    // Neither is who the machines are; who gets what is.
    let endpoints = read_inventory("{\"host\": \"a\", \"os\": \"linux\"}").unwrap();
    let file = |text| ("baseline/requirements.toml", text);
    let known = planned(&[manifest, file(one)], &[manifest, file(two)], Some(&endpoints), None);
    assert_eq!(known.hash, plain);
    let moved = TEAMS.replace("team = 'pay'", "team = 'pay'\nhosts = ['a*']");
    let moved = planned(&[manifest, file(one)], &[("policy.toml", &moved), file(two)], None, None);
    assert_ne!(moved.hash, plain);
    assert!(moved.cohorts.iter().any(|one| one.change.cohort == "pay" && one.selects_others));
}

#[test]
fn machines_are_counted_where_policy_changes_for_them() {
    let manifest = ("policy.toml", TEAMS);
    let floor = ("baseline/requirements.toml", "allow_appshots = false\n");
    let strict = ("teams/pay/requirements.toml", "permissions.filesystem.deny_read = ['~/.ssh']\n");
    let inventory = read_inventory(
        "{\"host\": \"p1\", \"os\": \"linux\", \"team\": \"pay\", \"codex\": \"0.110.0\"}\n\
         {\"host\": \"p2\", \"os\": \"linux\", \"team\": \"pay\", \"codex\": \"0.169.0\"}\n\
         {\"host\": \"w1\", \"os\": \"macos\", \"team\": \"web\"}\n\
         {\"host\": \"x1\", \"os\": \"macos\"}\n",
    )
    .unwrap();
    let tighter = planned(&[manifest, floor], &[manifest, floor, strict], Some(&inventory), None);
    let reach = tighter.reach.clone().unwrap();
    assert_eq!((reach.endpoints, reach.changed, reach.loosened), (4, 2, 0));
    let pay = tighter.cohorts.iter().find(|one| one.change.cohort == "pay").unwrap();
    assert_eq!(pay.endpoints, Some(2));
    let gap = &pay.not_enforced[0];
    assert_eq!(
        (gap.version.to_string(), gap.endpoints, gap.keys.clone()),
        ("0.110.0".to_owned(), Some(1), vec!["permissions.filesystem.deny_read".to_owned()])
    );
    // Two of four lose a control: that is more than a quarter.
    let looser = planned(&[manifest, floor, strict], &[manifest, floor], Some(&inventory), None);
    assert_eq!(reasons(&looser), ["policy may loosen for 2 of 4 endpoints, more than 25 %"]);

    // A team that loses its cohort falls to the default one: no key changed, and still they lose.
    let gone = TEAMS.replace("[cohorts.pay]\nteam = 'pay'\n", "");
    let moved = planned(
        &[manifest, floor, strict],
        &[("policy.toml", &gone), floor, strict],
        Some(&inventory),
        None,
    );
    let [one] = moved.moves.as_slice() else { panic!("{:?}", moved.moves) };
    assert_eq!((one.from.as_deref(), one.to.as_deref()), (Some("pay"), Some("all")));
    assert_eq!((one.endpoints, one.direction), (2, Direction::Looser));
    assert_eq!(
        reasons(&moved),
        ["cohort `pay` is removed", "policy may loosen for 2 of 4 endpoints, more than 25 %"]
    );
    // Without a default there is nothing to fall to.
    let closed = gone.replace("[cohorts.all]\ndefault = true\n", "");
    let lost =
        planned(&[manifest, floor], &[("policy.toml", &closed), floor], Some(&inventory), None);
    assert!(reasons(&lost).contains(&"endpoints that get no policy any more: 3".to_owned()));
    assert_eq!(lost.reach.unwrap().nowhere, ["p1", "p2", "x1"]);
}
