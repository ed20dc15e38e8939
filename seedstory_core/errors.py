"""The errors a reader of stories may see.

Everything here derives from `SeedStoryError`, whose text is one clear sentence that says what
happened and what to do; the page and the API show it as it is. Any other exception is a bug of
ours.
"""


class SeedStoryError(Exception):
    """Base of every error whose text is meant for the person using the studio."""


class ConfigError(SeedStoryError):
    """A configuration file or an override names an unknown key or an impossible value."""


class WeightsError(SeedStoryError):
    """A weights file is missing, damaged, or does not fit the model that the config describes."""


class InputError(SeedStoryError):
    """Something the reader gave (text, picture, number) cannot be used."""


class StoryNotFoundError(SeedStoryError):
    """The asked-for story or panel does not exist."""


class StorageError(SeedStoryError):
    """A story could not be written or read: full disk, newer format, damaged record."""


class FileMissingError(StorageError):
    """A file of a story is not there."""


class StoryChangedError(StorageError):
    """Another server went on with the same story; it has to be opened again."""


class BusyError(SeedStoryError):
    """The story is already working on a turn."""


class TurnCancelled(Exception):
    """The reader stopped the turn; nothing of it was kept."""


OUR_FAULT = (
    "Something went wrong on our side, and it has been noted. The story is as it was; "
    "please try again."
)
"""What a reader is told of any other exception."""

# Sentences that are said at more than one door.
NOTHING_TO_READ = "There is nothing to read yet. Write a sentence first."
NO_BEGINNING = "A story begins with a picture or a sentence. Choose a picture, or write one."
STILL_WORKING = "This story is still working on a page. Wait for it, or stop it."
