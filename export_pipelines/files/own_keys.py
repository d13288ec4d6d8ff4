"""Keys that the program makes for itself, in HOME, readable by their owner only."""

import os
import secrets
from pathlib import Path

from export_pipelines.errors import SettingsError
from export_pipelines.files.private import make_folder

KEY_BYTES = 32


def make_key(path: Path) -> bool:
    """Writes a new random key to `path`, unless there is one; False where there is. Raises SettingsError."""
    try:
        make_folder(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    except FileExistsError:
        return False
    except OSError as error:
        raise SettingsError(f"cannot write the key: {error.strerror}", where=str(path)) from error
    return True
