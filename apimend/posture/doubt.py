"""
How a control says that it can't give a verdict. `judge` catches both; nothing else does.
"""


class Unsure(Exception):
    """It can't be told; the text says what could not be read."""


class Beside(Exception):
    """There is nothing here to judge; the text says why."""
