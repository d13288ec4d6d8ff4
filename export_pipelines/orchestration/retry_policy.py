"""How often Dagster tries an op again whose failure may pass."""

import dagster as dg

MAX_RETRIES = 2
RETRY = dg.RetryPolicy(
    max_retries=MAX_RETRIES, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
