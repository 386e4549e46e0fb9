"""The user's own images of blends, measured by all methods of all papers; no truth is needed."""
