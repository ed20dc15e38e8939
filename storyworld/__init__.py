"""A small world of stories: it is simulated, told and drawn by code.

`state` says what is true, `events` what can happen, `staging` how a tale begins, `director` what
happens next, `teller` says it and shows it as a `Scene`, `drawing` draws that. The package imports
nothing of the studio, and the studio's core imports nothing of it: a world reaches a training as a
data set of stories.
"""
