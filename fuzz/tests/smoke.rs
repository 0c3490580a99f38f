//! Mutated seeds for every target, for a few seconds each, without a fuzzing engine.

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use codex_fuzz::mutate::{Dice, mutate};
use codex_fuzz::{seeds, targets};

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn no_target_breaks_its_promise() {
    let seconds = number("FUZZ_SECONDS", 3);
    let seed = number("FUZZ_SEED", 1);
    let only = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let mut broken = Vec::new();
    for (name, target) in targets::ALL.iter().filter(|(name, _)| name.contains(&only)) {
        let seeds = seeds::of(name);
        assert!(!seeds.is_empty(), "{name} has no seeds");
        seeds.iter().for_each(|seed| target(seed));
        let mut dice = Dice(seed);
        let (started, mut runs) = (Instant::now(), 0_u64);
        let mut slowest = (Duration::ZERO, 0);
        while started.elapsed() < Duration::from_secs(seconds) {
            let input = mutate(&mut dice, &seeds);
            let began = Instant::now();
            let outcome = catch_unwind(|| target(&input));
            slowest = slowest.max((began.elapsed(), input.len()));
            runs += 1;
            if outcome.is_err() {
                let text = String::from_utf8_lossy(&input).into_owned();
                broken.push(format!("{name}, seed {seed}, run {runs}: {text:?}"));
                break;
            }
        }
        println!(
            "{name}: {runs} inputs, slowest {} ms for {} bytes",
            slowest.0.as_millis(),
            slowest.1
        );
        // Hostile input must not stop a machine either.
        assert!(slowest.0 < Duration::from_secs(10), "{name} took {:?}", slowest.0);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
