//! A made-up fleet, the same every time.

use std::collections::BTreeSet;

use codex_fleet::check_in::{Held, State};
use codex_fleet::identity::DeviceId;
use codex_fleet::request::{Filed, Request, Wanted};
use codex_fleet::rollout::{Start, Status, StrategyName};
use codex_fleet_server::pages::audit::{AuditView, Chain, Entry};
use codex_fleet_server::pages::endpoint::Setting;
use codex_fleet_server::pages::parts::Source;
use codex_fleet_server::pages::releases::{Change, Direction};
use codex_fleet_server::pages::requests::Outcome;
use codex_fleet_server::reports::{Context, Last, Newest, Record};
use codex_fleet_server::rollout::{
    Approval, Inventory, Offer, Point, Rollout, Seat, Standing, apply, plan, seat, start, status,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const SALT: &str = "9c2f6f0f36a84f1f8b7f7a2d3c4e5f60";

pub(crate) const COHORTS: [(&str, &str, u64, u64); 6] = [
    ("developers", "workstations", 61_400, 12),
    ("payments", "workstations", 9_800, 31),
    ("platform", "workstations", 4_300, 22),
    ("data-science", "workstations", 6_500, 9),
    ("ci", "ci", 16_000, 18),
    ("production", "production", 2_000, 5),
];

/// Marsaglia's xorshift: the same pages every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-26T10:24:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn before(seconds: u64) -> Timestamp {
    now() - SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0))
}

pub(crate) fn hexadecimal(dice: &mut Dice) -> String {
    (0..64)
        .map(|_| char::from_digit(u32::try_from(dice.below(16)).unwrap_or(0), 16).unwrap_or('0'))
        .collect()
}

/// A digest that looks like one.
pub(crate) fn digest_of(generation: u64) -> String {
    format!("sha256:{}", hexadecimal(&mut Dice(generation * 7_919 + 1)))
}

pub(crate) fn device(dice: &mut Dice) -> DeviceId {
    let mut bytes = [0_u8; 16];
    bytes.fill_with(|| u8::try_from(dice.below(256)).unwrap_or(0));
    DeviceId::from_random(bytes)
}

pub(crate) fn fleet(dice: &mut Dice) -> Vec<Record> {
    let mut records = Vec::new();
    for (cohort, environment, endpoints, newest) in COHORTS {
        for number in 0..endpoints {
            records.push(record(dice, cohort, environment, number, newest));
        }
    }
    records
}

pub(crate) fn record(
    dice: &mut Dice,
    cohort: &str,
    environment: &str,
    number: u64,
    newest: u64,
) -> Record {
    let versions = ["0.169.0", "0.169.0", "0.169.0", "0.157.1", "0.157.1", "0.138.0"];
    let pick = usize::try_from(dice.below(6)).unwrap_or(0);
    let mut version = versions.get(pick).copied().unwrap_or("0.169.0");
    let (mut generation, mut state, mut reasons) = (newest, State::Enforced, Vec::new());
    let mut seen = before(dice.below(900));
    match dice.below(1_000) {
        0..4 => {
            version = "0.110.0";
            (generation, state) = (newest - 1, State::Refused);
            reasons.push(
                "codex 0.110.0 does not know permissions: it would ignore that in silence"
                    .to_owned(),
            );
        }
        4..6 => {
            (generation, state) = (newest - 1, State::Refused);
            reasons.push(
                "requirements.toml cannot be written: no space is left on the device".to_owned(),
            );
        }
        6..9 => {
            state = State::Drifted;
            reasons
                .push("/etc/codex/requirements.toml was changed and has been repaired".to_owned());
        }
        9..24 => (generation, state) = (newest - 1, State::Fetched),
        24..40 => generation = newest - 1,
        40..76 => seen = before(86_400 + dice.below(900_000)),
        _ => {}
    }
    let enforced = 6 + dice.below(30) + if dice.below(9) == 0 { dice.below(2_000) } else { 0 };
    Record {
        device: device(dice),
        host: format!("{}-{number:05}.bank.example", cohort.get(..3).unwrap_or(cohort)),
        team: (cohort == "payments").then(|| "payments".to_owned()),
        environment: Some(environment.to_owned()),
        groups: BTreeSet::from([environment.to_owned()]),
        os: if environment == "workstations" && !number.is_multiple_of(3) {
            "macos"
        } else {
            "linux"
        }
        .to_owned(),
        held: Some(Held { cohort: cohort.to_owned(), generation, digest: digest_of(generation) }),
        last: Some(Last { generation: newest, state, reasons, at: seen }),
        codex: vec![version.to_owned()],
        seen,
        enforced_at: (state == State::Enforced && generation == newest)
            .then(|| before(7_200 - enforced)),
    }
}

