"""Builds a store of stories from a configuration; the models may be loaded later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedstory_core.config import StudioConfig, project_path
from seedstory_core.engine.handle import EngineHandle
from seedstory_core.errors import ConfigError
from seedstory_core.models.quick_imports import import_libraries
from seedstory_core.session import SessionStore
from seedstory_core.story.archive import StoryArchive

if TYPE_CHECKING:
    from seedstory_core.engine import StoryEngine


def open_store(config: StudioConfig) -> SessionStore:
    """Open the stories at once; the models are loaded when first needed, or by `handle.start()`.

    Raises:
        ConfigError: `runtime.stories_folder` cannot be opened, or the memory policy is unknown.
    """

    def build() -> StoryEngine:
        import_libraries()
        from seedstory_core.engine.build import build_engine  # imports torch and the models

        return build_engine(config)

    archive = build_archive(config)
    return SessionStore(EngineHandle(config, build), archive)


def build_store(config: StudioConfig) -> SessionStore:
    """Open the stories and load the models.

    Raises:
        ConfigError: As `open_store` and `build_engine`.
        WeightsError: As `build_engine`.
    """
    store = open_store(config)
    store.handle.get()
    return store


def build_archive(config: StudioConfig) -> StoryArchive:
    """Open the archive of saved stories.

    Raises:
        ConfigError: `runtime.stories_folder` is of a kind that cannot be opened here.
    """
    place = config.runtime.stories_folder
    if "://" not in place:
        place = str(project_path(place))
    try:
        return StoryArchive(place)
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"runtime.stories_folder is '{place}', which cannot be opened: {error}. Name a folder, "
            "or an fsspec address whose package is installed."
        ) from error
