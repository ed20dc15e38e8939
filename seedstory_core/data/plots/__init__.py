"""The tales: each module holds the words and the course of one or two plots."""
