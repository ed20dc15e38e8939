"""The core of the studio: everything but the page.

These are the public names, for other programs and for the page in `demo/`, which uses no others:

    from seedstory_core import TurnRequest, build_store, load_config

    store = build_store(load_config())
    session = store.create()
    for event in session.turn(None, TurnRequest(reader_text="Mira the fox found a kite.")):
        ...

Each name is imported on first use, so that importing the package is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seedstory_core.build import build_store, open_store
    from seedstory_core.config import StudioConfig, load_config, project_path
    from seedstory_core.config.palette import css_variables, load_palette
    from seedstory_core.engine import StoryEngine, TurnRequest
    from seedstory_core.engine.build import build_engine
    from seedstory_core.errors import (
        NO_BEGINNING,
        NOTHING_TO_READ,
        OUR_FAULT,
        STOPPED,
        BusyError,
        ConfigError,
        DeviceFullError,
        FileMissingError,
        InputError,
        LimitError,
        SeedStoryError,
        StorageError,
        StoryChangedError,
        StoryNotFoundError,
        TurnCancelled,
        UnconfirmedError,
        WeightsError,
        message_for,
    )
    from seedstory_core.generation.policies import POLICIES, POLICY_CHOICE, MemoryPolicy
    from seedstory_core.generation.sampling import Sampling
    from seedstory_core.jobs import (
        MAKES_PANELS,
        MAX_RUN,
        Alternative,
        Job,
        JobQueue,
        Kind,
        Progress,
    )
    from seedstory_core.requests import KNOBS, MAX_ALTERNATIVES, Knob, make_request, read_number
    from seedstory_core.session import PanelAdded, SessionStore, StorySession
    from seedstory_core.session.history import Act, History
    from seedstory_core.story.archive import (
        RemovedBranch,
        StoryArchive,
        StorySummary,
        reading_key_of,
    )
    from seedstory_core.story.export import FORMATS, TaleFrame, file_name, make_tale
    from seedstory_core.story.finished import FinishedBook, load_finished, save_finished
    from seedstory_core.story.importing import BroughtIn, bring_in
    from seedstory_core.story.layout import Layout, lay_out
    from seedstory_core.story.titles import suggest_title
    from seedstory_core.story.tree import Panel, StoryTree, title_from_text
    from seedstory_core.story.upload import keep_text, open_image

_HOMES = {
    "build": (
        "build_store",
        "open_store",
    ),
    "engine.build": ("build_engine",),
    "config": (
        "StudioConfig",
        "load_config",
        "project_path",
    ),
    "config.palette": ("css_variables", "load_palette"),
    "engine": (
        "StoryEngine",
        "TurnRequest",
    ),
    "errors": (
        "NOTHING_TO_READ",
        "NO_BEGINNING",
        "OUR_FAULT",
        "STOPPED",
        "BusyError",
        "ConfigError",
        "DeviceFullError",
        "FileMissingError",
        "InputError",
        "LimitError",
        "SeedStoryError",
        "StorageError",
        "StoryChangedError",
        "StoryNotFoundError",
        "TurnCancelled",
        "UnconfirmedError",
        "WeightsError",
        "message_for",
    ),
    "generation.policies": (
        "POLICIES",
        "POLICY_CHOICE",
        "MemoryPolicy",
    ),
    "generation.sampling": ("Sampling",),
    "jobs": (
        "MAKES_PANELS",
        "MAX_RUN",
        "Alternative",
        "Job",
        "JobQueue",
        "Kind",
        "Progress",
    ),
    "requests": (
        "KNOBS",
        "MAX_ALTERNATIVES",
        "Knob",
        "make_request",
        "read_number",
    ),
    "session": ("PanelAdded", "SessionStore", "StorySession"),
    "session.history": ("Act", "History"),
    "story.archive": (
        "RemovedBranch",
        "StoryArchive",
        "StorySummary",
        "reading_key_of",
    ),
    "story.export": ("FORMATS", "TaleFrame", "file_name", "make_tale"),
    "story.finished": ("FinishedBook", "load_finished", "save_finished"),
    "story.importing": ("BroughtIn", "bring_in"),
    "story.layout": ("Layout", "lay_out"),
    "story.titles": ("suggest_title",),
    "story.tree": (
        "Panel",
        "StoryTree",
        "title_from_text",
    ),
    "story.upload": ("keep_text", "open_image"),
}
"""Public names by the module that defines them."""

__all__ = [
    "Act",
    "Alternative",
    "BroughtIn",
    "BusyError",
    "ConfigError",
    "DeviceFullError",
    "FORMATS",
    "FileMissingError",
    "FinishedBook",
    "History",
    "InputError",
    "Job",
    "JobQueue",
    "KNOBS",
    "Kind",
    "Knob",
    "Layout",
    "LimitError",
    "MAKES_PANELS",
    "MAX_ALTERNATIVES",
    "MAX_RUN",
    "MemoryPolicy",
    "NOTHING_TO_READ",
    "NO_BEGINNING",
    "OUR_FAULT",
    "POLICIES",
    "POLICY_CHOICE",
    "Panel",
    "PanelAdded",
    "Progress",
    "RemovedBranch",
    "STOPPED",
    "Sampling",
    "SeedStoryError",
    "SessionStore",
    "StorageError",
    "StoryArchive",
    "StoryChangedError",
    "StoryEngine",
    "StoryNotFoundError",
    "StorySession",
    "StorySummary",
    "StoryTree",
    "StudioConfig",
    "TaleFrame",
    "TurnCancelled",
    "TurnRequest",
    "UnconfirmedError",
    "WeightsError",
    "bring_in",
    "build_engine",
    "build_store",
    "css_variables",
    "file_name",
    "keep_text",
    "lay_out",
    "load_config",
    "load_finished",
    "load_palette",
    "make_request",
    "make_tale",
    "message_for",
    "open_image",
    "open_store",
    "project_path",
    "read_number",
    "reading_key_of",
    "save_finished",
    "suggest_title",
    "title_from_text",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"seedstory_core.{home}"), name)
    raise AttributeError(f"module 'seedstory_core' has no attribute {name!r}")