pub(crate) const REQUIREMENTS: &str = "\
allowed_approval_policies = [\"on-request\", \"never\"]
allowed_permission_profiles = { \":read-only\" = true, \":workspace\" = true }
default_permissions = \":workspace\"
allowed_web_search_modes = [\"cached\"]

[permissions.filesystem]
deny_read = [\"~/.ssh\", \"~/.aws\"]

[experimental_network.domains]
\"git.bank.example\" = \"allow\"
";

pub(crate) fn context() -> Context {
    let newest = COHORTS.iter().map(|(cohort, _, _, generation)| {
        let newest = Newest {
            generation: *generation,
            committed_at: Some(before(7_200)),
            published_at: before(7_160),
            requirements: REQUIREMENTS.to_owned(),
        };
        ((*cohort).to_owned(), newest)
    });
    Context { newest: newest.collect(), now: now() }
}

/// A rollout of so many endpoints, some minutes in; so many of 10,000 fail.
pub(crate) fn story(
    cohort: &str,
    to: u64,
    (endpoints, failing): (u64, u64),
    strategy: StrategyName,
    minutes: u64,
) -> (Status, Rollout) {
    let mut dice = Dice(0x00de_cade_0000 + to);
    let nobody = BTreeSet::new();
    let seats: Vec<Seat> =
        (0..endpoints).map(|_| seat(SALT, None, &device(&mut dice), &nobody)).collect();
    let mut inventory = Inventory::count(seats.iter().map(|seat| (*seat, Standing::Silent)));
    let point = |generation: u64| Point { generation, digest: digest_of(generation) };
    let offer = Offer {
        newest: Some(point(to)),
        stable: Some(point(to - 1)),
        loosens: Vec::new(),
        approval: Approval::Given,
    };
    let request = Start {
        cohort: cohort.to_owned(),
        generation: to,
        strategy,
        volunteers: Some("early".to_owned()),
        bake_seconds: None,
        minimum_sample: None,
        failures_of_10_000: None,
        reason: "the mirror has moved".to_owned(),
    };
    let at = |minute: u64| before((minutes - minute) * 60);
    let mut rollout =
        start(&request, &offer, None, "kim", SALT.to_owned(), at(0)).expect("it starts");
    let mut spoken = vec![Standing::Silent; seats.len()];
    for minute in 1..=minutes {
        let decision = plan(&rollout, &inventory, at(minute));
        rollout = apply(rollout, &decision, at(minute)).expect("nothing has changed");
        for (seat, standing) in seats.iter().zip(&mut spoken) {
            if !rollout.ring.has(*seat) || *standing != Standing::Silent || dice.below(20) > 2 {
                continue;
            }
            let after = match dice.below(10_000) {
                number if number < failing => Standing::Failed,
                9_000.. => Standing::Underway,
                _ => Standing::Enforced,
            };
            if after == Standing::Failed {
                inventory.because(
                    *seat,
                    if dice.below(4) == 0 {
                        "requirements.toml cannot be written: no space is left on the device"
                    } else {
                        "codex 0.110.0 does not know permissions: it would ignore that in silence"
                    },
                );
            }
            inventory.change(*seat, *standing, after);
            *standing = after;
        }
    }
    (status(&rollout, &inventory, now()), rollout)
}

pub(crate) fn stages(rollout: &Rollout) -> Vec<String> {
    rollout.strategy.stages.iter().map(codex_fleet_server::rollout::Stage::who).collect()
}

pub(crate) fn line(place: &str, whose: &str) -> Source {
    Source {
        place: place.to_owned(),
        link: Some(format!(
            "https://git.bank.example/policy/blob/3f9c2d1/{}",
            place.replace(':', "#L")
        )),
        whose: Some(whose.to_owned()),
    }
}

pub(crate) fn setting(
    key: &str,
    value: &str,
    place: &str,
    whose: &str,
    others: &[&str],
) -> Setting {
    Setting {
        key: key.to_owned(),
        value: value.to_owned(),
        source: Some(line(place, whose)),
        others: others.iter().map(|other| (*other).to_owned()).collect(),
    }
}

pub(crate) fn settings() -> Vec<Setting> {
    vec![
        setting(
            "allowed_approval_policies",
            "[\"on-request\"]",
            "teams/payments/requirements.toml:4",
            "Ana, 3f9c2d1 Tighten payments",
            &["tightens baseline/requirements.toml:5, which allows never as well"],
        ),
        setting(
            "allowed_permission_profiles",
            "{ \":read-only\" = true, \":workspace\" = true }",
            "baseline/requirements.toml:9",
            "Kim, 81be0aa Profiles rather than modes",
            &[],
        ),
        setting(
            "default_permissions",
            "\":workspace\"",
            "baseline/requirements.toml:10",
            "Kim, 81be0aa Profiles rather than modes",
            &[],
        ),
        setting(
            "permissions.filesystem.deny_read",
            "[\"~/.ssh\", \"~/.gnupg\", \"~/.aws\", \"/opt/bank/secrets\"]",
            "baseline/requirements.toml:40",
            "SecOps, 8c11e0a Keys stay where they are",
            &["teams/payments/requirements.toml:9 adds /srv/cards"],
        ),
        setting(
            "experimental_network.domains.\"huggingface.co\"",
            "\"allow\"",
            "exceptions/SEC-2041-model-hub.toml:9",
            "until 30 Jun 2027, head-of-data@bank.example",
            &["the mirror of the model hub is not ready"],
        ),
        setting(
            "allowed_login_methods",
            "[\"chatgpt\"]",
            "baseline/requirements.toml:14",
            "Kim, 81be0aa Profiles rather than modes",
            &[],
        ),
        setting(
            "features.hooks",
            "true",
            "baseline/requirements.toml:66",
            "SecOps, 8c11e0a Every command is logged",
            &[],
        ),
    ]
}

pub(crate) fn changes() -> Vec<Change> {
    let change = |direction,
                  key: &str,
                  before: Option<&str>,
                  after: Option<&str>,
                  meaning: Option<&str>,
                  place: &str,
                  whose: &str| Change {
        direction,
        key: key.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        meaning: meaning.map(str::to_owned),
        source: Some(line(place, whose)),
    };
    vec![
        change(
            Direction::Tighter,
            "allowed_approval_policies",
            Some("[\"on-request\", \"never\"]"),
            Some("[\"on-request\"]"),
            None,
            "teams/payments/requirements.toml:4",
            "Ana, 3f9c2d1 Tighten payments",
        ),
        change(
            Direction::Looser,
            "experimental_network.domains.\"files.partner.example\"",
            None,
            Some("\"allow\""),
            Some("Programs may reach one host more."),
            "exceptions/request-42-files-partner-example.toml:8",
            "Kim, 3f9c2d1 Tighten payments",
        ),
        change(
            Direction::Tighter,
            "permissions.filesystem.deny_read",
            Some("[\"~/.ssh\", \"~/.aws\"]"),
            Some("[\"~/.ssh\", \"~/.aws\", \"/srv/cards\"]"),
            Some("Nobody reads cards any more, whoever approves it."),
            "teams/payments/requirements.toml:9",
            "Ana, 3f9c2d1 Tighten payments",
        ),
        change(
            Direction::Neutral,
            "rules.prefix_rules",
            Some("12 rules"),
            Some("9 rules"),
            Some("Other text, the same decisions for all commands: proved."),
            "baseline/requirements.toml:71",
            "Kim, 3f9c2d1 Tighten payments",
        ),
        change(
            Direction::Incomparable,
            "model_provider",
            Some("\"openai\""),
            Some("\"openai-eu\""),
            Some("Neither is stricter than the other: whoever approves it decides."),
            "baseline/requirements.toml:18",
            "Kim, 3f9c2d1 Tighten payments",
        ),
    ]
}

pub(crate) fn filed(number: u64, wants: Wanted, reason: &str, minutes: u64) -> Filed {
    let mut dice = Dice(number + 99);
    Filed {
        number,
        device: device(&mut dice),
        host: format!("pay-{:05}.bank.example", dice.below(9_800)),
        cohort: "payments".to_owned(),
        at: before(minutes * 60),
        request: Request {
            wants,
            days: 14,
            reason: reason.to_owned(),
            user: Some("ana".to_owned()),
        },
    }
}

pub(crate) fn asked() -> Vec<(Filed, Outcome)> {
    let domain = |host: &str| Wanted::Domain { host: host.to_owned() };
    let command =
        Wanted::Command { words: vec!["git".to_owned(), "push".to_owned(), "origin".to_owned()] };
    let value = Wanted::Setting { key: "approval_policy".to_owned(), value: "untrusted".into() };
    vec![
        (
            filed(44, domain("files.partner.example"), "the partner’s fixtures are only there", 12),
            Outcome::Open,
        ),
        (filed(43, value, "I would rather be asked about everything", 95), Outcome::Open),
        (filed(42, command, "the release script pushes tags", 1_500), Outcome::Granted),
        (filed(41, domain("pastebin.com"), "logs for a colleague", 3_100), Outcome::Declined),
    ]
}

pub(crate) fn trail(dice: &mut Dice) -> AuditView {
    let rows = [
        ("kim", "rollout.start", "payments", "generation 31, canary"),
        ("automation", "rollout.stage", "payments", "stage 1 of 5 (volunteers) is open"),
        ("ci-policy", "release.publish", "timestamp 218", "14 files"),
        ("kim", "token.create", "enrol-laptops", "uses 500, expires 2026-12-01"),
        ("ana", "device.revoke", "pay-00417.bank.example", "lost on a train"),
        ("automation", "rollout.pause", "data-science", "12 of 1142 that reported failed"),
        ("ana", "request.grant", "42", "exceptions/request-42-git-push-origin.toml"),
        ("kim", "login", "dashboard", ""),
    ];
    let entries = (0..24_u64).map(|back| {
        let (actor, action, subject, detail) =
            rows.get(usize::try_from(back % 8).unwrap_or(0)).copied().unwrap_or_default();
        Entry {
            number: 1_204 - back,
            at: before(600 + back * 2_345),
            actor: actor.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
            hash: hexadecimal(dice),
        }
    });
    AuditView { entries: entries.collect(), next: Some(1_180), chain: Chain::Whole }
}
