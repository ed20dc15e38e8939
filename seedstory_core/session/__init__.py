"""One reader's story between turns, and all of them by id."""

from seedstory_core.session.session import PanelAdded, Replaying, SessionEvent, StorySession
from seedstory_core.session.store import SessionStore

__all__ = ["PanelAdded", "Replaying", "SessionEvent", "SessionStore", "StorySession"]
