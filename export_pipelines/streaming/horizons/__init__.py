"""What is new in a table while others write to it: a file for each mechanism that a database has for it."""
