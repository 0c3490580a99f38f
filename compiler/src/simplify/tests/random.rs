//! Random policies from small alphabets, so that entries overlap often.

use std::fmt::Write;

/// A small generator: the same seed, the same policy on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub(crate) fn choose<'all, T>(&mut self, all: &'all [T]) -> &'all T {
        &all[self.below(all.len())]
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// A number from the environment.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// The seeds of the policies to try.
pub(crate) fn policies() -> std::ops::Range<u64> {
    let first = setting("SIMPLIFY_SEED", 1);
    first..first + setting("SIMPLIFY_POLICIES", 300)
}

/// How many questions each policy is asked.
pub(crate) fn probes() -> u64 {
    setting("SIMPLIFY_PROBES", 100)
}

const PROGRAMS: [&str; 20] = [
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
const VERBS: [&str; 15] = [
    "push", "pull", "delete", "apply", "get", "run", "exec", "install", "publish", "login", "rm",
    "prune", "destroy", "init", "build",
];

/// The common workload: rules and domains of which none can go.
pub(crate) fn workload(random: &mut Random, rules: usize, domains: usize) -> String {
    workload_of(random, rules, domains, &["", "*.", "**."])
}

fn workload_of(random: &mut Random, rules: usize, domains: usize, prefixes: &[&str]) -> String {
    let mut text = String::from("[rules]\nprefix_rules = [\n");
    for number in 0..rules {
        write!(text, "{{ pattern = [{{ token = \"{}\" }}", random.pick(&PROGRAMS)).unwrap();
        for _ in 0..random.below(4) {
            if random.below(10) < 3 {
                let at = random.below(VERBS.len() - 2);
                write!(text, ", {{ any_of = {:?} }}", &VERBS[at..at + 3]).unwrap();
            } else {
                write!(text, ", {{ token = \"{}\" }}", random.pick(&VERBS)).unwrap();
            }
        }
        writeln!(
            text,
            ", {{ token = \"x{number}\" }}], decision = \"{}\", justification = \"Rule {number}\" }},",
            random.pick(&["prompt", "forbidden"])
        )
        .unwrap();
    }
    text.push_str("]\n[experimental_network]\nenabled = true\n[experimental_network.domains]\n");
    for number in 0..domains {
        let prefix = random.pick(prefixes);
        let rule = if number % 5 == 0 { "deny" } else { "allow" };
        writeln!(
            text,
            "\"{prefix}svc{number}.team{}.corp-{}.example.com\" = \"{rule}\"",
            number % 97,
            number % 13
        )
        .unwrap();
    }
    text
}

/// The same with two more rules and domains for every three: 40 % of the whole can go.
pub(crate) fn with_redundancy(random: &mut Random, rules: usize, domains: usize) -> String {
    let plain = workload_of(random, rules, domains, &["*.", "**."]);
    let (head, tail) = plain.split_once("]\n[experimental_network]").unwrap();
    let mut text = head.to_owned();
    for line in head.lines().skip(2).take(rules * 2 / 3) {
        text.push_str(line);
        text.push('\n');
    }
    write!(text, "]\n[experimental_network]{tail}").unwrap();
    for number in 0..domains * 2 / 3 {
        let rule = if number % 5 == 0 { "deny" } else { "allow" };
        writeln!(
            text,
            "\"{}.below.svc{number}.team{}.corp-{}.example.com\" = \"{rule}\"",
            random.pick(&["a", "*", "b?"]),
            number % 97,
            number % 13
        )
        .unwrap();
    }
    text
}
