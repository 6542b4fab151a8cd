"""
ARM locks: a declared lock refuses deletes, or every write, at its scope and below.

Asked by the front for every call that isn't a read. Locks are resources of the store like any other.
"""

from __future__ import annotations

from emulator.arm.errors import arm_error
from emulator.log import READ_METHODS, READING_POSTS
from emulator.store import Store, key_of

LOCKS = "Microsoft.Authorization/locks"
MARK = "/providers/microsoft.authorization/locks/"


def refuse_locked(store: Store, method: str, scope: str) -> None:
    """
    409 ScopeLocked where a lock stands above the scope. Retrying is of no use.
    """
    if method in READ_METHODS or (method == "POST" and scope.casefold().endswith(READING_POSTS)):
        return
    for lock in store.of_type(LOCKS):
        above = key_of(lock.id).partition(MARK)[0]
        within = key_of(scope) == above or key_of(scope).startswith(f"{above}/")
        level = str(lock.properties.get("level", "CanNotDelete"))
        if within and MARK not in key_of(scope) and (method == "DELETE" or level == "ReadOnly"):
            what = "delete" if method == "DELETE" else "write"
            raise arm_error(
                409,
                "ScopeLocked",
                f"The scope '{scope}' cannot perform {what} operation because following scope(s) are locked: "
                f"'{lock.id.rpartition('/providers/')[0]}'. Please remove the lock and try again.",
            )
