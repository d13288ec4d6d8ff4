"""Streams: exports without an end. New rows of the source leave for a sink within seconds, each once or, where the sink cannot tell, at least once."""
