-- The ledger has the database that the image makes; Dagster's migrations need one of their own.
CREATE DATABASE dagster;
