//! Entries that nearly decide otherwise.

use super::disk::{depth, parts};
use super::entries::{Entry, Right};
use super::resolve::{Decision, Ground, View};
use super::spelling::shown;
use crate::decide::answer::NearMiss;
use crate::decide::question::Access;
use crate::machine::Os;

/// Most of them that are told.
const MOST: usize = 3;

/// Entries that would change the answer if the path were a little different, nearest first.
pub(super) fn of(
    view: &View<'_>,
    path: &str,
    access: Access,
    decision: &Decision<'_>,
    os: Os,
) -> Vec<NearMiss> {
    let would_change = |entry: &&Entry| match (decision.right, access) {
        (Right::Deny, Access::Read) => entry.right != Right::Deny,
        (Right::Deny | Right::Read, Access::Write) => entry.right == Right::Write,
        (Right::Read | Right::Write, Access::Read) => entry.right == Right::Deny,
        (Right::Write, Access::Write) => entry.right != Right::Write,
    };
    let decided = |entry: &&Entry| match &decision.ground {
        Ground::Entry(own) => std::ptr::eq(*entry, *own),
        Ground::Kept { .. } | Ground::Own(_) | Ground::Way | Ground::Nothing => false,
    };
    let asked: Vec<&str> = parts(path).collect();
    let mut found: Vec<(usize, usize, NearMiss)> = view
        .rights
        .entries
        .iter()
        .filter(|entry| would_change(entry) && !decided(entry) && entry.path != "/")
        .filter_map(|entry| {
            let (alike, differs) = compare(entry, &asked, os)?;
            Some((alike, depth(&entry.path), NearMiss { entry: entry.said(), differs }))
        })
        .collect();
    found.sort_by_key(|(alike, depth, _)| (std::cmp::Reverse(*alike), *depth));
    found.into_iter().take(MOST).map(|(_, _, near)| near).collect()
}

/// How many parts two paths share at either end, and where they part; `None` where they have
/// nothing in common.
fn compare(entry: &Entry, asked: &[&str], os: Os) -> Option<(usize, String)> {
    let own: Vec<&str> = parts(&entry.path).collect();
    let same = own.iter().zip(asked).take_while(|(own, asked)| own == asked).count();
    let left = own.len().min(asked.len()) - same;
    let behind = own.iter().rev().zip(asked.iter().rev());
    let tail = behind.take(left).take_while(|(own, asked)| own == asked).count();
    // A folder that all have in common, such as `/home`, makes no two paths alike.
    if same + tail == 0 || same + tail == 1 && own.len().max(asked.len()) > 3 {
        return None;
    }
    if let Some(glob) = &entry.glob {
        let base = shown(&glob.base, os);
        let within = parts(&glob.base).zip(asked).all(|(base, asked)| base == *asked);
        let differs = if within {
            format!("it is in `{base}`, and the pattern does not match the rest")
        } else {
            format!("it is not in `{base}`")
        };
        return Some((same + tail, differs));
    }
    let differs = match (own.get(same), asked.get(same)) {
        (Some(own), Some(asked)) => {
            format!("differs in segment {}: `{own}` is not `{asked}`", same + 1)
        }
        (Some(_), None) => "it is below the path that was asked about".to_owned(),
        (None, _) => "it covers the path, but another entry is nearer to it".to_owned(),
    };
    Some((same + tail, differs))
}
