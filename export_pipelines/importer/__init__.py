"""CSV files of leads into the lead store."""
