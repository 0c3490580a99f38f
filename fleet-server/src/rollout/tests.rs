//! What must hold of every rollout, for inventories that nobody thought of.

use std::collections::BTreeSet;

use codex_fleet::identity::DeviceId;
use codex_fleet::rollout::{Act, Ask, Start, State, StrategyName};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::{
    BoxedStrategy, Just, ProptestConfig, Strategy as _, any, prop_assert, prop_assert_eq,
    prop_oneof, proptest,
};

use super::*;

const SALT: &str = "5a17";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("a time")
}

fn point(generation: u64) -> Point {
    Point { generation, digest: format!("sha256:{generation:02}") }
}

fn offer() -> Offer {
    Offer {
        newest: Some(point(7)),
        stable: Some(point(6)),
        loosens: Vec::new(),
        approval: Approval::Missing("there is none".to_owned()),
    }
}

fn request(strategy: StrategyName) -> Start {
    Start {
        cohort: "payments".to_owned(),
        generation: 7,
        strategy,
        volunteers: Some("early".to_owned()),
        bake_seconds: None,
        minimum_sample: None,
        failures_of_10_000: None,
        reason: String::new(),
    }
}

fn started(strategy: StrategyName) -> Rollout {
    start(&request(strategy), &offer(), None, "kim", SALT.to_owned(), at(0)).expect("it starts")
}

fn ask(act: Act) -> Ask {
    Ask { cohort: "payments".to_owned(), act, reason: String::new() }
}

fn person(rollout: &Rollout, what: Act, failed: u64, now: Timestamp) -> Result<Rollout, Refusal> {
    act(Some(rollout), &ask(what), failed, "kim", now)
}

fn seats() -> BoxedStrategy<Vec<(Seat, Standing)>> {
    let seat = prop_oneof![1 => Just(Seat::Volunteer), 30 => (0..BUCKETS).prop_map(Seat::Bucket)];
    let standing = prop_oneof![
        3 => Just(Standing::Silent),
        1 => Just(Standing::Underway),
        40 => Just(Standing::Enforced),
        1 => Just(Standing::Failed),
    ];
    proptest::collection::vec((seat, standing), 0..400).boxed()
}

fn strategy() -> BoxedStrategy<StrategyName> {
    proptest::sample::select(StrategyName::ALL.to_vec()).boxed()
}

