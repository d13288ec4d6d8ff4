"""The API's routes, a file for each resource."""

from fastapi import APIRouter

from export_pipelines.service.api import artifacts, definitions, deliveries, exports, health, links

router = APIRouter()
for module in (exports, definitions, artifacts, links, deliveries, health):
    router.include_router(module.router)

__all__ = ["router"]
