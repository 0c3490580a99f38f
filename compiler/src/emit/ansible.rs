//! Tasks for Ansible. They copy the files of the `system` target, which lie beside them.

use std::fmt::Write as _;

use super::system::{FILE_MODE, FOLDER, UNIX_FOLDER};
use super::{Artifact, EmitError, Subject};

/// Makes them.
pub(super) fn make(subject: &Subject<'_>) -> Result<Vec<Artifact>, EmitError> {
    let refused = |_| EmitError::Format("tasks for Ansible", "out of memory".to_owned());
    let mut text = String::from("---\n");
    for line in subject.stamp.lines() {
        writeln!(text, "# {line}").map_err(refused)?;
    }
    text.push_str(
        "# Include it with `ansible.builtin.include_tasks`; the files are found beside this one.\n",
    );
    let mut folders: Vec<String> = vec![UNIX_FOLDER.to_owned()];
    for (path, _) in subject.policy_files() {
        if let Some((folder, _)) = path.rsplit_once('/') {
            let folder = format!("{UNIX_FOLDER}/{folder}");
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    for folder in folders {
        write!(
            text,
            "- name: Codex policy, folder {folder}\n  ansible.builtin.file:\n    path: {folder}\n    \
             state: directory\n    owner: root\n    group: root\n    mode: \"0755\"\n"
        )
        .map_err(refused)?;
    }
    for (path, _) in subject.policy_files() {
        write!(
            text,
            "- name: Codex policy, {path}\n  ansible.builtin.copy:\n    \
             src: \"{{{{ task_path | default(playbook_dir) }}}}/../{FOLDER}/{path}\"\n    \
             dest: {UNIX_FOLDER}/{path}\n    owner: root\n    group: root\n    mode: \"{FILE_MODE}\"\n    \
             follow: false\n"
        )
        .map_err(refused)?;
    }
    Ok(vec![Artifact {
        path: "linux/ansible.yml".to_owned(),
        bytes: text.into_bytes(),
        target: "ansible",
        installs: Vec::new(),
    }])
}
