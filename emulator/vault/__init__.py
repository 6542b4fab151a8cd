"""
Key Vault's data plane: what each vault holds, and the API that shows it.

`holdings` keeps certificates and secrets, `plane` says who may come in, `api` answers calls in the forms of `shapes`,
`deleted` those about what was deleted and is kept, `refusals` are the errors. API Management's provider fetches
certificates through `VaultPlane.fetch` with the permission rules of a real fetch.
"""
