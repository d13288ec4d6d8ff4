"""`init` and `ui`: a project of one's own, and Dagster over it."""

import os
import subprocess
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from export_pipelines.cli.context import project_of, show
from export_pipelines.errors import SettingsError
from export_pipelines.listening import require_free
from export_pipelines.project import Project

NEW = "new_project"
NAMES = {"gitignore": ".gitignore"}


def init(
    folder: Annotated[Path, typer.Argument(help="Where; it is made if it is not there.")] = Path(),
) -> None:
    """Make a project: Dagster's files, a first export, and a README that says what to do."""
    new = dict(_files(files("export_pipelines") / NEW, folder))
    paths = [str(path) for path in new if path.exists()]
    if paths:
        raise SettingsError(
            f"there is already {', '.join(paths)}; nothing was written",
            where=str(folder.absolute()),
            remedy="name another folder",
        )
    for path, source in new.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
    for path in new:
        show(str(path))
    go = "" if folder.absolute() == Path.cwd() else f"cd {folder} && "
    show(
        f"\nnext: {go}export-pipelines sample leads && export-pipelines run daily_leads --partition 2024-01-15"
    )


def _files(source: Traversable, folder: Path) -> list[tuple[Path, Traversable]]:
    pairs = []
    for file in sorted(source.iterdir(), key=lambda file: file.name):
        path = folder / NAMES.get(file.name, file.name)
        pairs += _files(file, path) if file.is_dir() else [(path, file)]
    return pairs


def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Of 127.0.0.1.")] = 3000,
    service: Annotated[
        bool, typer.Option("--service/--no-service", help="Serve exports over HTTP too, as `serve` does.")
    ] = True,
) -> None:
    """Open Dagster over this project, with its scheduler, and the service beside it, until Ctrl-C.

    EXPORT_PIPELINES_SERVICE_PORT moves the service from port 3080.
    """
    project: Project = project_of(context)
    if not (project.root / "dagster.yaml").is_file():
        raise SettingsError(
            "there is no dagster.yaml here",
            where=str(project.root),
            remedy="export-pipelines init makes a project",
        )
    from export_pipelines.files.private import make_folder
    from export_pipelines.orchestration.instance import DAGSTER_VARIABLE

    folder = Path(project.environment.setdefault(DAGSTER_VARIABLE, str(project.settings.dagster_folder)))
    make_folder(folder)
    project.environment.setdefault("DAGSTER_HOME", str(project.root))
    project.environment.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    require_free("127.0.0.1", port, "stop it, or give another port: --port 3001 (UI_PORT=3001 make ui)")
    if service:
        from export_pipelines.service import ServiceSettings

        ServiceSettings.load(project.environment).require_free()
        door = [sys.executable, "-m", "export_pipelines.cli.app", "serve", "--with-parent"]
        subprocess.Popen(door, env=dict(project.environment))  # noqa: S603 - our own interpreter
    words = ["-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "-m", "export_pipelines.definitions"]
    os.execve(sys.executable, [sys.executable, *words], dict(project.environment))  # noqa: S606 - our own interpreter
