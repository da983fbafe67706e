"""The common parts of pages in the browser: the report, the viewer, and the page of a server.

    palette.py        colours of both schemes
    page.css          the style
    parts.js          draws texts, votes and traces; forms.js: fields, and the choice of colours
    drawn_trace.py    a trace in the form that parts.js draws
    resources.py      these files as texts, and the headers that restrict what a page may load
    responses.py      their responses in aiohttp

All data is inserted as text, never as markup.
"""
