"""Where the files of one artifact go: a template of the definition, filled in and proved not to leave its root."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from export_pipelines.artifacts import Manifest
from export_pipelines.errors import RequestError
from export_pipelines.plan.window_words import window_words
from export_pipelines.templates import render

MAX_VERSIONS = 10_000
MAX_PLACE_BYTES = 1024  # of an S3 key; file systems allow more


def words_of(manifest: Manifest) -> Mapping[str, str]:
    """The words that a template of a destination may use."""
    return {
        **window_words(manifest.window),
        "export": manifest.export,
        "type": manifest.type,
        "version": str(manifest.version),
        "run": manifest.artifact.rpartition("/")[2],
    }


def place_of(template: str, words: Mapping[str, str], where: str) -> str:
    """`template` with `words` put in. Raises RequestError when it is empty, too long or climbs out of its root;
    `where` names the setting, as `deliver.sftp.path`."""
    text = render(template, words)
    where = f'{where} "{template}"'
    if not text.strip() or "\x00" in text:
        raise RequestError("the path is empty", where=where, remedy="name a folder")
    if text.startswith("~"):
        raise RequestError(f'"{text}" begins with ~', where=where, remedy="write the folder out in full")
    if ".." in PurePosixPath(text).parts:
        raise RequestError(
            f'"{text}" climbs out with ".."', where=where, remedy="write the folder without .."
        )
    if len(text.encode()) > MAX_PLACE_BYTES:
        raise RequestError(
            f"the path has more than {MAX_PLACE_BYTES} bytes", where=where, remedy="shorten it"
        )
    return text


def versioned(name: str, number: int, where: str) -> str:
    """`name`, then `name_v2`, `name_v3`, ... Raises RequestError when there are MAX_VERSIONS."""
    if number > MAX_VERSIONS:
        raise RequestError(f"there are {MAX_VERSIONS} versions already", where=where)
    return name if number == 1 else f"{name}_v{number}"
