"""A small world of stories: it is simulated, told and drawn by code.

`state` holds the facts, `events/` the possible events; `staging` begins a tale, `director` chooses
its events, `teller` writes each one and describes its image as a `Scene`, `drawing` draws that.
The package imports nothing of the studio, and the studio's core imports nothing of it: a world
reaches training as a data set of stories.
"""
