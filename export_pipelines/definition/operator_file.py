"""Files of the operator, such as alerts.yaml and allowed.yaml: YAML read as a model, with the line of every fault."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from export_pipelines.catalog.load import shown
from export_pipelines.definition.document import read_document
from export_pipelines.errors import DefinitionError
from export_pipelines.yaml.schema_faults import plain_faults

Model = TypeVar("Model", bound=BaseModel)


def read_operator_file(path: Path, model: type[Model]) -> Model:
    """The file as a `model`. Raises DefinitionError with every fault and its line, also where there is no file."""
    document, file = read_document(path), shown(path)
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        faults = plain_faults(error, model)
        raise DefinitionError(f"{file}:{document.line(key)}: {text}" for key, text in faults) from None
