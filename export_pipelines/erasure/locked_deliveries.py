"""The deliveries of an artifact that is to be removed: while their locks are held, nobody can begin another copy of it."""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from export_pipelines.ledger import ENDED_BADLY, OPEN, STATES, Delivery, Ledger


@dataclass(frozen=True)
class LockedDeliveries:
    """The deliveries of an artifact as they are while their locks are held; `busy` are the ids of those that another process
    has in hand."""

    deliveries: tuple[Delivery, ...] = ()
    busy: frozenset[str] = frozenset()

    @property
    def are_over(self) -> bool:
        """Whether nothing is to be sent any more, and nobody has to look at anything."""
        return not self.busy and not any(
            delivery.state in (*OPEN, *ENDED_BADLY) for delivery in self.deliveries
        )


@contextmanager
def locked_deliveries(
    ledger: Ledger,
    artifact: str,
    wait_s: float = 0,
    waiting: Callable[[Delivery], None] | None = None,
    other_than: Container[tuple[str, int]] = (),
) -> Iterator[LockedDeliveries]:
    """The deliveries, withdrawn ones included, but not those whose id and number of attempts are in `other_than`; waits at most `wait_s` in all for
    those that other processes have in hand, after `waiting` was called with each."""
    while True:
        by_lock_key = {delivery.lock_key: delivery for delivery in _deliveries(ledger, artifact, other_than)}

        def named(lock_key: str, known: dict[str, Delivery] = by_lock_key) -> None:
            if waiting:
                waiting(known[lock_key])

        with ledger.locks.hold_all(by_lock_key, wait_s, named) as acquired:
            deliveries = _deliveries(ledger, artifact, other_than)
            if {delivery.lock_key for delivery in deliveries} <= by_lock_key.keys():
                busy = {delivery.id for delivery in deliveries if delivery.lock_key not in acquired}
                yield LockedDeliveries(deliveries, frozenset(busy))
                return


def _deliveries(
    ledger: Ledger, artifact: str, other_than: Container[tuple[str, int]]
) -> tuple[Delivery, ...]:
    return tuple(
        delivery
        for delivery in ledger.deliveries(artifact=artifact, states=STATES)
        if (delivery.id, delivery.attempts) not in other_than
    )
