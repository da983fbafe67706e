"""The results folder: the files that a run keeps, which survive a kill."""
