"""MariaDB: its rows go from the socket into Arrow."""
