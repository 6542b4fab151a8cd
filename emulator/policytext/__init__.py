"""
The emulator's own reading of policy documents, which are XML except where C# expressions stand in them.

ARM stores, lays out and checks documents with it; the gateway runs the tree. It shares no code with the product's
policy reader on purpose: a mistake made twice would hide.
"""

from emulator.policytext.expressions import end_of_expression, expression_fault, is_expression
from emulator.policytext.layout import laid_out, normalised, presented, stored
from emulator.policytext.nodes import Comment, Document, Element, PolicyError, Text
from emulator.policytext.parse import parse, unescape
from emulator.policytext.validate import Scope, check

__all__ = [
    "Comment",
    "Document",
    "Element",
    "PolicyError",
    "Scope",
    "Text",
    "check",
    "end_of_expression",
    "expression_fault",
    "is_expression",
    "laid_out",
    "normalised",
    "parse",
    "presented",
    "stored",
    "unescape",
]
