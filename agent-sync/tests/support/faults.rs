//! What tests of faults at system calls have in common.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking"
)]

use std::process::Command;

/// Whether system calls can be watched here; where they must, that is an error.
pub fn is_traceable() -> bool {
    let is_there = Command::new("strace").arg("-V").output().is_ok();
    assert!(is_there || std::env::var_os("CI").is_none(), "`strace` is needed for this test");
    if !is_there {
        eprintln!("NOT RUN: `strace` is absent");
    }
    is_there
}

/// What is wrong after each fault. Two halves beside each other: what they wait for is the disk.
pub fn inject_all<Point: Sync>(
    points: &[Point],
    inject: impl Fn(&Point) -> Vec<String> + Sync,
) -> Vec<String> {
    let (first, second) = points.split_at(points.len() / 2);
    std::thread::scope(|scope| {
        let runs = [first, second]
            .map(|points| scope.spawn(|| points.iter().flat_map(&inject).collect::<Vec<_>>()));
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    })
}
