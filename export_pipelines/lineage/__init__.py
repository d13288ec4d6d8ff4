"""Where the columns of an export come from: tables and columns of the source, as the catalog names them. Pure; from it come
Dagster's lineage and OpenLineage's events."""
