"""One turn of the story model: tokens, memory, decoding."""
