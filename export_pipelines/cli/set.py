"""`--set filter.lead_ids=[...]`: a part of the filter that is told when the export is launched."""

from typing import TYPE_CHECKING, Annotated

import typer

from export_pipelines.errors import RequestError

if TYPE_CHECKING:
    from export_pipelines.definition.overrides import RunOverrides

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A key of the filter for this run alone: filter.lead_ids=[id, id].",
        show_default=False,
    ),
]


def overrides(settings: list[str] | None) -> "RunOverrides":
    """What `--set` laid over the filter. Values are YAML in which everything is text, so that no id becomes a number.

    Raises RequestError for a setting that cannot be read, without its value.
    """
    import yaml

    from export_pipelines.definition.overrides import overrides_from

    pairs = []
    for setting in settings or ():
        key, sign, text = setting.partition("=")
        if not sign:
            raise RequestError(f'--set "{key}" has no value', remedy="--set 'filter.lead_ids=[id, id]'")
        try:
            pairs.append((key.strip(), yaml.load(text, yaml.BaseLoader)))  # noqa: S506  # texts, lists and mappings only
        except yaml.YAMLError as error:
            raise RequestError(
                f"--set {key}: the value is not YAML", remedy="a list is [one, two]"
            ) from error
    return overrides_from(pairs)
