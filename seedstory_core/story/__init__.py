"""The story itself: panels, their tree, the archive of saved stories, uploads and exports."""
