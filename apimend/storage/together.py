"""
Many reads at once, but not too many.

Called by the ledger and the blob backend. Plain `gather` would leave the others running when one fails, and a task
group would wrap what they raise.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

AT_ONCE = 16

T = TypeVar("T")
U = TypeVar("U")


async def together(work: Callable[[U], Awaitable[T]], items: Iterable[U]) -> list[T]:
    """The results in the order of the items. When some fail, all have ended before the first failure rises."""
    bound = asyncio.Semaphore(AT_ONCE)

    async def one(item: U) -> T:
        async with bound:
            return await work(item)

    results = await asyncio.gather(*map(one, items), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
