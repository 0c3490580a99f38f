//! Notices that something changes in some folders: at once on Linux, by looking again elsewhere.

use std::path::PathBuf;
use std::time::Duration;

/// What is watched for while nothing can be told at once.
#[cfg(not(target_os = "linux"))]
const GLANCE: Duration = Duration::from_millis(500);

/// Waits until something may have changed in one of the folders, or so long. Folders that are not
/// there, or come and go, are looked at again by the next call.
///
/// `armed` is called once nothing can be missed any more: what changed before is found by whoever
/// looks then.
#[cfg(target_os = "linux")]
pub fn wait(folders: &[PathBuf], longest: Duration, armed: impl FnOnce()) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

    let Ok(queue) = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) else {
        armed();
        return std::thread::sleep(longest.min(Duration::from_secs(1)));
    };
    let what = WatchFlags::CLOSE_WRITE
        | WatchFlags::MODIFY
        | WatchFlags::ATTRIB
        | WatchFlags::MOVE
        | WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR
        | WatchFlags::DONT_FOLLOW;
    let watched = folders.iter().filter(|folder| add_watch(&queue, folder.as_path(), what).is_ok());
    let all = watched.count() == folders.len();
    // What is not there cannot be watched: look again soon.
    let longest = if all { longest } else { longest.min(Duration::from_secs(1)) };
    let timeout = Timespec::try_from(longest).ok();
    armed();
    let mut queues = [PollFd::new(&queue, PollFlags::IN)];
    // An interruption is as good as an event: the caller looks.
    let _woken = poll(&mut queues, timeout.as_ref());
}

/// Waits a moment: there is no inotify here.
#[cfg(not(target_os = "linux"))]
pub fn wait(_: &[PathBuf], longest: Duration, armed: impl FnOnce()) {
    armed();
    std::thread::sleep(longest.min(GLANCE));
}
