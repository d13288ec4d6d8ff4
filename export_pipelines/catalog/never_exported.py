"""Which names say that a value is of a never-exported type: headers of imported files, custom fields, keys in JSON.

A name is split into words, and the words are looked up; a name is never taken for one because letters happen to meet
(`classname` holds "ssn"). In doubt a name counts as never exported: closed is the safe side."""

import re
from functools import lru_cache
from itertools import groupby, pairwise
from unicodedata import category

from export_pipelines.normal_form import normalised

_WORD = re.compile(r"SSN|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_SSN_INSIDE = re.compile(r"ssn(?![aeiouy])")  # "ss" + "name", "no", "number" are other words
# "ss" that ends a word of its own, before "n", "nr", "nbr"; and short forms of words in -ssion
_SS_WORDS = re.compile(
    r"(class|glass|pass|mass|dress|press|gress|tress|access|success|process|recess|business|witness|fitness|illness"
    r"|wireless|unless|loss|boss|cross|gross|miss|assess)$"
)
_SHORT_FORMS = re.compile(r"(^a|^i|^e-?i|^p-?i|mi|se|fe|cu|pa|pre)ssn$")

_NUMBER = {"number", "numbers", "num", "no", "nbr", "nr", "nmbr", "last", "four", "4", "digits"}
_SOCIAL = {"security", "securty", "sec", "insurance", *_NUMBER}
_ABOUT_MONEY = {"income", "benefit", "benefits", "amount", "payment", "payments", "disability"}
_CREDENTIAL = re.compile(
    r"password|passwd|passphrase|passcode|apikey|privatekey|secretkey|accesstoken|authtoken|refreshtoken|clientsecret"
    r"|^credentials?$|^secrets?$|^pwds?$|pwd$"
)
_CREDENTIAL_PAIRS = {
    *((first, "key") for first in ("api", "private", "secret", "access", "encryption", "signing", "ssh")),
    *((first, "keys") for first in ("api", "private", "secret", "access")),
    *((first, "token") for first in ("access", "auth", "refresh", "bearer", "api", "secret", "session")),
    *(("pass", second) for second in ("word", "words", "phrase", "code", "wd")),
}


@lru_cache(maxsize=8192)
def never_exported_type(key: str) -> str | None:
    """ "ssn" or "credential" when the name `key` says so, in any case and with any separators; else None."""
    words = _words(key)
    if _is_ssn(words):
        return "ssn"
    if any(map(_CREDENTIAL.search, words)) or not _CREDENTIAL_PAIRS.isdisjoint(pairwise(words)):
        return "credential"
    return None


def _words(name: str) -> tuple[str, ...]:
    """Lower-case words, split where no letter or digit stands, at camelCase and before digits; single letters in a
    row (`S.S.N.`) are one word."""
    plain = normalised("NFKC", "".join(letter for letter in name if category(letter) != "Cf"))
    words = (word.casefold() for word in _WORD.findall(plain.replace("#", " number ")))
    joined: list[str] = []
    for single, group in groupby(words, key=lambda word: len(word) == 1 and word.isalpha()):
        members = list(group)
        joined += ["".join(members)] if single else members
    return tuple(joined)


def _is_ssn(words: tuple[str, ...]) -> bool:
    if any("ssn" in word and _names_ssn(word) for word in words):
        return True
    if any("socialsec" in word or word in {"socsec", "socsecno"} for word in words):
        return _ABOUT_MONEY.isdisjoint(words)
    for first, second in pairwise(words):
        if first in {"social", "soc"} and second in _SOCIAL:
            return _ABOUT_MONEY.isdisjoint(words)
        if (first, second) == ("seguro", "social") or (first == "ss" and second in _NUMBER):
            return True
    return words[-1:] == ("social",) and not _NUMBER.isdisjoint(words)  # "last 4 of social"


def _names_ssn(word: str) -> bool:
    """`ssn`, `customerssn`, `ssnlast`; not `classname`, `addressnr`, `assn`, `missn`."""
    if word.startswith("ssn"):
        return True
    match = _SSN_INSIDE.search(word)
    if not match or _SHORT_FORMS.search(word):
        return False
    return not _SS_WORDS.search(word[: match.start() + len("ss")])
