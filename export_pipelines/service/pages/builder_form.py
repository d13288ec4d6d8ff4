"""The builder's form: what a person chose, as the body that the API takes, and as the YAML of an export's file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import yaml

from export_pipelines.catalog import Catalog, Dataset, PiiClass
from export_pipelines.definition.export import MaskWord
from export_pipelines.definition.filters import Operator
from export_pipelines.definition.report import DRAWN_FROM
from export_pipelines.definition.selection import DATASETS, field_of
from export_pipelines.definition.words import read_day
from export_pipelines.service.pages.report_form import ReportChoices
from export_pipelines.service.pages.session import Form
from export_pipelines.service.problems import Problem

TYPES = {"lead": "Leads", "event": "Events", "report": "A report"}
FIELD_CHOICES = {
    "no_pii": "Everything except personal data",
    "chosen": "Only the fields that I choose",
    "required": "Only the most important fields",
    "all": "Everything",
}
RULES: dict[str, dict[str, Any]] = {"no_pii": {"exclude_pii": True}, "required": {"required": True}}
TREATMENTS: dict[MaskWord, str] = {
    "keep": "as it is",
    "mask": "masked",
    "hash": "hashed",
    "tokenize": "as a token",
    "redact": "redacted",
    "remove": "left out",
}
TOGETHER = ("all", "required")  # choices of fields whose personal data get one treatment
UNITS = {"day": "days", "week": "weeks", "month": "months"}
PLACES = {"download": "I download it here", "email": "By e-mail"}
UNARY = frozenset(
    op for op in Operator if op.startswith("format") or op.split()[-1] in ("blank", "true", "false")
)
LISTS = frozenset((Operator.INCLUDED, Operator.NOT_INCLUDED))
RANGES = frozenset((Operator.BETWEEN, Operator.NOT_BETWEEN))
PRESETS: dict[str, dict[str, tuple[str, Operator, str]]] = {
    "lead": {
        "delivered leads": ("delivered_at", Operator.NOT_BLANK, ""),
        "in a state": ("state", Operator.EQUAL, ""),
        "of a source": ("source.name", Operator.EQUAL, ""),
        "with a price": ("price", Operator.NOT_BLANK, ""),
    },
    "event": {
        "of a recipient": ("recipient.name", Operator.EQUAL, ""),
        "that failed": ("outcome", Operator.EQUAL, "failure"),
    },
    "report": {
        "of a source": ("source.name", Operator.EQUAL, ""),
        "of a state": ("state", Operator.EQUAL, ""),
    },
}
PARSED = ("chosen", "treatments", "report", "conditions", "spreadsheet")  # choices that are no single text
NO_REPORT = ReportChoices()


@dataclass(frozen=True)
class Condition:
    """A line of the filter as it was typed; without a field it says nothing."""

    field: str = ""
    op: str = Operator.EQUAL.value
    value: str = ""

    def rule(self) -> dict[str, Any]:
        """The same for the API, with the values of a list between commas."""
        if self.op in UNARY:
            return {"lhv": self.field, "op": self.op}
        if self.op in LISTS or self.op in RANGES:
            return {"lhv": self.field, "op": self.op, "rhv": [part.strip() for part in self.value.split(",")]}
        return {"lhv": self.field, "op": self.op, "rhv": self.value.strip()}


@dataclass(frozen=True)
class Choices:
    """What the form holds, every field with a value that can be shown again."""

    type: str = "lead"
    fields: str = "no_pii"
    chosen: tuple[str, ...] = ()
    treatments: tuple[tuple[str, str], ...] = ()
    personal: str = "keep"  # what becomes of personal data where fields are not chosen one by one
    match: str = "and"
    report: ReportChoices = NO_REPORT
    conditions: tuple[Condition, ...] = ()
    window: str = "last"
    last: str = "7"
    unit: str = "day"
    first: str = ""
    final: str = ""
    format: str = "csv"
    compression: str = "none"
    header: str = "ids"
    spreadsheet: bool = False
    place: str = "download"
    email: str = ""

    @classmethod
    def of(cls, form: Form) -> "Choices":
        texts = {name: form[name] for name in cls.__dataclass_fields__ if name in form and name not in PARSED}
        treatments = tuple(
            (name.removeprefix("treat."), value)
            for name, value in form.multi_items()
            if name.startswith("treat.") and value in TREATMENTS
        )
        return cls(
            **texts,
            chosen=tuple(dict.fromkeys(form.getlist("field"))),
            treatments=treatments,
            report=ReportChoices.of(form),
            conditions=tuple(_conditions(form)),
            spreadsheet="spreadsheet" in form,
        )

    def dataset(self, catalog: Catalog) -> Dataset:
        if self.type == "report":
            return catalog.dataset(DRAWN_FROM[self.report.over])
        return catalog.dataset(DATASETS.get(self.type, "leads"))

    def started(self, catalog: Catalog) -> "Choices":
        """After another type was chosen: without conditions on fields that it does not have; a report has numbers to begin
        with."""
        report = self.report.started() if self.type == "report" else self.report
        chosen = replace(self, report=report)
        dataset = chosen.dataset(catalog)
        return replace(
            chosen,
            conditions=tuple(each for each in self.conditions if each.field in dataset.by_id)
            or (Condition(),),
        )

    def definition(self, catalog: Catalog) -> dict[str, Any]:
        """The keys of an export's file. Raises Problem for what no export can be made of."""
        body: dict[str, Any] = {"type": self.type, "format": self._format()}
        if self.compression != "none":
            body["compression"] = self.compression
        body |= self.report.keys() if self.type == "report" else {"fields": self._fields()}
        if chosen := self._filter():
            body["filter"] = chosen
        if self.type != "report" and (words := self._privacy(catalog)):
            body["privacy"] = words
        if self.place == "email":
            addresses = [part.strip() for part in self.email.replace(";", ",").split(",") if part.strip()]
            if not addresses:
                raise Problem.at("write at least one address that the file is sent to", "email_to")
            body["deliver"] = [{"email": {"to": addresses}}]
        return body

    def body(self, catalog: Catalog) -> dict[str, Any]:
        """What the API is asked for. Raises Problem."""
        body = self.definition(catalog)
        if self.window == "dates":
            first, final = _day(self.first, "start"), _day(self.final, "end")
            body |= {"start": first.isoformat(), "end": (final + timedelta(days=1)).isoformat()}
        return body

    def _format(self) -> Any:
        options: dict[str, Any] = {}
        if self.header == "labels" and self.format in ("csv", "tsv", "xlsx"):
            options["header"] = "labels"
        if self.spreadsheet and self.format == "csv":
            options |= {"bom": True, "spreadsheet_safe": True}
        return {self.format: options} if options else self.format

    def _fields(self) -> Any:
        if self.fields == "chosen":
            if not self.chosen:
                raise Problem.at("choose at least one field", "fields")
            return list(self.chosen)
        return RULES.get(self.fields, self.fields)

    def _filter(self) -> dict[str, Any]:
        condition: dict[str, Any] = {}
        if self.window == "last":
            if not self.last.strip().isdigit():
                raise Problem.at("write a whole number, such as 7", "filter", "last")
            number = int(self.last)
            condition["last"] = f"{number} {self.unit}{'' if number == 1 else 's'}"
        rules = [condition.rule() for condition in self.conditions if condition.field]
        if len(rules) > 1 and self.match == "or":
            rules = [{"op": "or", "rules": rules}]
        if rules:
            condition["rules"] = rules
        return condition

    def _privacy(self, catalog: Catalog) -> dict[str, str]:
        """As soon as one field is treated, all personal ones that were chosen need a word."""
        if self.fields in TOGETHER:
            return {} if self.personal not in TREATMENTS or self.personal == "keep" else self._classes()
        if self.fields != "chosen":
            return {}
        dataset, words = self.dataset(catalog), dict(self.treatments)
        chosen = [choice for id in self.chosen if (choice := dataset.by_id.get(id)) is not None]
        personal = dict.fromkeys(field_of(choice).id for choice in chosen if choice.pii is not PiiClass.NONE)
        treatments = {id: words.get(id, "keep") for id in personal}
        return treatments if any(word != "keep" for word in treatments.values()) else {}

    def _classes(self) -> dict[str, str]:
        return {pii.value: self.personal for pii in PiiClass if pii is not PiiClass.NONE}


def yaml_of(body: dict[str, Any]) -> str:
    """The text of an export's file."""
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)


def with_preset(choices: Choices, name: str) -> Sequence[Condition]:
    """The conditions and one more, that is asked for often; an empty one for another `name`."""
    preset = PRESETS.get(choices.type, {}).get(name)
    kept = [condition for condition in choices.conditions if condition.field]
    return [*kept, Condition(preset[0], preset[1].value, preset[2]) if preset else Condition()]


def _conditions(form: Form) -> Iterator[Condition]:
    names = ("lhv", "op", "rhv")
    yield from map(Condition, *(form.getlist(name) for name in names))


def _day(text: str, key: str) -> date:
    try:
        return read_day(text)
    except ValueError:
        raise Problem.at("choose a day of the calendar", key) from None
