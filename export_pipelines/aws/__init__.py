"""Services of Amazon, and servers that speak as they do: one way to a client, and what boto3 raises as our errors."""
