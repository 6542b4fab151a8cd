"""
Checks infra/ without Azure and without the Bicep compiler, which can't be had offline.

`python -m script.bicep` is called by script/check. Two parsers have to take every file; names, modules, outputs,
loaded files, API versions, and members and values of resources (members.json) are then looked up by our own check.
What only Azure can say (policies of the tenant, quotas) is left to `az deployment … what-if`; docs/deploy.md says so.
"""
