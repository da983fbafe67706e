"""The results folder: what a run keeps, and how it survives a kill."""
