"""Programs of others that read our files, each asked as its users would, and what they make of every value."""
