"""Runs on other machines: workers on Celery take them from a broker; the ledger knows which of them live."""
