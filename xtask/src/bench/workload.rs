//! The benchmark's policies: four layers of a size, and what they come to when merged by hand.
//!
//! S has about twenty keys; M has 100 command rules and 1,000 hosts; L has 5,000 rules and 10,000
//! hosts. The layers share the scalar keys, so that every merge has work.

use std::fmt::Write as _;

const COMMANDS: &[&str] = &[
    "git",
    "npm",
    "cargo",
    "kubectl",
    "aws",
    "gcloud",
    "docker",
    "terraform",
    "psql",
    "rm",
    "curl",
    "ssh",
    "make",
    "python3",
    "pip",
    "yarn",
    "go",
    "bazel",
    "helm",
    "az",
];
const VERBS: &[&str] = &[
    "push", "pull", "delete", "apply", "get", "run", "exec", "install", "publish", "login", "rm",
    "prune", "destroy", "init", "build",
];
/// Features that 0.169.0 knows, four a layer: policy that pins others is refused.
const FEATURES: &[&str] = &[
    "apps",
    "memories",
    "hooks",
    "multi_agent",
    "plugins",
    "goals",
    "shell_tool",
    "unified_exec",
    "image_generation",
    "fast_mode",
    "personality",
    "browser_use",
    "computer_use",
    "shell_snapshot",
    "tool_suggest",
    "skill_mcp_dependency_install",
];
const LAYERS: &[&str] = &["system", "cloud", "mdm", "team"];

/// How much one workload holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Its letter.
    pub(super) name: &'static str,
    /// Command rules of all layers together.
    rules: usize,
    /// Hosts of all layers together.
    hosts: usize,
    /// How long `explain KEY` may take, in milliseconds.
    pub(super) goal_ms: Option<f64>,
    /// How long `compile` may take, as a part of what the Rego engine takes.
    pub(super) compile_goal: f64,
}

/// All sizes.
pub(super) const SIZES: &[Size] = &[
    Size { name: "S", rules: 0, hosts: 0, goal_ms: None, compile_goal: 0.75 },
    Size { name: "M", rules: 100, hosts: 1000, goal_ms: Some(10.0), compile_goal: 0.45 },
    Size { name: "L", rules: 5000, hosts: 10_000, goal_ms: Some(70.0), compile_goal: 0.35 },
];

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let word = usize::try_from(self.0 >> 33).unwrap_or(0);
        word.checked_rem(limit).unwrap_or(0)
    }

    fn pick(&mut self, list: &[&'static str]) -> &'static str {
        let at = self.below(list.len());
        list.get(at).copied().unwrap_or_default()
    }
}

/// The four layers of a size, the lowest first.
pub(super) fn layers(size: Size) -> Vec<String> {
    let mut dice = Dice(7);
    let (rules, hosts) = (size.rules / LAYERS.len(), size.hosts / LAYERS.len());
    LAYERS
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let base = (at + 1) * 100_000;
            let mut text = scalars();
            text.push_str(&entries(name));
            text.push_str(&network(&mut dice, base, hosts));
            for number in 0..rules {
                text.push_str(&rule(&mut dice, base + number));
            }
            text
        })
        .collect()
}

/// One layer of its own for each of many cohorts: ten rules and twenty hosts.
pub(super) fn cohorts(count: usize) -> Vec<String> {
    const RULES: usize = 10;
    const HOSTS: usize = 20;
    let mut dice = Dice(9);
    (0..count)
        .map(|at| {
            let base = (at + 10) * 100_000;
            let mut text = scalars();
            text.push_str(&entries(&format!("c{at}")));
            text.push_str(&network(&mut dice, base, HOSTS));
            for number in 0..RULES {
                text.push_str(&rule(&mut dice, base + number));
            }
            text
        })
        .collect()
}

/// All four layers in one document.
pub(super) fn merged(size: Size) -> String {
    let mut dice = Dice(7);
    let (rules, hosts) = (size.rules / LAYERS.len(), size.hosts / LAYERS.len());
    let mut text = scalars();
    let (mut domains, mut commands) = (String::new(), String::new());
    for (at, name) in LAYERS.iter().enumerate() {
        let base = (at + 1) * 100_000;
        text.push_str(&entries(name));
        for number in 0..hosts {
            domains.push_str(&host(&mut dice, base + number, number));
        }
        for number in 0..rules {
            commands.push_str(&rule(&mut dice, base + number));
        }
    }
    text.push_str("\n[experimental_network]\nenabled = true\n");
    if !domains.is_empty() {
        text.push_str("\n[experimental_network.domains]\n");
    }
    text + &domains + &commands
}

