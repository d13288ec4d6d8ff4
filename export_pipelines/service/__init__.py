"""Exports over HTTP: an API in the shape of LeadConduit's, downloads, and links. It holds no data of its own: requests are in
the ledger, runs in Dagster, files in the store. A request comes in, a JSON document, a problem document or a file goes out."""

from export_pipelines.service.app import create_app
from export_pipelines.service.server import serve
from export_pipelines.service.settings import ServiceSettings

__all__ = ["ServiceSettings", "create_app", "serve"]
