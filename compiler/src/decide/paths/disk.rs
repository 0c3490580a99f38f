//! What is known of the files on a machine: what stands at a path and where links lead.

/// The most links that are followed on the way to one path: as many as Linux follows.
const MOST_LINKS: usize = 40;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Not known: nobody looked.
    Unknown,
    /// Nothing.
    Nothing,
    /// A file, or something else that is no folder.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, and where it leads as it is written.
    Link(String),
}

/// A look at the files of a machine. Paths are absolute, with `/` between their parts.
pub trait Disk {
    /// What stands at a path; links are not followed.
    fn stands(&self, path: &str) -> Stands;
    /// The names in a folder, sorted; empty where it is none or nobody looked.
    fn names(&self, folder: &str) -> Vec<String>;
}

/// The disk of a machine that nobody looked at: the policy alone decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unseen;

impl Disk for Unseen {
    fn stands(&self, _path: &str) -> Stands {
        Stands::Unknown
    }

    fn names(&self, _folder: &str) -> Vec<String> {
        Vec::new()
    }
}

/// A disk in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(std::collections::BTreeMap<String, Stands>);

impl MemoryDisk {
    /// Puts something at a path and folders above it.
    pub fn put(&mut self, path: &str, what: Stands) {
        let mut above = path;
        while let Some((folder, _)) = above.rsplit_once('/') {
            let folder = if folder.is_empty() { "/" } else { folder };
            self.0.entry(folder.to_owned()).or_insert(Stands::Folder);
            if folder == "/" {
                break;
            }
            above = folder;
        }
        self.0.insert(path.to_owned(), what);
    }
}

impl Disk for MemoryDisk {
    fn stands(&self, path: &str) -> Stands {
        self.0.get(path).cloned().unwrap_or(Stands::Nothing)
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let below = if folder == "/" { "/".to_owned() } else { format!("{folder}/") };
        let names = self.0.keys().filter_map(|path| path.strip_prefix(&below));
        let names: std::collections::BTreeSet<&str> = names
            .filter(|rest| !rest.is_empty())
            .filter_map(|rest| rest.split('/').next())
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

/// A path after its links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Where it leads.
    pub(super) path: String,
    /// The first link on the way.
    pub(super) link: Option<String>,
    /// The first link on the way that names its target from the root on.
    pub(super) absolute: Option<String>,
    /// The folders on the way that `..` led out of again.
    pub(super) left: Vec<String>,
}

/// Follows the links on the way to an absolute path, as the kernel does: `..` leaves the folder
/// that a link led to. `None` where links run in circles.
pub(super) fn resolve(path: &str, disk: &dyn Disk) -> Option<Resolved> {
    let mut waiting: Vec<String> = parts(path).rev().map(str::to_owned).collect();
    let (mut at, mut link, mut absolute, mut followed) = (String::new(), None, None, 0);
    let mut left = Vec::new();
    while let Some(part) = waiting.pop() {
        if part == ".." {
            left.push(at.clone());
            at.truncate(at.rfind('/').unwrap_or(0));
            continue;
        }
        let next = format!("{at}/{part}");
        let Stands::Link(target) = disk.stands(&next) else {
            at = next;
            continue;
        };
        followed += 1;
        if followed > MOST_LINKS {
            return None;
        }
        link.get_or_insert_with(|| next.clone());
        if target.starts_with('/') {
            absolute.get_or_insert(next);
            at.clear();
        }
        waiting.extend(parts(&target).rev().map(str::to_owned));
    }
    let path = if at.is_empty() { "/".to_owned() } else { at };
    Some(Resolved { path, link, absolute, left })
}

/// The first thing missing on the way to a path, links followed; `None` where it is there, or
/// nobody looked.
pub(super) fn first_missing(path: &str, disk: &dyn Disk) -> Option<String> {
    above_and_itself(path).find(|path| {
        let resolved = resolve(path, disk);
        resolved.is_some_and(|resolved| disk.stands(&resolved.path) == Stands::Nothing)
    })
}

/// The folders above a path, highest first, then the path itself; without the root.
pub(super) fn above_and_itself(path: &str) -> impl Iterator<Item = String> {
    let mut at = String::new();
    parts(path).map(str::to_owned).collect::<Vec<_>>().into_iter().map(move |part| {
        at.push('/');
        at.push_str(&part);
        at.clone()
    })
}

/// The parts of a path, without empty ones and `.`.
pub(super) fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

/// Whether a path is another one or stands below it.
pub(super) fn is_within(path: &str, folder: &str) -> bool {
    folder == "/"
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// How many parts a path has: of two that hold a third, the one with more is nearer to it.
pub(super) fn depth(path: &str) -> usize {
    parts(path).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_the_kernel_does() {
        let mut disk = MemoryDisk::default();
        disk.put("/a/b/f", Stands::File);
        disk.put("/l", Stands::Link("a/b".to_owned()));
        disk.put("/a/up", Stands::Link("../c/d".to_owned()));
        disk.put("/c/d/x", Stands::File);
        disk.put("/round", Stands::Link("/round".to_owned()));
        let path = |path| resolve(path, &disk).map(|resolved| resolved.path);
        assert_eq!(path("/l/f").as_deref(), Some("/a/b/f"));
        assert_eq!(path("/l/../x").as_deref(), Some("/a/x"));
        assert_eq!(path("/a/up//x").as_deref(), Some("/c/d/x"));
        assert_eq!(path("/../..").as_deref(), Some("/"));
        assert_eq!(path("/round/x"), None);
        assert_eq!(resolve("/l/f", &disk).unwrap().link.as_deref(), Some("/l"));
        assert_eq!(first_missing("/l/zz/y", &disk).as_deref(), Some("/l/zz"));
        assert_eq!(first_missing("/l/zz/y", &Unseen), None);
        assert_eq!(disk.names("/a"), ["b", "up"]);
    }
}
