"""The audit of use cases: its entries, its signed checkpoints, and the evidence of an artifact. The chain itself is in `ledger.audit_entries`."""
