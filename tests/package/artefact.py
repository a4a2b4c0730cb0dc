"""The collection's tarball, the same bytes from the same sources.

ansible-galaxy writes the time of the build and the order of the file system into it. Neither is
part of the sources: both are taken out here.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile

from shipment import ROOT, copy


def build(folder: pathlib.Path, root: pathlib.Path = ROOT) -> pathlib.Path:
    """Build the collection of a checkout into `folder` and return the tarball's path.

    Times in it are those of `epoch`. Needs ansible-galaxy in the path.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-") as scratch:
        sources = pathlib.Path(scratch, "sources")
        copy(sources, root)
        command = ["ansible-galaxy", "collection", "build", str(sources), "--output-path", scratch]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (built,) = pathlib.Path(scratch).glob("*.tar.gz")
        path = folder / built.name
        path.write_bytes(normalised(built.read_bytes(), epoch(root)))
    return path


def epoch(root: pathlib.Path) -> int:
    """Seconds since 1970 that stand for the time of the build.

    SOURCE_DATE_EPOCH, without that variable the time of the last commit.
    """
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said is None:
        command = ["git", "log", "-1", "--format=%ct"]
        done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
        said = done.stdout
    return int(said)


def normalised(tarball: bytes, seconds: int) -> bytes:
    """The same collection, its files in the order of their names and all of one time."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as old:
        members = {member.name: member for member in old.getmembers()}
        contents = {
            name: file.read()
            for name, member in members.items()
            if (file := old.extractfile(member))
        }
    listed = json.loads(contents["FILES.json"])
    listed["files"].sort(key=lambda entry: entry["name"])
    contents["FILES.json"] = json.dumps(listed, indent=True).encode()
    manifest = json.loads(contents["MANIFEST.json"])
    digest = hashlib.sha256(contents["FILES.json"]).hexdigest()
    manifest["file_manifest_file"]["chksum_sha256"] = digest
    contents["MANIFEST.json"] = json.dumps(manifest, indent=True).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for name in sorted(members):
            member, content = members[name], contents.get(name, b"")
            member.size, member.mtime, member.pax_headers = len(content), seconds, {}
            new.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=seconds)