/// Steps every five minutes until nothing changes any more, and shows every step.
fn run(
    mut rollout: Rollout,
    inventory: &Inventory,
    mut seen: impl FnMut(&Rollout, &Decision, &Rollout),
) -> Rollout {
    for step in 1..4_000 {
        let now = at(step * 300);
        let decision = plan(&rollout, inventory, now);
        let next = apply(rollout.clone(), &decision, now).expect("nothing has changed");
        seen(&rollout, &decision, &next);
        rollout = next;
        let stuck = rollout.state == State::Paused || rollout.state == State::Inconclusive;
        if rollout.state.is_settled() || stuck {
            break;
        }
    }
    rollout
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ring_never_has_more_than_its_share(seats in seats(), name in strategy()) {
        let inventory = Inventory::count(seats);
        let others = inventory.ring(Ring { cut: BUCKETS, volunteers: Turn::Later }).known();
        run(started(name), &inventory, |_, _, next| {
            let share = next.stage().map_or(0, |stage| u64::from(stage.share));
            let ring = Ring { volunteers: Turn::Later, ..next.ring };
            let most = (others * share).div_ceil(u64::from(BUCKETS));
            assert!(inventory.ring(ring).known() <= most, "{next:?}");
        });
    }

    #[test]
    fn nothing_is_promoted_on_silence(seats in seats(), name in strategy()) {
        let mute = seats.into_iter().map(|(seat, standing)| match standing {
            Standing::Enforced => (seat, Standing::Silent),
            other @ (Standing::Silent | Standing::Underway | Standing::Failed) => (seat, other),
        });
        let inventory = Inventory::count(mute);
        let end = run(started(name), &inventory, |before, _, next| {
            assert!(before.opened == 0 || next.opened == before.opened);
        });
        prop_assert!(matches!(end.state, State::Inconclusive | State::Paused | State::Running));
        // Running is what waits for the first endpoint of all.
        prop_assert!(end.state != State::Running || inventory.everybody().known() == 0);
    }

    #[test]
    fn it_ends_when_everybody_reports(seats in seats(), name in strategy()) {
        let heard = seats.into_iter().map(|(seat, standing)| match standing {
            Standing::Silent | Standing::Underway => (seat, Standing::Enforced),
            told @ (Standing::Enforced | Standing::Failed) => (seat, told),
        });
        let inventory = Inventory::count(heard);
        let end = run(started(name), &inventory, |_, _, _| ());
        let over = end.state.is_settled() || end.state == State::Paused;
        // Where a fifth has failed and that is allowed, too few are left to enforce it.
        let starved = end.state == State::Inconclusive && inventory.everybody().failed > 0;
        prop_assert!(over || starved || inventory.everybody().known() == 0, "{end:?}");
    }

    #[test]
    fn automation_changes_neither_ends_nor_rings_back(seats in seats(), name in strategy()) {
        let inventory = Inventory::count(seats);
        run(started(name), &inventory, |before, decision, next| {
            assert_eq!((&before.from, &before.to), (&next.from, &next.to));
            assert!(next.ring.cut >= before.ring.cut, "a ring never shrinks");
            let opens = matches!(decision.step, Step::Open(_));
            assert!(opens || next.ring == before.ring, "only a stage that opens lets anybody in");
            assert!(decision.figures.failed <= decision.figures.allowed || !opens);
        });
    }

    /// Whoever holds stolen endpoint identities can say anything about their endpoints. With that a
    /// rollout can be stopped; nobody can be brought to have an older or another policy, and nobody
    /// gets the candidate earlier.
    #[test]
    fn fake_failing_reports_can_pause_a_rollout_and_never_loosen_it(
        seats in seats(),
        fakes in proptest::collection::vec(any::<bool>(), 400),
        name in strategy(),
        steps in 1..200_i64,
    ) {
        let honest = Inventory::count(seats.iter().copied());
        let faked = Inventory::count(seats.iter().zip(&fakes).map(|((seat, standing), fake)| {
            (*seat, if *fake { Standing::Failed } else { *standing })
        }));
        let (mut with, mut without) = (started(name), started(name));
        for number in 1..=steps {
            let now = at(number * 300);
            let step = |rollout: Rollout, inventory: &Inventory| {
                let decision = plan(&rollout, inventory, now);
                apply(rollout, &decision, now).expect("nothing has changed")
            };
            with = step(with, &faked);
            without = step(without, &honest);
            prop_assert!(with.ring.cut <= without.ring.cut, "lies let nobody in earlier");
            prop_assert_eq!(&with.to, &without.to);
            prop_assert_eq!(&with.from, &without.from);
        }
        let groups = BTreeSet::new();
        for number in 0..32_u8 {
            let device = DeviceId::from_random([number; 16]);
            let asker = Asker { device: &device, groups: &groups, held: Some(6) };
            let hold = hold_for(&[with.clone()], 7, &asker, Unplanned::Nobody);
            // To hold at 6 is to keep what is there. No answer of a server goes below that.
            prop_assert!(hold.is_none_or(|hold| hold >= 6));
            let has = Asker { held: Some(7), ..asker };
            let hold = hold_for(&[with.clone()], 7, &has, Unplanned::Nobody);
            prop_assert!(hold.is_none_or(|hold| hold >= 6), "and agents never go back");
        }
    }
}

