"""The benchmark commands and the display of their progress."""
