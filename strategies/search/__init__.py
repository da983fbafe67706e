"""Tree search over partial solutions."""
