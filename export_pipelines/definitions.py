"""Dagster's door: `defs`, built from the settings of this process."""

import os

from export_pipelines.files.private import close_umask
from export_pipelines.logs import log_as_asked
from export_pipelines.orchestration import build_definitions
from export_pipelines.project import Project
from export_pipelines.settings import project_root
from export_pipelines.telemetry import trace_as_asked

close_umask()
log_as_asked(os.environ)
trace_as_asked(os.environ)
defs = build_definitions(Project.open(project_root(os.environ)))
