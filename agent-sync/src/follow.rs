//! How hints are come by: over the push channel, or by long polls where no channel lives. A machine
//! of states without a clock, a network or dice of its own; `fetcher` carries it out.
//!
//! **Invariants.**
//! - A hint is never believed: what is handed on only causes a check-in, which has limits of its own.
//! - Whatever a server or a proxy does, there is always a next try, and never more than
//!   [`QUICK`] messages and tries within [`WINDOW`].

use std::time::Duration;

use codex_fleet::push::Hint;

/// How many channels in a row may end early before polls are made instead.
pub const TRIES: u32 = 3;

/// How long polls are made before a channel is tried again.
pub const FLOOR: Duration = Duration::from_hours(1);

/// The first pause after a failure; it doubles up to [`LONGEST_PAUSE`].
pub const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause after a failure, and the longest spread of a reconnection that a server can
/// ask for.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The shortest spread of a reconnection: a server that ends is left by all of its machines at once.
pub const SHORTEST_SPREAD: Duration = Duration::from_secs(1);

/// The shortest and the longest silence that is waited for on a channel.
pub const SILENCE: [Duration; 2] = [Duration::from_secs(20), Duration::from_mins(10)];

/// How many messages are taken at once …
pub const QUICK: u32 = 10;

/// … within so long; after that one a second.
pub const WINDOW: Duration = Duration::from_secs(10);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Open a channel and listen to it until it ends.
    Channel,
    /// Ask once whether something is newer than this revision.
    Poll(u64),
}

/// What a message is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whether it says something that the last one did not.
    pub news: News,
    /// How long to wait before anything else is read.
    pub pause: Duration,
    /// How long the next message may take.
    pub silence: Duration,
}

/// Whether a hint is to be handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It is.
    Yes,
    /// It says what the last one did: a heartbeat.
    No,
}

/// Follows hints.
#[derive(Clone, Debug)]
pub struct Follower {
    /// The revision of the last hint; none before the first.
    revision: Option<u64>,
    /// How many channels ended early in a row.
    early: u32,
    /// How many polls failed in a row.
    failures: u32,
    /// When the channel that is open was opened.
    opened: Duration,
    /// What the last hint of the channel that is open said: spread and heartbeat.
    said: Option<(Duration, Duration)>,
    /// Whether one poll is made before the next channel, so that nobody is deaf meanwhile.
    polls_next: bool,
    /// Until when polls are made.
    floor_until: Duration,
    /// Since when messages are counted, and how many there were.
    counted: (Duration, u32),
}

impl Default for Follower {
    fn default() -> Self {
        Self {
            revision: None,
            early: 0,
            failures: 0,
            opened: Duration::ZERO,
            said: None,
            polls_next: false,
            floor_until: Duration::ZERO,
            counted: (Duration::ZERO, 0),
        }
    }
}

impl Follower {
    /// What to do now, by a clock that only runs forward.
    pub fn way(&mut self, now: Duration) -> Way {
        if std::mem::take(&mut self.polls_next) || now < self.floor_until {
            return Way::Poll(self.revision.unwrap_or(0));
        }
        (self.opened, self.said) = (now, None);
        Way::Channel
    }

    /// Takes a hint of either way.
    pub fn heard(&mut self, now: Duration, hint: &Hint) -> Message {
        self.failures = 0;
        let beat = Duration::from_secs(hint.heartbeat.min(3_600));
        let [shortest, longest] = SILENCE;
        // Half as much again, for a line that is slow.
        let silence = (beat + beat / 2).clamp(shortest, longest);
        let spread = if hint.reconnect == 0 { hint.spread } else { hint.reconnect };
        let spread = Duration::from_millis(spread).clamp(SHORTEST_SPREAD, LONGEST_PAUSE);
        self.said = Some((spread, beat.clamp(shortest, longest)));
        // Another revision, not a higher one: who once said too high a number must not have the
        // last word.
        let news = if self.revision == Some(hint.revision) { News::No } else { News::Yes };
        self.revision = Some(hint.revision);
        Message { news, pause: self.pause(now), silence }
    }

    fn pause(&mut self, now: Duration) -> Duration {
        let (since, count) = self.counted;
        self.counted =
            if now.saturating_sub(since) >= WINDOW { (now, 1) } else { (since, count + 1) };
        let is_quick = self.counted.1 <= QUICK;
        if is_quick { Duration::ZERO } else { Duration::from_secs(1) }
    }

