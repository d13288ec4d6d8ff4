"""Exports of lead and event data, described in YAML and run by Dagster."""
