"""Names and texts as SQL writes them."""


def quote_name(name: str) -> str:
    """Return the name of a table or a column, in double quotes."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def quote_text(text: str) -> str:
    """Return a text as a literal, in single quotes."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
