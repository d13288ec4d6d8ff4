"""What a plan and the ledger hold of a definition as it is; apart from it, so that manifests are read without definitions."""

from typing import Literal

from pydantic import JsonValue
from typing_extensions import TypedDict  # pydantic takes that of typing from Python 3.12 on

Contract = Literal["frozen", "additive", "free"]  # which changes of the columns readers of the files may meet


class StoredEntry(TypedDict):
    """An entry of `deliver:` as JSON, in plans and in the ledger; its spelling is what tells two deliveries apart."""

    kind: str
    settings: dict[str, JsonValue]
