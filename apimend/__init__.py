"""
Apimend: keeps API Management instances demanding and checking client certificates.

The floors, from the ground up: `model` (values), `policy` (text of policies), `ports` (what the engine
needs of the world), `report`, `settings`, `events`, `documents`, `logs`; then the engine and the adapters,
which do not know each other; `web` and `commands`; and `wiring`, which joins them. Import only downward.
"""
