"""Which exports a caller may see, by the rights of today; what stands in no file is its requester's alone."""

from export_pipelines.artifacts import Manifest
from export_pipelines.definition.reserved_names import AD_HOC
from export_pipelines.errors import Denied, ExportError
from export_pipelines.plan.window import scheduled_window
from export_pipelines.service.auth import Caller
from export_pipelines.service.service import Service


def may_see(service: Service, caller: Caller, export: str) -> bool:
    """Whether the caller's rights reach the export at all."""
    project = service.project
    if caller.asker is None:
        return True
    if export.startswith(AD_HOC):
        return is_own(service, caller, export)
    try:
        definition = project.definition(export)
        window = scheduled_window(definition, project.now())
        project.request_to_compare(definition, window, caller.asker, "view")
    except ExportError:
        return caller.is_admin
    return True


def is_own(service: Service, caller: Caller, export: str) -> bool:
    """Whether an ad-hoc export is the caller's."""
    request = service.project.export_requests.of_export(export)
    return caller.is_admin or (request is not None and request.requester == caller.principal)


def require_fetch(service: Service, caller: Caller, manifest: Manifest) -> None:
    """Raises Denied unless the rights of today give the caller all of the artifact."""
    if "download" not in caller.permissions:
        raise Denied('no role has the permission "download"', where=manifest.artifact)
    if caller.asker is None:
        return
    if manifest.export.startswith(AD_HOC) and not is_own(service, caller, manifest.export):
        raise Denied("the export is somebody else's", where=manifest.artifact)
    service.project.require_fetchable(manifest, caller.asker)
