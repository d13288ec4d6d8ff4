"""What the commands of the terminal do, a file a noun. Each is handed the project and imports what is slow itself."""