/// One document with this many rules and hosts, of which two in five make no difference: rules said
/// twice, rules below a stricter one, hosts below a listed one.
pub(super) fn with_redundancy(rules: usize, hosts: usize) -> String {
    let mut dice = Dice(7);
    let mut text = scalars();
    text.push_str(&network(&mut dice, 0, 0));
    text.push_str("\n[experimental_network.domains]\n");
    for id in 0..hosts * 3 / 5 {
        let verdict = if id.is_multiple_of(5) { "deny" } else { "allow" };
        let name = format!("svc{id}.team{}.corp-{}.example.com", id % 97, id % 13);
        line(&mut text, format_args!("\"{}{name}\" = \"{verdict}\"", dice.pick(&["*.", "**."])));
        if id * 2 < hosts * 4 / 5 {
            let below = dice.pick(&["a", "*.b", "**.c"]);
            line(&mut text, format_args!("\"{below}.{name}\" = \"{verdict}\""));
        }
    }
    for id in 0..rules * 3 / 5 {
        let rule = rule(&mut dice, id);
        text.push_str(&rule);
        if id * 2 < rules * 4 / 5 {
            let narrower = rule
                .replace("\"forbidden\"", "\"prompt\"")
                .replace(" }]\n", " }, { token = \"more\" }]\n");
            text.push_str(if rule.contains("\"forbidden\"") { &narrower } else { &rule });
        }
    }
    text
}

fn scalars() -> String {
    "allowed_approval_policies = [\"untrusted\", \"on-request\"]\n\
     allowed_sandbox_modes = [\"read-only\", \"workspace-write\"]\n\
     allowed_web_search_modes = [\"cached\"]\n\
     enforce_residency = \"us\"\n"
        .to_owned()
}

/// Feature pins and a server, in dotted form so that layers can be put one after the other.
fn entries(name: &str) -> String {
    let mut text = String::new();
    let at = LAYERS.iter().position(|known| *known == name).unwrap_or(LAYERS.len() - 1);
    for (number, feature) in FEATURES.iter().skip(at * 4).take(4).enumerate() {
        line(&mut text, format_args!("features.{feature} = {}", number % 2 == 1));
    }
    line(&mut text, format_args!("mcp_servers.srv_{name}.identity.command = \"/opt/mcp/{name}\""));
    text
}

fn network(dice: &mut Dice, base: usize, hosts: usize) -> String {
    let mut text = "\n[experimental_network]\nenabled = true\n".to_owned();
    if hosts > 0 {
        text.push_str("\n[experimental_network.domains]\n");
    }
    for number in 0..hosts {
        text.push_str(&host(dice, base + number, number));
    }
    text
}

fn host(dice: &mut Dice, id: usize, number: usize) -> String {
    let prefix = dice.pick(&["", "*.", "**."]);
    let verdict = if number.is_multiple_of(5) { "deny" } else { "allow" };
    format!("\"{prefix}svc{id}.team{}.corp-{}.example.com\" = \"{verdict}\"\n", id % 97, id % 13)
}

fn rule(dice: &mut Dice, id: usize) -> String {
    let mut pattern = format!("{{ token = \"{}\" }}", dice.pick(COMMANDS));
    for _ in 0..dice.below(4) {
        if dice.below(10) < 3 {
            let [one, two, three] = [0; 3].map(|_| dice.pick(VERBS));
            let words =
                format_args!(", {{ any_of = [\"{one}\", \"{two}\", \"{three}\"] }}").to_string();
            pattern.push_str(&words);
        } else {
            pattern.extend([", { token = \"", dice.pick(VERBS), "\" }"]);
        }
    }
    let decision = dice.pick(&["prompt", "forbidden"]);
    format!(
        "\n[[rules.prefix_rules]]\npattern = [{pattern}, {{ token = \"x{id}\" }}]\n\
         decision = \"{decision}\"\njustification = \"Rule {id}: ask #sec-{} before using this \
         command in production.\"\n",
        id % 40
    )
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{words}");
}