    /// The channel could not be had, or has ended; how long to wait. `roll` is from 0 to 1.
    pub fn ended(&mut self, now: Duration, roll: f64) -> Duration {
        let lived = now.saturating_sub(self.opened);
        let said = self.said.take();
        let is_early = said.is_none_or(|(_, beat)| lived < beat);
        self.early = if is_early { self.early + 1 } else { 0 };
        if self.early >= TRIES {
            // Something between here and there lets no channel live.
            (self.early, self.floor_until) = (0, now + FLOOR);
        }
        // Without a first hint it is the poll that finds out whether there is a server at all.
        self.polls_next = said.is_none();
        said.map_or(Duration::ZERO, |(spread, _)| spread.mul_f64(roll))
    }

    /// A poll has failed; how long to wait.
    pub fn failed(&mut self, roll: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE).mul_f64(0.5 + 0.5 * roll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn hint(revision: u64) -> Hint {
        Hint { timestamp: 1, revision, spread: 20_000, reconnect: 0, heartbeat: 60 }
    }

    #[test]
    fn a_channel_that_lives_is_opened_again_within_the_spread_of_the_server() {
        let mut one = Follower::default();
        assert_eq!(one.way(at(0)), Way::Channel);
        let first = one.heard(at(1), &hint(7));
        assert_eq!((first.news, first.pause), (News::Yes, Duration::ZERO));
        assert_eq!(first.silence, at(90), "half as long again as the heartbeat");
        assert_eq!(one.heard(at(61), &hint(7)).news, News::No, "a heartbeat");
        assert_eq!(one.heard(at(62), &hint(8)).news, News::Yes);
        assert_eq!(one.ended(at(100), 1.0), at(20));
        assert_eq!(one.way(at(120)), Way::Channel);
        // What a hostile server says has bounds.
        for (spread, longest) in [(u64::MAX, LONGEST_PAUSE), (0, SHORTEST_SPREAD)] {
            let mad = Hint { spread, heartbeat: u64::MAX, ..hint(9) };
            assert_eq!(one.heard(at(121), &mad).silence, SILENCE[1]);
            assert_eq!(one.ended(at(100_000), 1.0), longest);
            assert_eq!(one.way(at(100_000)), Way::Channel);
        }
        // A hint that few have to follow may be followed at once; a server that went is still left
        // by all.
        one.heard(at(100_001), &Hint { spread: 1, reconnect: 20_000, ..hint(9) });
        assert_eq!(one.ended(at(100_200), 1.0), at(20));
        assert_eq!(one.way(at(100_220)), Way::Channel);
        let hasty = Hint { heartbeat: 0, ..hint(9) };
        assert_eq!(one.heard(at(200_000), &hasty).silence, SILENCE[0]);
    }

    #[test]
    fn where_no_channel_lives_polls_are_the_floor_for_an_hour() {
        for says in [None, Some(hint(7))] {
            let mut one = Follower::default();
            let mut now = at(0);
            for _ in 0..TRIES {
                assert_eq!(one.way(now), Way::Channel);
                // Refused at once, muted before the first hint, or cut soon after it.
                says.as_ref().map(|hint| one.heard(now, hint));
                now += at(10);
                now += one.ended(now, 1.0);
                if says.is_none() {
                    assert_eq!(one.way(now), Way::Poll(0), "nobody is deaf meanwhile");
                }
            }
            let known = says.as_ref().map_or(0, |hint| hint.revision);
            assert_eq!(one.way(now), Way::Poll(known));
            assert_eq!(one.way(now + FLOOR / 2), Way::Poll(known));
            assert_eq!(one.way(now + FLOOR), Way::Channel);
        }
    }

    #[test]
    fn failures_are_tried_again_ever_more_slowly() {
        let mut one = Follower::default();
        let waits: Vec<u64> = (0..9).map(|_| one.failed(1.0).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        one.heard(at(0), &hint(1));
        assert_eq!(one.failed(0.0), at(5) / 2);
    }

    #[test]
    fn a_flood_of_messages_is_read_slowly_and_a_lie_has_not_the_last_word() {
        let mut one = Follower::default();
        let _way = one.way(at(0));
        let paused = (0..100).filter(|count| one.heard(at(1), &hint(*count)).pause > at(0));
        assert_eq!(paused.count(), 90);
        assert_eq!(one.heard(at(30), &hint(u64::MAX)).pause, Duration::ZERO);
        assert_eq!(one.heard(at(31), &hint(5)).news, News::Yes, "although the number is lower");
    }
}
