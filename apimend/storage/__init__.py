"""
What Apimend remembers and what wakes it: bells, leases, the ledger, the shared limits.

`apimend.wiring` opens one Storage (`apimend.storage.stores` for SQLite, `apimend.storage.azure` for Azure Storage,
loaded by name); the local host reads the embedded queue. The logic stands once, above three thin backends: Records,
Messages and LeaseStore. Nothing here knows Azure Resource Manager, a rule or the engine.
"""
