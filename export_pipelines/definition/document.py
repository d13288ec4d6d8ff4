"""A file of definitions or of the operator, read as YAML."""

from pathlib import Path

from export_pipelines.catalog.load import shown
from export_pipelines.errors import DefinitionError
from export_pipelines.yaml.lines import Document, YamlFault, read_yaml_file


def read_document(path: Path) -> Document:
    """The file's document. Raises DefinitionError, also where there is no file."""
    file = shown(path)
    try:
        return read_yaml_file(path)
    except OSError as error:
        raise DefinitionError([f"{file}: cannot read the file: {error.strerror}"]) from error
    except YamlFault as error:
        raise DefinitionError([f"{file}:{error.line}: {error.what}"]) from error
