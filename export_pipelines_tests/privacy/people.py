"""Made-up people whose values are unmistakable: each holds a marker and the person's number, and no marker stands in
what a mask may leave of the value (the first letter, the domain, the last four digits)."""

from dataclasses import dataclass
from functools import cached_property

LETTERS = "abcdefg"
MOST = 7**6


def code(n: int) -> str:
    """Six digits from 0 to 6, so that 7, 8 and 9 stand in markers alone."""
    digits = ""
    for _ in range(6):
        n, digit = divmod(n, 7)
        digits = str(digit) + digits
    return digits


@dataclass(frozen=True)
class Person:
    """Lead number `n` (below 7**6); `kin` is the spouse, whose values are no column of the row."""

    n: int
    kin: bool = False

    @cached_property
    def code(self) -> str:
        return code(self.n)

    @cached_property
    def letters(self) -> str:
        return "".join(LETTERS[int(digit)] for digit in self.code)

    @property
    def spouse(self) -> "Person":
        return Person(self.n, kin=True)

    @property
    def user(self) -> str:
        return f"qxzcanary{'kin' if self.kin else ''}{self.letters}"  # a digit would help to recognise it

    @property
    def email(self) -> str:
        return f"{self.user}@mail.example.com"

    @property
    def email_2(self) -> str:
        return f"second.{self.user}@example.org"

    def phone(self, which: int = 1) -> str:
        """Ten digits; `which` is 1 to 3 for the row's own phones, and 4 or 5 for those of nobody in the row."""
        return f"818{(4 if self.kin else which) + 1}{self.code}"

    @property
    def ssn(self) -> str:
        return f"98{6 if self.kin else 7}{self.code}"

    @property
    def first(self) -> str:
        """Every fifth person has two letters, every fifth several words, the others an accent."""
        return ("Qx", f"Qxbelle{self.letters} Qxanna", f"Qxánna{self.letters}")[min(self.n % 5, 2)]

    @property
    def last(self) -> str:
        return ("Zq", f"O'Qxroe-Qxdoe{self.letters}", f"Qxröe{self.letters}")[min(self.n % 5, 2)]

    @property
    def street(self) -> str:
        return f"{self.n % 900 + 100} Qxlané{self.letters} Ave"

    @property
    def born(self) -> tuple[int, int, int]:
        return 1911, self.n % 12 + 1, self.n % 28 + 1

    @property
    def dob(self) -> str:
        return "{:04}-{:02}-{:02}".format(*self.born)
