"""A bundled chain that answers from a folder: a question → search terms → passages → an answer with verified quotations."""
