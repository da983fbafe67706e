"""Prompts as data: named sections, demonstrations and one input, rendered in any of six forms.

    prompt = Prompt(
        objective="Sort feedback.", dos=("Use the customer's words.",), input="{feedback}", form="xml"
    )
    prompt.fill(feedback="My internet drops.").messages

Placeholders are written `{name}`; a literal brace before a word is written twice, `{{name}}`. The
text that fills a placeholder is untrusted. It is inserted as data, in one pass, and can neither
open nor close a section or a chat turn.
"""

from reasoning.prompts.forms import Form
from reasoning.prompts.placeholders import KIND_PLACEHOLDERS, PLACEHOLDER, placeholder_names
from reasoning.prompts.prompt import Demonstration, Prompt, Turns

__all__ = [
    "KIND_PLACEHOLDERS",
    "PLACEHOLDER",
    "Demonstration",
    "Form",
    "Prompt",
    "Turns",
    "placeholder_names",
]
