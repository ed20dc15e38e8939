"""The language model's part of a turn: tokens, memory, sampling, decoding."""
