"""A ledger on a server that stops answering in the middle: an error that may pass, never one of the driver's own."""

import sqlalchemy as sa

from export_pipelines.errors import RetryableError
from export_pipelines.key_versions import PREFIX

WHERE = PREFIX + "LEDGER_URL"


class LedgerSilent(RetryableError):
    """The ledger's server does not answer, or broke the connection off; whether it carried the last call out is unknown."""


def raise_silence(engine: sa.Engine) -> None:
    """From now on, a connection that breaks or cannot be made raises LedgerSilent, which never repeats the driver's text."""

    @sa.event.listens_for(engine, "handle_error")
    def tell(context: sa.engine.ExceptionContext) -> None:
        if context.is_pre_ping:  # of a connection from before, in whose place the pool makes another one
            return
        if context.is_disconnect or context.connection is None:  # none could be made
            raise silent(context.original_exception) from context.original_exception


def silent(error: BaseException) -> LedgerSilent:
    """What the driver's `error` says, without its text."""
    return LedgerSilent(
        f"the ledger does not answer: {type(error).__name__}",
        where=WHERE,
        remedy="see to its server, then run again",
    )
