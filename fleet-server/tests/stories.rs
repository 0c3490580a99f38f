//! Rollouts as stories: what happens, and what the planner makes of it, in files that one can read.
//!
//! A story is a text: `fleet N` endpoints of the cohort (`fleet N volunteers V` for some that go
//! first), `start STRATEGY [key=value …]`, then lines that happen:
//!
//! - `enforce P%`, `fail P% REASON`, `mute`: what those do that may have the candidate and have not
//!   spoken; `later DURATION` lets time go by in steps of a minute until something happens or the
//!   time is over; `jump SECONDS` moves the clock at once;
//! - `pause`, `resume`, `abort`, `promote`: what a person does;
//! - `new N`: endpoints that enrol; `fake N REASON`: reports of failures from endpoints whose turn
//!   has not come; `holds GENERATION`: how many wait, with that as the newest generation.
//!
//! Lines with `>` are what came of it; `UPDATE=1` writes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use codex_fleet::identity::DeviceId;
use codex_fleet::rollout::{Act, Ask, Start, StrategyName};
use codex_fleet_server::rollout::{
    Approval, Asker, Clock, Inventory, Offer, Point, Rollout, Seat, Standing, Step, Unplanned, act,
    apply, hold_for, plan, seat, start,
};
use jiff::Timestamp;

const SALT: &str = "0123456789abcdef0123456789abcdef";

struct Endpoint {
    device: DeviceId,
    groups: BTreeSet<String>,
    seat: Seat,
    standing: Standing,
    reason: String,
    held: Option<u64>,
}

struct World {
    endpoints: Vec<Endpoint>,
    rollout: Option<Rollout>,
    now: i64,
    out: String,
}

impl World {
    fn time(&self) -> Timestamp {
        Timestamp::from_second(1_796_000_400 + self.now).expect("a time")
    }

    fn say(&mut self, text: &str) {
        let minutes = self.now.div_euclid(60);
        let (hours, minutes) = (minutes.div_euclid(60), minutes.rem_euclid(60));
        writeln!(self.out, "> {hours:>3}:{minutes:02}  {text}").expect("a text");
    }

    fn enrol(&mut self, number: usize, group: Option<&str>, held: Option<u64>) {
        for _ in 0..number {
            let mut bytes = [0_u8; 16];
            bytes[..8].copy_from_slice(&(self.endpoints.len() as u64).to_be_bytes());
            let device = DeviceId::from_random(bytes);
            let groups: BTreeSet<String> = group.map(str::to_owned).into_iter().collect();
            let seat = seat(SALT, Some("early"), &device, &groups);
            let (standing, reason) = (Standing::Silent, String::new());
            self.endpoints.push(Endpoint { device, groups, seat, standing, reason, held });
        }
    }

    fn inventory(&self) -> Inventory {
        let mut inventory =
            Inventory::count(self.endpoints.iter().map(|one| (one.seat, one.standing)));
        let failed = self.endpoints.iter().filter(|one| one.standing == Standing::Failed);
        failed.for_each(|one| inventory.because(one.seat, &one.reason));
        inventory
    }

    fn start(&mut self, words: &[&str]) {
        let strategy: StrategyName =
            serde_json::from_value(serde_json::json!(words[0])).expect("a strategy");
        let mut request = Start {
            cohort: "payments".to_owned(),
            generation: 7,
            strategy,
            volunteers: Some("early".to_owned()),
            bake_seconds: None,
            minimum_sample: None,
            failures_of_10_000: None,
            reason: String::new(),
        };
        let mut newest = 7;
        let mut loosens = Vec::new();
        for (key, value) in words[1..].iter().map(|word| word.split_once('=').expect("key=value")) {
            match key {
                "sample" => request.minimum_sample = Some(value.parse().expect("a number")),
                "bake" => request.bake_seconds = Some(value.parse().expect("a number")),
                "failures" => request.failures_of_10_000 = Some(value.parse().expect("a number")),
                "generation" => request.generation = value.parse().expect("a number"),
                "newest" => newest = value.parse().expect("a number"),
                "loosens" => loosens = vec![value.to_owned()],
                other => panic!("unknown: {other}"),
            }
        }
        let point = |generation| Point { generation, digest: format!("sha256:{generation:064}") };
        let approval = Approval::Missing("no approval of that is in the release".to_owned());
        let offer =
            Offer { newest: Some(point(newest)), stable: Some(point(6)), loosens, approval };
        let last = self.rollout.as_ref();
        match start(&request, &offer, last, "kim", SALT.to_owned(), self.time()) {
            Ok(rollout) => {
                let text = rollout.history.last().expect("an entry").text.clone();
                self.rollout = Some(rollout);
                self.say(&format!("[running] {text}"));
            }
            Err(refusal) => self.say(&format!("refused: {refusal}")),
        }
    }

    fn person(&mut self, what: Act) {
        let ask = Ask { cohort: "payments".to_owned(), act: what, reason: String::new() };
        let failed = self.rollout.as_ref().map_or(0, |rollout| {
            codex_fleet_server::rollout::figures(rollout, &self.inventory()).failed
        });
        match act(self.rollout.as_ref(), &ask, failed, "kim", self.time()) {
            Ok(next) => {
                let entry = next.history.last().expect("an entry").clone();
                self.rollout = Some(next);
                self.say(&format!("[{}] {}", entry.state.word(), entry.text));
            }
            Err(refusal) => self.say(&format!("refused: {refusal}")),
        }
    }

