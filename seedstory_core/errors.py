"""The errors that a reader of stories may see.

They derive from `SeedStoryError`. Its text says what happened and what to do; the page and the API
show it unchanged. `TurnCancelled` is no error: the reader stopped the turn. Any other exception is
a bug of ours. `message_for` is the one place that decides this.
"""

from __future__ import annotations

from typing import NamedTuple


class SeedStoryError(Exception):
    """Base of every error whose text is meant for the person using the studio."""


class ConfigError(SeedStoryError):
    """A configuration file or an override names an unknown key or an impossible value."""


class WeightsError(SeedStoryError):
    """A weights file is missing, damaged, or does not fit the model that the config describes."""


class InputError(SeedStoryError):
    """A text, image or number from the reader cannot be used."""


class StoryNotFoundError(SeedStoryError):
    """The requested story or panel does not exist."""


class StorageError(SeedStoryError):
    """A story could not be written or read: the disk is full, a file is damaged or too new."""


class FileMissingError(StorageError):
    """A file of a story is missing."""


class StoryChangedError(StorageError):
    """The story on disk is not what this session knows, so it has to be opened again.

    Another server has changed it.
    """


class UnconfirmedError(StoryChangedError):
    """A change failed on its way to the disk, and yet it holds, or nobody can tell."""


class BusyError(SeedStoryError):
    """The story already has a turn that waits or runs, or the queue is full."""


class LimitError(BusyError):
    """A visitor of a public studio asked for more than one visitor may have at a time."""


class DeviceFullError(SeedStoryError):
    """Memory ran out, and dropping all that can be read again did not help."""


class TurnCancelled(Exception):
    """The turn was stopped; nothing of it was kept."""


OUR_FAULT = (
    "Something went wrong on our side, and it has been noted. Nothing that was saved is lost; "
    "please try again."
)
"""Message to the reader for any other exception."""
STOPPED = "Stopped. The story is as it was."
"""Message to the reader for a turn that was stopped."""

# Messages that more than one module raises.
NOTHING_TO_READ = "There is nothing to read yet. Write a sentence first."
NO_BEGINNING = "A story begins with a picture or a sentence. Choose a picture, or write one."
NOTHING_READABLE = (
    "The pages before this one could not be read, so the storyteller has nothing to go on from. "
    "Write a sentence."
)
STILL_WORKING = "This story is still working on a page. Wait for it, or stop it."
OWN_MARK = "{mark} is a mark that only the storyteller uses. Write the sentence without it."


class Message(NamedTuple):
    """An exception as the reader is told of it."""

    sentence: str
    is_bug: bool
    """Whether it is a bug of ours: the sentence hides it, so that it has to be logged in full."""
    kind: str = "Error"
    """Name of its class; that of a bug stays with us."""


def message_for(error: Exception) -> Message:
    """Return what a reader is told of any exception."""
    if isinstance(error, TurnCancelled):
        return Message(STOPPED, is_bug=False, kind=type(error).__name__)
    if isinstance(error, SeedStoryError):
        return Message(str(error), is_bug=False, kind=type(error).__name__)
    return Message(OUR_FAULT, is_bug=True)
