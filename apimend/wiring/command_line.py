"""
The command line's side of the composition root: settings from where a person says, and an App for each command.

`cli` imports it; the function app never does, because what the commands show themselves with is not deployed.
"""

import io
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from apimend.commands.app import App
from apimend.commands.apply import apply
from apimend.commands.certificates import certificates
from apimend.commands.coverage import coverage
from apimend.commands.exits import Exit, of_error
from apimend.commands.explain import explain
from apimend.commands.init import init
from apimend.commands.orders import Manner, relax, release, replay, undo
from apimend.commands.plan import plan
from apimend.commands.posture import PostureForm, posture
from apimend.commands.runs import list_runs, show_run
from apimend.commands.screen import Screen
from apimend.commands.shape import Commands, joined
from apimend.commands.stop import resume, stop
from apimend.commands.sweep import sweep
from apimend.commands.validate import validate
from apimend.documents import Words
from apimend.logs import configure
from apimend.model.desired import Mode
from apimend.model.errors import ApimendError, BadInput, Fault
from apimend.ports import Clock, Remediator
from apimend.probe import TlsProber
from apimend.settings import AzureStorage, Settings
from apimend.storage.stores import Storage, open_sqlite
from apimend.wiring.credential import named_in, signed_in
from apimend.wiring.wire import Wired, wire, words_of

_STORAGE = "APIMEND_STORAGE"
_LOCAL = "custom"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where the command line runs: everything that it takes from outside. `by` counts where Azure names nobody."""

    clock: Clock
    environ: Mapping[str, str]
    remediators: Sequence[Remediator[Any]]
    by: str

    def with_file(self, path: Path | None) -> "Surroundings":
        """The same, with the settings of a local.settings.json before those of the environment. Raises BadInput."""
        return self if path is None else replace(self, environ={**self.environ, **_values(path)})

    def with_desired(self, path: Path | None) -> "Surroundings":
        """The same, with another desired state."""
        return self if path is None else replace(self, environ={**self.environ, "APIMEND_DESIRED_STATE": str(path)})

    @property
    def settings(self) -> Settings:
        """The settings. Raises BadInput with every fault."""
        return Settings.load(self.environ)

    def words(self, webhooks: Collection[str] | None) -> Words:
        """What a desired state may name."""
        return words_of(self.remediators, webhooks)


@asynccontextmanager
async def opened(surroundings: Surroundings) -> AsyncIterator[App]:
    """The product for one command. Raises BadInput for settings, Denied where nobody is signed in to Azure."""
    settings, clock = surroundings.settings, surroundings.clock
    credential = signed_in(settings, clock)
    try:
        token = await credential.get_token(f"{settings.cloud.arm_audience}/.default")
    except BaseException:  # Ctrl-C during sign-in too: raised again
        await credential.close()
        raise
    wired = await wire(
        settings,
        clock=clock,
        remediators=surroundings.remediators,
        credential=credential,
        storage=_memory(surroundings),
    )
    try:
        yield _app(wired, surroundings, who(settings, token.token, surroundings.by))
    finally:
        await wired.close()


def is_shared(surroundings: Surroundings) -> bool:
    """Whether lease and ledger are those of the deployed app: a storage account, or what a local Azure's app has."""
    settings = surroundings.settings
    local = settings.cloud.name == _LOCAL and bool(surroundings.environ.get(_STORAGE))
    return isinstance(settings.storage, AzureStorage) or local


def version() -> str:
    """The version that is installed."""
    try:
        return metadata.version("apimend")
    except metadata.PackageNotFoundError:
        return "from source"


def prober(app: App, *, wanted: bool) -> TlsProber | None:
    """Looks at gateway hosts from here, where somebody wants that."""
    return TlsProber(address=app.settings.cloud.gateway_address) if wanted else None


def quiet(*, verbose: bool) -> None:
    """Logs go beside the results where somebody wants them, otherwise nowhere: people read the results."""
    logging.getLogger().addHandler(logging.NullHandler())
    configure("debug" if verbose else "error", stream=sys.stderr if verbose else io.StringIO())


def _memory(surroundings: Surroundings) -> Storage | None:
    """Storage that ends with the command, where none is named. R29: then it only plans."""
    return None if surroundings.environ.get(_STORAGE) else open_sqlite(":memory:", surroundings.clock)


def who(settings: Settings, token: str, user: str) -> str:
    """
    Who signed in to Azure, or the user of the machine where Azure names nobody. A local Azure signs in its app for
    everybody, which says nothing about who types.
    """
    return user if settings.cloud.name == _LOCAL else named_in(token) or user


def _app(wired: Wired, surroundings: Surroundings, by: str) -> App:
    return App(
        settings=wired.settings,
        azure=wired.azure,
        desired=wired.desired,
        engine=wired.engine,
        orders=wired.orders,
        intake=wired.intake,
        sweeper=wired.sweeper,
        bells=wired.storage.bells,
        ledger=wired.storage.ledger,
        links=wired.links,
        clock=surroundings.clock,
        by=by,
        shared=is_shared(surroundings),
    )


def _values(path: Path) -> dict[str, str]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _bad(path, f"It can't be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"It is no JSON: {error}.") from error
    values = body.get("Values") if isinstance(body, dict) else None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise _bad(path, "It has no `Values` with texts.", "Write it like local.settings.json.example.")
    return values


def _bad(path: Path, what: str, mend: str = "") -> BadInput:
    return BadInput([Fault(what=what, where="", mend=mend, file=str(path))])


def export(surroundings: Surroundings, names: Sequence[str] = ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")) -> None:
    """Hand on what the identity library reads from the environment by itself, where a settings file has it."""
    for name, value in surroundings.environ.items():
        if name in names or name.startswith("AZURE_"):
            os.environ[name] = value


__all__ = [
    "ApimendError",
    "App",
    "Commands",
    "Exit",
    "Manner",
    "Mode",
    "PostureForm",
    "Screen",
    "Surroundings",
    "apply",
    "certificates",
    "coverage",
    "explain",
    "export",
    "init",
    "joined",
    "list_runs",
    "of_error",
    "opened",
    "plan",
    "posture",
    "prober",
    "quiet",
    "relax",
    "release",
    "replay",
    "resume",
    "show_run",
    "stop",
    "sweep",
    "undo",
    "validate",
    "version",
]
