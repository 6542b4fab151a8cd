"""
What a person reads of a run: computed once as a RunView, rendered as text, JSON, Adaptive Card and HTML.

The command line, the pages and `notify` call it. It must not read anything for itself, decide anything about an
instance, or let a pre-image through: of a policy it shows the parts that Apimend writes and masks all else.
"""
