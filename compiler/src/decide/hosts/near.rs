//! Entries that nearly match a host.

use crate::decide::answer::NearMiss;
use crate::decide::domains::DomainEntry;

/// Most of them that are told.
const MOST: usize = 3;

/// The entries whose name is nearest to a host, of those that do not match it.
pub(super) fn of<'entry>(
    host: &str,
    entries: impl Iterator<Item = &'entry DomainEntry<'entry>>,
    said: impl Fn(&DomainEntry<'_>) -> crate::decide::answer::EntrySaid,
) -> Vec<NearMiss> {
    let asked: Vec<&str> = host.rsplit('.').collect();
    let mut found: Vec<(usize, NearMiss)> = entries
        .filter(|entry| !entry.pattern.matches(host))
        .filter_map(|entry| {
            let (alike, differs) = compare(entry.text, host, &asked)?;
            Some((alike, NearMiss { entry: said(entry), differs }))
        })
        .collect();
    found.sort_by_key(|(alike, _)| std::cmp::Reverse(*alike));
    found.into_iter().take(MOST).map(|(_, near)| near).collect()
}

/// How alike they are, and where they differ; `None` where they have nothing to do with each other.
fn compare(text: &str, host: &str, asked: &[&str]) -> Option<(usize, String)> {
    let name = text.trim().trim_end_matches('.').to_lowercase();
    if let Some(base) = name.strip_prefix("*.").filter(|base| *base == host) {
        return Some((usize::MAX, format!("`*.{base}` covers what is below `{base}`, not itself")));
    }
    if !name.is_ascii() {
        let differs = "it has letters that are not of ASCII, and matches nothing";
        return Some((1, differs.to_owned()));
    }
    let plain = name.trim_start_matches('*').trim_start_matches('.');
    let own: Vec<&str> = plain.rsplit('.').collect();
    let same = own.iter().zip(asked).take_while(|(own, asked)| own == asked).count();
    if same == own.len() && same < asked.len() {
        let differs = format!("`{text}` does not cover what is below it: write `**.{plain}`");
        return Some((same * 2 + 1, differs));
    }
    if same == asked.len() {
        return (same > 1).then(|| (same * 2, "it is for names below the host".to_owned()));
    }
    let (own_label, asked_label) = (own.get(same)?, asked.get(same)?);
    let one_label = own.len() == asked.len()
        && own.iter().zip(asked).filter(|(own, asked)| own != asked).count() == 1;
    // What only the last label has in common, such as `com`, is not alike.
    (same > 1 || one_label && asked.len() > 1).then(|| {
        let differs = format!("`{own_label}` is not `{asked_label}`");
        (same * 2 + usize::from(one_label), differs)
    })
}
