"""
Azure Resource Manager with the API Management provider behind it, plus the few other types that matter here.

`front` is the door every call passes (token, version, throttling, headers); the other modules hold the routes of one
kind of resource each and are put together in `catalogue`. They share state through the store only.
"""