#[test]
fn every_refusal_of_a_start_says_what_to_do() {
    let begin = |change: &dyn Fn(&mut Start, &mut Offer), last: Option<&Rollout>, now| {
        let (mut request, mut offer) = (request(StrategyName::Canary), offer());
        change(&mut request, &mut offer);
        start(&request, &offer, last, "kim", SALT.to_owned(), now).map(drop)
    };
    let says = |result: Result<(), Refusal>| result.expect_err("refused").to_string();
    assert!(begin(&|_, _| (), None, at(0)).is_ok());
    assert_eq!(
        says(begin(&|_, offer| offer.newest = None, None, at(0))),
        "the release has no bundle of cohort `payments`: publish one first"
    );
    assert_eq!(
        says(begin(&|request, _| request.generation = 9, None, at(0))),
        "there is no generation 9 of cohort `payments` in the release; the newest is 7"
    );
    assert_eq!(
        says(begin(&|request, _| request.generation = 5, None, at(0))),
        "generation 5 of cohort `payments` is older than 6, and endpoints never go back: publish \
         the old content as a new generation"
    );
    assert_eq!(
        says(begin(&|_, offer| offer.stable = Some(point(7)), None, at(0))),
        "generation 7 of cohort `payments` is what everybody has already"
    );
    let looser = |_: &mut Start, offer: &mut Offer| {
        offer.loosens = vec!["allowed_sandbox_modes".to_owned()];
    };
    assert_eq!(
        says(begin(&looser, None, at(0))),
        "generation 7 of cohort `payments` loosens allowed_sandbox_modes, and there is none: every \
         endpoint would refuse it; have the loosening approved and publish again"
    );
    let approved = |request: &mut Start, offer: &mut Offer| {
        looser(request, offer);
        offer.approval = Approval::Given;
    };
    assert!(begin(&approved, None, at(0)).is_ok());
    let running = started(StrategyName::Canary);
    assert_eq!(
        says(begin(&|_, _| (), Some(&running), at(1))),
        "cohort `payments` has a rollout to generation 7, which is running: promote or abort it first"
    );
    let over = person(&running, Act::Abort, 0, at(10_000)).expect("it is aborted");
    assert!(
        begin(&|_, _| (), Some(&over), at(10_001)).is_ok(),
        "after an abort it may start again"
    );
    assert!(begin(&|_, _| (), Some(&over), at(9_990)).is_ok(), "clocks are put right by seconds");
    assert_eq!(
        says(begin(&|_, _| (), Some(&over), at(0))),
        "the server's clock is 2 h 46 min behind the last step of cohort `payments`: set it right first"
    );
}

#[test]
fn people_stop_and_go_on_only_where_that_means_something() {
    let running = started(StrategyName::Canary);
    let says = |result: Result<Rollout, Refusal>| result.expect_err("refused").to_string();
    let nothing = act(None, &ask(Act::Pause), 0, "kim", at(1));
    assert_eq!(says(nothing), "cohort `payments` has no rollout");
    assert_eq!(
        says(person(&running, Act::Resume, 0, at(1))),
        "the rollout of cohort `payments` is running, not paused: there is nothing to resume"
    );
    let paused = person(&running, Act::Pause, 0, at(1)).expect("it pauses");
    assert_eq!(
        says(person(&paused, Act::Pause, 0, at(2))),
        "the rollout of cohort `payments` is paused already"
    );
    let resumed = person(&paused, Act::Resume, 3, at(2)).expect("it goes on");
    assert_eq!((resumed.state, resumed.accepted), (State::Running, 3));
    assert!(says(person(&resumed, Act::Resume, 0, at(3))).contains("not paused"), "not twice");
    let promoted = person(&resumed, Act::Promote, 0, at(3)).expect("a person may");
    assert_eq!((promoted.state, promoted.ring.cut), (State::Promoted, BUCKETS));
    for act in [Act::Pause, Act::Abort, Act::Promote] {
        assert_eq!(
            says(person(&promoted, act, 0, at(4))),
            "the rollout of cohort `payments` is promoted: nothing more comes of it"
        );
    }
    assert!(says(person(&promoted, Act::Resume, 0, at(4))).contains("not paused"));
    let back = at(1) - SignedDuration::from_hours(2);
    assert!(says(person(&paused, Act::Promote, 0, back)).contains("2 h behind"));
    assert!(person(&running, Act::Pause, 0, back).is_ok(), "to stop needs no clock");
}

#[test]
fn a_decision_counts_for_the_state_that_it_was_made_for() {
    let running = started(StrategyName::AllAtOnce);
    let inventory = Inventory::count([(Seat::Bucket(1), Standing::Enforced)]);
    let decision = plan(&running, &inventory, at(60));
    let paused = person(&running, Act::Pause, 0, at(59)).expect("it pauses");
    let outdated = apply(paused, &decision, at(60)).expect_err("somebody was faster");
    assert!(outdated.to_string().contains("decide again"));
}

