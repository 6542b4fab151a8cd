"""
The hand-offs of the security baseline, a table for each family of controls.

Each control has an entry: what makes its mend of one piece of evidence, or why code of the owner has none.
"""
