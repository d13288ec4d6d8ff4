"""The status of what lies around: disks, keys, the audit's checkpoints, the ledger's clock."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from export_pipelines.diagnosis import Finding
from export_pipelines.errors import ExportError
from export_pipelines.key_versions import PREFIX, KeyVersions
from export_pipelines.ledger.clock import clock_ahead, require_same_clock
from export_pipelines.ledger.verify_audit import last_checkpoint_at
from export_pipelines.project import Project
from export_pipelines.quantities import counted, size
from export_pipelines.settings import Settings
from export_pipelines.status.part import StatusPart, span

LEAST_FREE_BYTES, LEAST_FREE_SHARE = 1_000_000_000, 0.05
OLD_KEY = timedelta(days=365)
OLD_CHECKPOINT = timedelta(days=2)  # the job `sweep` signs one every night
NAMES = ("HASH_KEY", "MASTER_KEY", "AUDIT_KEY", "LINK_KEY")


@dataclass(frozen=True)
class DiskSpace:
    """Of the file system that `path` lies on, in bytes; `place` is `home` or `store`."""

    place: str
    path: Path
    free: int
    total: int

    @property
    def is_short(self) -> bool:
        return self.free < max(LEAST_FREE_BYTES, LEAST_FREE_SHARE * self.total)


@dataclass(frozen=True)
class KeyAge:
    """Of one version of a key: since its file was written, None for one that the environment or a KMS holds."""

    name: str
    where: str
    age: timedelta | None


def disk_spaces(settings: Settings) -> list[DiskSpace]:
    """Of HOME and of the artifact store, where that is a folder; one entry for both where they are on one file system."""
    folders = {"home": settings.home}
    if "://" not in settings.store_url:
        folders["store"] = Path(settings.store_url)
    spaces, devices = [], set[int]()
    for place, folder in folders.items():
        path = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if (device := path.stat().st_dev) not in devices:
            devices.add(device)
            usage = shutil.disk_usage(path)
            spaces.append(DiskSpace(place, folder, usage.free, usage.total))
    return spaces


def key_ages(settings: Settings, now: datetime) -> Iterator[KeyAge]:
    for name in NAMES:
        versions: KeyVersions = getattr(settings, name.lower())
        for key in versions.local:
            path = Path(settings.root, key.where.rpartition("=")[2])
            yield KeyAge(key.name, key.where, now - _written_at(path) if path.is_file() else None)
        for in_kms in versions.kms:
            yield KeyAge(in_kms.name, "AWS KMS", None)


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def disk(project: Project, now: datetime) -> StatusPart:
    spaces = disk_spaces(project.settings)
    findings = [
        Finding(
            "bad" if space.is_short else "good",
            f"{space.place}: {size(space.free)} of {size(space.total)} free",
            f"make room on the file system of {space.path}: export-pipelines sweep, shorter retention, a larger disk"
            if space.is_short
            else "",
        )
        for space in spaces
    ]
    figures = {space.place: {"free_bytes": space.free, "size_bytes": space.total} for space in spaces}
    return StatusPart("disk", findings, figures)


def keys(project: Project, now: datetime) -> StatusPart:
    ages = list(key_ages(project.settings, now))
    figures = {key.name: {"age_seconds": key.age and key.age.total_seconds()} for key in ages}
    findings = [_key(key) for key in ages] or [Finding("good", "no key is set")]
    return StatusPart("keys", findings, figures)


def _key(key: KeyAge) -> Finding:
    if key.age is None:
        return Finding("good", f"{key.name}: {key.where}, of unknown age")
    text = f"{key.name}: written {span(key.age)} ago"
    if key.age <= OLD_KEY:
        return Finding("good", text)
    newer = "docs/reference.md, Keys, says how a newer version is added"
    return Finding(
        "note", text, newer if not key.name.startswith("MASTER") else "export-pipelines master-key rotate"
    )


def audit(project: Project, now: datetime) -> StatusPart:
    at = last_checkpoint_at(project.ledger.engine)
    figures = {"checkpoint_age_seconds": (now - at).total_seconds() if at else None}
    sign = "the job `sweep` signs one every night: turn its schedule on; or export-pipelines audit checkpoint"
    if not project.settings.audit_key.is_set:
        text = f"no checkpoints are signed: {PREFIX}AUDIT_KEY is not set"
        finding = Finding("note", text, "docs/access.md, The audit")
    elif at is None:
        finding = Finding("bad", "no checkpoint was ever signed", sign)
    elif now - at > OLD_CHECKPOINT:
        finding = Finding("bad", f"the last checkpoint was signed {span(now - at)} ago", sign)
    else:
        finding = Finding("good", f"the last checkpoint was signed {span(now - at)} ago")
    return StatusPart("audit", [finding], figures)


def definitions(project: Project, now: datetime) -> StatusPart:
    loaded = project.loaded
    exports, streams, broken = len(loaded.definitions), len(loaded.streams), sorted(loaded.broken)
    figures = {"exports": exports, "streams": streams, "broken": len(broken)}
    if broken:
        text = f"{counted(len(broken), 'definition')} broken: {', '.join(broken)}"
        return StatusPart("definitions", [Finding("bad", text, "export-pipelines check")], figures)
    text = f"{counted(exports, 'export')}, {counted(streams, 'stream')}"
    return StatusPart("definitions", [Finding("good", text)], figures)


def ledger(project: Project, now: datetime) -> StatusPart:
    ahead = clock_ahead(project.ledger.engine, project.now)
    if ahead is None:
        return StatusPart("ledger", [Finding("good", "SQLite, of this machine alone")])
    figures = {"clock_ahead_seconds": ahead.total_seconds()}
    try:
        require_same_clock(ahead)
    except ExportError as error:
        return StatusPart("ledger", [Finding("bad", f"{error.where}: {error.what}", error.remedy)], figures)
    text = f"PostgreSQL answers, its clock is within {max(abs(ahead.total_seconds()), 1):.0f} s of ours"
    return StatusPart("ledger", [Finding("good", text)], figures)
