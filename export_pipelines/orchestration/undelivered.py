"""Alerts of deliveries that ended badly: one for all windows that one run, or one backfill, brings to one destination."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import dagster as dg

from export_pipelines.ledger import Alert, Delivery
from export_pipelines.ledger.delivery import ENDED_BADLY, OPEN
from export_pipelines.orchestration.failed_runs import LOOK_BACK, by_text, is_over, occasion_of
from export_pipelines.project import Project

TOGETHER = timedelta(hours=1)  # so long the others are waited for, once one has failed


def undelivered(project: Project, instance: dg.DagsterInstance, now: datetime) -> Iterator[Alert]:
    """Told when nothing else of the run or backfill is on its way to the destination, or nothing ended for an hour."""
    occasions = dict[str | None, str]()

    def together(delivery: Delivery) -> tuple[str, str, int]:
        if delivery.written_by not in occasions:
            occasions[delivery.written_by] = occasion_of(instance, delivery.written_by)
        return occasions[delivery.written_by], delivery.export, delivery.number

    badly = [delivery for delivery in project.ledger.deliveries(states=ENDED_BADLY) if _is_new(delivery, now)]
    if not badly:
        return
    coming = {together(delivery) for delivery in project.ledger.deliveries(states=OPEN)}
    for key, group in groupby(sorted(badly, key=together), key=together):
        ended = sorted(group, key=lambda delivery: delivery.window_key)
        waits = key in coming and max(delivery.ended_at or now for delivery in ended) > now - TOGETHER
        if not waits and (not key[0] or is_over(instance, key[0], now)):
            yield _alert(ended, now)


def _is_new(delivery: Delivery, now: datetime) -> bool:
    return delivery.ended_at is not None and delivery.ended_at > now - LOOK_BACK


def _alert(ended: Sequence[Delivery], now: datetime) -> Alert:
    first, uncertain = ended[0], any(delivery.state == "uncertain" for delivery in ended)
    texts = {}
    for delivery in ended:
        word = "may not have arrived at" if delivery.state == "uncertain" else "did not arrive at"
        texts[delivery.window_key] = (
            f"{word} {delivery.kind} (destination {delivery.number}): {delivery.error}"
        )
    again = " --again" if uncertain else ""
    whole = "\n".join(text.replace(": ", " ", 1) for text in by_text(texts))
    one_by_one = f"export-pipelines deliver {first.artifact} --to {first.number}{again}"
    return Alert(
        key=_key(ended),
        export=first.export,
        kind="failure",
        text=whole,
        then=one_by_one
        if len(ended) == 1
        else f"export-pipelines deliveries --export {first.export} --failed",
        noticed_at=now,
    )


def _key(ended: Sequence[Delivery]) -> str:
    """Of one delivery, its id and attempt; of several, a digest of these."""
    attempts = [f"{delivery.id} {delivery.attempts}" for delivery in ended]
    if len(attempts) == 1:
        return f"delivery {attempts[0]}"
    return f"deliveries {hashlib.sha256(' '.join(sorted(attempts)).encode()).hexdigest()[:32]}"
