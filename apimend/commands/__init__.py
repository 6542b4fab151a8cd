"""
What the command line does, one module for each group of commands, and how it shows it on a terminal.

`cli` reads the arguments and `apimend.wiring.command_line` opens the App that a command is given. A command takes the
same engine as the function app: it plans nothing and decides nothing for itself. It must not let a text from outside
onto a terminal that `report.plain` has not made harmless.
"""
