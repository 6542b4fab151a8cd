"""
Which instances a command means: a resource id, a name, or a pattern of names.

Names of API Management services are unique in a cloud, so a short name is enough; Resource Graph tells whose it is.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from apimend.commands.app import App
from apimend.commands.patience import patiently
from apimend.model.errors import BadInput, Fault
from apimend.model.ids import InstanceId
from apimend.model.words import did_you_mean


async def choose(app: App, words: Sequence[str]) -> tuple[InstanceId, ...]:
    """
    The instances that these words mean, each once, in their order; all that can be seen where there are none.

    Raises BadInput for every word that means none.
    """
    ids = {word: InstanceId.of(word) for word in words if word.startswith("/")}
    seen: tuple[InstanceId, ...] = ()
    if len(ids) < len(words) or not words:
        seen = await patiently(app, lambda: app.azure.instances(app.settings.subscriptions))
    chosen: dict[InstanceId, None] = {}
    faults = []
    for word in words or ["*"]:
        found = [ids[word]] if word in ids else [each for each in seen if _means(word, each)]
        if not found:
            faults.append(_unknown(word, seen))
        chosen |= dict.fromkeys(found)
    if faults:
        raise BadInput(faults)
    return tuple(chosen)


async def choose_one(app: App, word: str) -> InstanceId:
    """The one instance that a word means. Raises BadInput where it means none or several."""
    found = await choose(app, [word])
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise BadInput([Fault(what=f"{word!r} means several instances: {names}.", where="INSTANCE", mend="Name one.")])
    return found[0]


def _means(word: str, instance: InstanceId) -> bool:
    return fnmatchcase(instance.name.casefold(), word.casefold())


def _unknown(word: str, seen: Sequence[InstanceId]) -> Fault:
    mend = did_you_mean(word, (each.name for each in seen)) or "Write its name or its resource id."
    what = "No instance can be seen." if word == "*" else f"No instance called {word!r} can be seen."
    return Fault(what=what, where="INSTANCE", mend=mend)
