"""The page at `/` of a server: its HTML, style and scripts, and their routes."""

from reasoning.serving.page.routes import add_page

__all__ = ["add_page"]
