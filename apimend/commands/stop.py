"""
`apimend stop` and `apimend resume`: the global stop, which takes effect at the next write of any visit.
"""

from apimend.commands.app import App
from apimend.commands.exits import Exit
from apimend.commands.follow import require_shared
from apimend.commands.screen import Screen
from apimend.engine.stop import lift, stopped
from apimend.engine.stop import stop as set_stop
from apimend.report.plain import clean


async def stop(app: App, screen: Screen, *, reason: str) -> Exit:
    """Stop every write of the app, everywhere. It goes on looking and telling."""
    require_shared(app)
    by = f"{app.by}, {app.clock.now():%Y-%m-%d %H:%M} UTC"
    await set_stop(app.ledger, clean(reason), by=clean(by))
    await _tell(app, screen)
    return Exit.NOTHING


async def resume(app: App, screen: Screen, *, yes: bool = False) -> Exit:
    """Let writes through again."""
    require_shared(app)
    why = await stopped(app.ledger)
    if why and not yes:
        screen.require_answers()
        if not screen.ask(f"Everything is stopped: {why}. Let writes through again?"):
            return Exit.REFUSED
    await lift(app.ledger)
    await _tell(app, screen)
    return Exit.NOTHING


async def _tell(app: App, screen: Screen) -> None:
    why = await stopped(app.ledger)
    if screen.as_json:
        screen.emit({"stopped": bool(why), "why": why})
    elif why:
        screen.say(f"Every write is stopped: {why}. `apimend resume` lifts it.")
    else:
        screen.say("Nothing is stopped.")
