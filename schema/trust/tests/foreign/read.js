// Reads releases with tuf-js, as a machine would: one client a case, one refresh and one download a
// step. Standard input is what to read, standard output what became of it.
"use strict";

const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { Readable } = require("node:stream");
const { createRequire } = require("node:module");

const input = JSON.parse(fs.readFileSync(0, "utf8"));
const from = createRequire(path.join(input.client, "package.json"));
const client = from("tuf-js");
const { DownloadHTTPError } = from("tuf-js/dist/error");

// The releases are of one day; so is the clock.
const RealDate = Date;
const now = RealDate.parse(input.now);
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now] : given));
  }
  static now() {
    return now;
  }
};

// A folder in the place of a web server.
class FolderFetcher extends client.BaseFetcher {
  constructor(top) {
    super();
    this.top = top;
  }
  async fetch(address) {
    const file = path.join(this.top, decodeURIComponent(new URL(address).pathname));
    if (!fs.existsSync(file)) {
      throw new DownloadHTTPError(`no ${address}`, 404);
    }
    return Readable.from([fs.readFileSync(file)]);
  }
}

async function step(one, folder) {
  const updater = new client.Updater({
    metadataDir: path.join(one.folder, "client"),
    metadataBaseUrl: "http://mirror.example/metadata",
    targetDir: path.join(one.folder, "downloads"),
    targetBaseUrl: "http://mirror.example/targets",
    fetcher: new FolderFetcher(folder),
  });
  await updater.refresh();
  const target = await updater.getTargetInfo(input.target);
  if (!target) {
    return null;
  }
  const file = await updater.downloadTarget(target);
  return createHash("sha256").update(fs.readFileSync(file)).digest("hex");
}

async function main() {
  const found = [];
  for (const one of input.cases) {
    for (const folder of one.steps) {
      try {
        found.push({ digest: await step(one, folder), error: null });
      } catch (error) {
        found.push({ digest: null, error: `${error.name}: ${error.message}` });
      }
    }
  }
  process.stdout.write(JSON.stringify(found));
}

main();
