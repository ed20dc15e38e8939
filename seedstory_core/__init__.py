"""The core of the studio: everything but the page."""
