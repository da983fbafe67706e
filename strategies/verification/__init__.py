"""An answer that is checked, and then written again."""
