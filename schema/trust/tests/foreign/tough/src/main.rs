//! Reads releases with tough, as a machine would: one client a case, one refresh and one download a
//! step. Standard input is what to read, standard output what became of it.

use std::path::Path;

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tough::{
    FilesystemTransport, RepositoryLoader, TargetName, Transport, TransportError, TransportStream,
};
use url::Url;

type Problem = Box<dyn std::error::Error>;

/// A folder. Other clients look for `FOLDER/DIGEST.NAME`, as our releases have it; tough puts the
/// digest before the folder.
#[derive(Clone, Debug)]
struct Layout;

#[async_trait::async_trait]
impl Transport for Layout {
    async fn fetch(&self, mut url: Url) -> Result<TransportStream, TransportError> {
        let path = url.path().to_owned();
        let moved = path.split_once("/targets/").and_then(|(top, name)| {
            let (digest, name) = name.split_once('.')?;
            let (folder, name) = name.rsplit_once('/')?;
            Some(format!("{top}/targets/{folder}/{digest}.{name}"))
        });
        if let Some(moved) = moved {
            url.set_path(&moved);
        }
        FilesystemTransport.fetch(url).await
    }
}

async fn step(folder: &Path, step: &Path, target: &str) -> Result<Option<String>, Problem> {
    let root = std::fs::read(folder.join("client/root.json"))?;
    let address = |part: &str| {
        Url::from_directory_path(step.join(part)).map_err(|()| format!("no address for {part}"))
    };
    let memory = folder.join("tough");
    std::fs::create_dir_all(&memory)?;
    let loader = RepositoryLoader::new(&root, address("metadata")?, address("targets")?);
    let repository = loader.transport(Layout).datastore(memory).load().await?;
    let Some(mut stream) = repository.read_target(&TargetName::new(target)?).await? else {
        return Ok(None);
    };
    let mut hash = Sha256::new();
    while let Some(bytes) = stream.try_next().await? {
        hash.update(&bytes);
    }
    Ok(Some(hex::encode(hash.finalize())))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Problem> {
    let input: Value = serde_json::from_reader(std::io::stdin())?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for case in list(&input["cases"]) {
        for place in list(&case["steps"]) {
            let (folder, place) = (text(&case["folder"]), text(&place));
            let answer = step(Path::new(&folder), Path::new(&place), &text(&input["target"])).await;
            found.push(match answer {
                Ok(digest) => json!({ "digest": digest, "error": null }),
                Err(error) => json!({ "digest": null, "error": error.to_string() }),
            });
        }
    }
    println!("{}", Value::from(found));
    Ok(())
}
