"""The scientific grammar: one text notation for molecules, proteins, materials and what is done with them."""

from models.grammar.parse import GrammarError, parse
from models.grammar.render import render
from models.grammar.tasks import STOP, Task, extract, prompt_for

__all__ = ["STOP", "GrammarError", "Task", "extract", "parse", "prompt_for", "render"]
