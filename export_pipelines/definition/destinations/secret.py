"""A secret stands in no file of definitions: only the name of the variable, or of the file, that holds it."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from export_pipelines.definition.words import fault
from export_pipelines.key_versions import PREFIX


def is_own_variable(name: str) -> bool:
    """Whether it is a variable of the program itself: these hold the operator's secrets."""
    return name.strip().upper().startswith(PREFIX)


OWN_VARIABLE = (
    '"{}" is a variable of the program itself, which no definition may read; name a variable of your own'
)


class SecretName(BaseModel):
    """`{env: SFTP_PASSWORD}` or `{file: /run/secrets/sftp}`: the secret is in that variable, or in that file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise fault("one of env and file is expected: {env: NAME} or {file: PATH}")
        if self.env is not None and is_own_variable(self.env):
            raise fault(OWN_VARIABLE.format(self.env))
        return self


def _no_plain_secret(value: Any) -> Any:
    if isinstance(value, (dict, SecretName)):
        return value
    raise fault(
        "a secret never stands in a file; write {env: NAME} and set NAME in the environment, or {file: PATH}"
    )


Secret = Annotated[SecretName, BeforeValidator(_no_plain_secret, json_schema_input_type=SecretName)]
