"""
Every certificate of an instance, where it comes from, what uses it, and what does not fit together.

`take` reads with a visit's reader; `certificate_expiring`, the certificates' page and the command line use it. It must
not write, and it must not decide what is to be done.

`items` are the values, `look` reads, `mentions` tells which certificate is meant, `join` puts together, `faults` finds
what does not fit.
"""

from apimend.inventory.items import Held, Inventory, Item, Problem, Source, Stored, Use
from apimend.inventory.take import take

__all__ = ["Held", "Inventory", "Item", "Problem", "Source", "Stored", "Use", "take"]