    fn tick(&mut self) -> Step {
        let rollout = self.rollout.take().expect("a rollout");
        let inventory = self.inventory();
        let decision = plan(&rollout, &inventory, self.time());
        let next = apply(rollout, &decision, self.time()).expect("nothing has changed");
        let unusual = !matches!(decision.clock, Clock::Steady(_));
        if unusual || !matches!(decision.step, Step::Wait(_)) {
            let text = decision.sentence(&next);
            self.say(&format!("[{}] {text}", next.state.word()));
        }
        self.rollout = Some(next);
        decision.step
    }

    fn later(&mut self, minutes: i64) {
        let mut last = None;
        for _ in 0..minutes {
            self.now += 60;
            let step = self.tick();
            let bakes = matches!(step, Step::Bake);
            let over = !matches!(step, Step::Wait(_)) && !bakes;
            last = Some(step);
            if over {
                return;
            }
        }
        if let Some(Step::Wait(_)) = last {
            let rollout = self.rollout.clone().expect("a rollout");
            let decision = plan(&rollout, &self.inventory(), self.time());
            self.say(&format!("[{}] {}", rollout.state.word(), decision.sentence(&rollout)));
        }
    }

    /// What those do whose turn has come and who have not spoken: the first of so many of them.
    fn report(&mut self, share: &str, standing: Standing, reason: &str) {
        // In tenths of a percent.
        let (whole, tenth) = share.trim_end_matches('%').split_once('.').unwrap_or((share, "0"));
        let number = |text: &str| text.trim_end_matches('%').parse::<usize>().expect("a share");
        let share = number(whole) * 10 + number(tenth);
        let rollout = self.rollout.clone().expect("a rollout");
        let admitted = self.endpoints.iter_mut().filter(|one| {
            let Endpoint { device, groups, held, .. } = &**one;
            rollout.admits(&Asker { device, groups, held: *held })
        });
        let mut open: Vec<&mut Endpoint> =
            admitted.filter(|one| one.standing == Standing::Silent).collect();
        let number = (open.len() * share).div_ceil(1_000);
        for one in open.iter_mut().take(number) {
            one.standing = standing;
            reason.clone_into(&mut one.reason);
            if standing == Standing::Enforced {
                one.held = Some(7);
            }
        }
    }

    /// Reports of failures from endpoints whose turn has not come: somebody has stolen identities.
    fn fake(&mut self, number: usize, reason: &str) {
        let rollout = self.rollout.clone().expect("a rollout");
        let waiting = self.endpoints.iter_mut().filter(|one| {
            let Endpoint { device, groups, held, .. } = &**one;
            !rollout.admits(&Asker { device, groups, held: *held })
        });
        for one in waiting.take(number) {
            one.standing = Standing::Failed;
            reason.clone_into(&mut one.reason);
        }
    }

    fn holds(&mut self, newest: u64) {
        let rollouts: Vec<Rollout> = self.rollout.iter().cloned().collect();
        let mut counts = std::collections::BTreeMap::new();
        for one in &self.endpoints {
            let asker = Asker { device: &one.device, groups: &one.groups, held: one.held };
            let hold = hold_for(&rollouts, newest, &asker, Unplanned::Nobody);
            *counts.entry(hold).or_insert(0_usize) += 1;
        }
        for (hold, count) in counts {
            match hold {
                None => self.say(&format!("{count} may have generation {newest}")),
                Some(hold) => self.say(&format!("{count} wait at generation {hold}")),
            }
        }
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |at: usize| words[at].parse::<usize>().expect("a number");
        match words[0] {
            "fleet" => {
                let early = words
                    .iter()
                    .position(|word| *word == "volunteers")
                    .map_or(0, |at| number(at + 1));
                self.enrol(early, Some("early"), Some(6));
                self.enrol(number(1) - early, None, Some(6));
            }
            "new" => self.enrol(number(1), None, None),
            "start" => self.start(&words[1..]),
            "enforce" => self.report(words[1], Standing::Enforced, ""),
            "fail" => self.report(words[1], Standing::Failed, &words[2..].join(" ")),
            "fake" => self.fake(number(1), &words[2..].join(" ")),
            "later" => self.later(words[1].parse().expect("minutes")),
            "jump" => {
                self.now += words[1].parse::<i64>().expect("seconds");
                self.tick();
            }
            "holds" => self.holds(words[1].parse().expect("a generation")),
            "pause" => self.person(Act::Pause),
            "resume" => self.person(Act::Resume),
            "abort" => self.person(Act::Abort),
            "promote" => self.person(Act::Promote),
            other => panic!("`{other}` means nothing in a story"),
        }
    }
}

/// Plays a story and gives it back with what came of it.
fn play(story: &str) -> String {
    let mut world = World { endpoints: Vec::new(), rollout: None, now: 0, out: String::new() };
    for line in story.lines().filter(|line| !line.starts_with('>')) {
        writeln!(world.out, "{line}").expect("a text");
        if !line.trim().is_empty() && !line.starts_with('#') {
            world.line(line);
        }
    }
    world.out
}

#[test]
fn stories_go_as_they_are_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stories");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 9, "stories are missing");
    let update = std::env::var_os("UPDATE").is_some();
    for path in paths {
        let told = std::fs::read_to_string(&path).expect("a story");
        let played = play(&told);
        if update {
            std::fs::write(&path, &played).expect("it is written");
        } else {
            assert_eq!(played, told, "{}: UPDATE=1 writes it anew", path.display());
        }
    }
}
