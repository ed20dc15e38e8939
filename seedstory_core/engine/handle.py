"""A handle of an engine that may still be loading, so that stories can be read meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from seedstory_core.config import StudioConfig
from seedstory_core.generation.policies import MemoryPolicy, configured

if TYPE_CHECKING:
    from seedstory_core.engine.engine import StoryEngine


class EngineHandle:
    """Builds an engine in a thread of its own, when it is first started or needed.

    Attributes:
        config: The engine's configuration.
        policy: The configured memory policy, for stories whose reader chose none.
    """

    def __init__(self, config: StudioConfig, build: Callable[[], StoryEngine]) -> None:
        """Create a handle; nothing is loaded yet.

        Raises:
            ConfigError: The memory policy is unknown.
        """
        self.config = config
        self.policy: MemoryPolicy = configured(config.memory)
        self._build = build
        self._engine: Future[StoryEngine] = Future()
        self._lock = threading.Lock()
        self._is_started = False

    @classmethod
    def of(cls, engine: StoryEngine) -> EngineHandle:
        """Return the handle of an engine that is already built."""
        handle = cls(engine.config, lambda: engine)
        handle._is_started = True
        handle._engine.set_result(engine)
        return handle

    @property
    def is_ready(self) -> bool:
        """Whether building has ended, with an engine or an error."""
        return self._engine.done()

    def start(self) -> None:
        """Start building, unless it has started."""
        with self._lock:
            if self._is_started:
                return
            threading.Thread(target=self._run, name="load", daemon=True).start()
            self._is_started = True  # only now: without a thread everybody would wait for ever

    def get(self) -> StoryEngine:
        """Build the engine if necessary, wait for it and return it.

        Raises:
            SeedStoryError: It could not be built.
        """
        self.start()
        return self._engine.result()

    def _run(self) -> None:
        try:
            self._engine.set_result(self._build())
        except BaseException as error:
            self._engine.set_exception(error)
