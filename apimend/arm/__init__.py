"""
The only speaker to Azure Resource Manager, Key Vault and Resource Graph.

It fulfils `ports.Azure`. It knows nothing of rules, plans' reasons or stages: it reads into `apimend.model`
and writes what a Change says. It reads raw JSON, because SDK models lose keys, nulls and offsets.
"""