#[test]
fn a_clock_that_is_put_forward_bakes_nothing() {
    let inventory = Inventory::count((0..50).map(|one| (Seat::Bucket(one), Standing::Enforced)));
    let mut rollout = started(StrategyName::AllAtOnce);
    let year = 365 * 86_400;
    for second in [0, 0, 0, 0, year, 0, year, 2 * year] {
        let now = at(second);
        let decision = plan(&rollout, &inventory, now);
        rollout = apply(rollout, &decision, now).expect("nothing has changed");
    }
    // Open, enough, two jumps of five minutes each make ten; the jumps back count for nothing.
    let texts: Vec<&str> = rollout.history.iter().map(|entry| entry.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains("went on by 365 d")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.contains("stepped back by 365 d")), "{texts:#?}");
    assert!(rollout.baked <= 3 * MAX_TICK_SECONDS, "{rollout:#?}");
}

#[test]
fn holds_follow_the_ring() {
    let device = |number: u32| {
        let mut bytes = [0_u8; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        DeviceId::from_random(bytes)
    };
    let early = BTreeSet::from(["early".to_owned()]);
    let nobody = BTreeSet::new();
    let mut rollout = started(StrategyName::Canary);
    rollout.ring = Ring { cut: 2_500, volunteers: Turn::Come };
    let hold = |rollout: &Rollout, number, groups, held, newest| {
        let device = device(number);
        let asker = Asker { device: &device, groups, held };
        hold_for(std::slice::from_ref(rollout), newest, &asker, Unplanned::Nobody)
    };
    let holding =
        (0..10_000).filter(|one| hold(&rollout, *one, &nobody, Some(6), 7) == Some(6)).count();
    assert!((7_300..7_700).contains(&holding), "{holding} of 10,000 wait");
    assert!((0..100).all(|one| hold(&rollout, one, &early, Some(6), 7).is_none()));
    assert!((0..100).all(|one| hold(&rollout, one, &nobody, None, 7).is_none()), "new endpoints");
    // A newer bundle does not slip in beside the one that is rolled out.
    assert!((0..100).all(|one| hold(&rollout, one, &early, Some(6), 8) == Some(7)));
    let aborted = person(&rollout, Act::Abort, 0, at(1)).expect("it is aborted");
    assert!((0..100).all(|one| hold(&aborted, one, &nobody, Some(6), 7) == Some(6)));
    let promoted = person(&rollout, Act::Promote, 0, at(1)).expect("a person may");
    assert!((0..100).all(|one| hold(&promoted, one, &nobody, Some(6), 7).is_none()));
    assert!((0..100).all(|one| hold(&promoted, one, &nobody, Some(7), 8) == Some(7)));
    assert_eq!(
        hold_for(
            &[],
            7,
            &Asker { device: &device(1), groups: &nobody, held: Some(6) },
            Unplanned::Nobody
        ),
        None
    );
}

#[test]
fn reasons_are_counted_and_bounded() {
    let mut inventory = Inventory::default();
    for number in 0..2_000 {
        inventory.because(Seat::Bucket(1), &format!("reason {number}"));
    }
    inventory.because(Seat::Volunteer, "reason 3");
    inventory.because(Seat::Bucket(9_000), "of somebody whose turn has not come");
    let ring = Ring { cut: 100, volunteers: Turn::Come };
    let reasons = inventory.reasons(ring, 2);
    assert_eq!(reasons[0].text, OTHER_REASONS);
    assert_eq!(reasons[0].count, 1_000);
    assert_eq!((reasons[1].text.as_str(), reasons[1].count), ("reason 3", 2));
}

#[test]
fn a_rollout_is_kept_and_read_back() {
    let rollout = started(StrategyName::Linear);
    let json = serde_json::to_string(&rollout).expect("JSON");
    assert_eq!(serde_json::from_str::<Rollout>(&json).expect("a rollout"), rollout);
}
