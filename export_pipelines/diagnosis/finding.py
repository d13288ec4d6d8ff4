"""What a diagnosis says: findings, each with what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Question = Literal["missing", "empty", "late", "unreadable"]
Tone = Literal["good", "busy", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """`text` is what was found, `then` what to do, empty where nothing is to be done. `bad` is the cause, or may be it;
    `busy` mends itself; `note` is worth knowing."""

    tone: Tone
    text: str
    then: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"tone": self.tone, "text": self.text, "then": self.then}


Answers = Mapping[Question, Sequence[Finding]]
