"""What is asked of the receiving end of every kind of destination."""

from collections.abc import Mapping
from typing import Any, Protocol

Entry = dict[str, Any]


class Receiver(Protocol):
    """A server that is up, empty, and this test's own.

    entry:   an entry of `deliver:` for it that works, with `settings` in place of its own; secrets are named in `environment`.
    arrived: name -> bytes of everything that its readers can see under a final name now.
    debris:  what is not for readers: temporary files, unfinished uploads. Empty after a delivery that ended well.
    refused: words of what is wrong -> an entry that the person has to mend.
    """

    @property
    def environment(self) -> Mapping[str, str]: ...

    def entry(self, **settings: Any) -> Entry: ...

    def arrived(self) -> dict[str, bytes]: ...

    def debris(self) -> list[str]: ...

    def refused(self) -> dict[str, Entry]: ...


class RemoteReceiver(Receiver, Protocol):
    """One that is reached over a network.

    through: `entry`, by way of a proxy in front of `port`; call it before `environment` is read.
    times:   how often `files` arrived; more than once is a duplicate.
    clear:   everything that arrived goes, as if it were new.
    """

    @property
    def port(self) -> int: ...

    def through(self, port: int, **settings: Any) -> Entry: ...

    def times(self, files: Mapping[str, bytes]) -> int: ...

    def clear(self) -> None: ...
