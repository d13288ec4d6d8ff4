"""Erasure of artifacts: by name, by lead, by age and by retention; what is on hold; and the record of it."""
