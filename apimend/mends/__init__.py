"""
A mend in the owner's code: Terraform, Bicep and APIOps snippets, filled with the names of the instance.

Rules and reports say what is to be changed of which resource; this package says it in three languages, each text quoted
so that no name from Azure can end its line. It must not know rules, runs or what is right.
"""

from apimend.mends.forms import FORMS, is_known
from apimend.mends.languages import Block, Code, Value, Var, element, one_line
from apimend.mends.mend import Mend, PolicyMend, policy_of, policy_place, together

__all__ = [
    "FORMS",
    "Block",
    "Code",
    "Mend",
    "PolicyMend",
    "Value",
    "Var",
    "element",
    "is_known",
    "one_line",
    "policy_of",
    "policy_place",
    "together",
]
