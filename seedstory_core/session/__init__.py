"""Sessions, one for each story in use, and the store that holds them by id."""

from seedstory_core.session.session import PanelAdded, Replaying, SessionEvent, StorySession
from seedstory_core.session.store import SessionStore

__all__ = ["PanelAdded", "Replaying", "SessionEvent", "SessionStore", "StorySession"]
