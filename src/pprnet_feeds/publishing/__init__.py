"""The outward edges: what is told to editors before anything is told to readers."""
