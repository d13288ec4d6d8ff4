"""Speed and memory against the bars: `make bench`."""
