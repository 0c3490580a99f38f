"""Reads releases with python-tuf, as a machine would: one client a case, one refresh and one download
a step. Standard input is what to read, standard output what became of it."""

import datetime
import hashlib
import json
import os
import sys
import urllib.parse

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater
from tuf.ngclient._internal import trusted_metadata_set

QUESTION = json.load(sys.stdin)
NOW = datetime.datetime.fromisoformat(QUESTION["now"].replace("Z", "+00:00"))


class Day(datetime.datetime):
    """The releases are of one day; so is the clock."""

    @classmethod
    def now(cls, tz=None):
        return NOW


trusted_metadata_set.datetime = type(sys)("datetime")
trusted_metadata_set.datetime.__dict__.update(datetime.__dict__)
trusted_metadata_set.datetime.datetime = Day


class FolderFetcher(FetcherInterface):
    """A folder in the place of a web server."""

    def __init__(self, top):
        self.top = top

    def _fetch(self, url):
        name = urllib.parse.unquote(urllib.parse.urlparse(url).path).lstrip("/")
        try:
            with open(os.path.join(self.top, name), "rb") as file:
                return iter([file.read()])
        except FileNotFoundError as error:
            raise DownloadHTTPError(f"no {url}", 404) from error


def step(case, folder):
    client = os.path.join(case["folder"], "client")
    with open(os.path.join(client, "root.json"), "rb") as file:
        root = file.read()
    updater = Updater(
        metadata_dir=os.path.join(case["folder"], "python"),
        metadata_base_url="http://mirror.example/metadata/",
        target_dir=os.path.join(case["folder"], "downloads"),
        target_base_url="http://mirror.example/targets/",
        fetcher=FolderFetcher(folder),
        bootstrap=root,
    )
    updater.refresh()
    target = updater.get_targetinfo(QUESTION["target"])
    if target is None:
        return None
    with open(updater.download_target(target), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


FOUND = []
for one in QUESTION["cases"]:
    os.makedirs(os.path.join(one["folder"], "python"), exist_ok=True)
    for place in one["steps"]:
        try:
            FOUND.append({"digest": step(one, place), "error": None})
        except Exception as error:  # Whatever it is: the client did not take the release.
            FOUND.append({"digest": None, "error": f"{type(error).__name__}: {error}"})
json.dump(FOUND, sys.stdout)
