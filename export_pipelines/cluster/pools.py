"""`python -m export_pipelines.cluster.pools`: a row in Dagster's storage for each pool, before the first run.

Dagster makes the row of a pool with its first run, and until then launches more runs at once than the limit allows."""

import sys

import dagster as dg

from export_pipelines.orchestration.instance import open_instance
from export_pipelines.orchestration.op_definitions import pools_of
from export_pipelines.project import Project
from export_pipelines.settings import project_root


def make_pools(instance: dg.DagsterInstance, definitions: dg.Definitions) -> dict[str, int]:
    """The pools with their limits; those that have a row keep it."""
    storage = instance.event_log_storage
    limits = {limit.name: limit.limit for limit in storage.get_pool_limits()}
    for pool in pools_of(definitions) - limits.keys():
        storage.initialize_concurrency_limit_to_default(pool)
    return {limit.name: limit.limit for limit in storage.get_pool_limits()}


def main() -> int:
    import os

    from export_pipelines.definitions import defs

    root = project_root(os.environ)
    with open_instance(Project.open(root).settings, root, os.environ) as instance:
        for pool, limit in sorted(make_pools(instance, defs).items()):
            sys.stdout.write(f"pool {pool}: at most {limit} runs at a time\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
