"""
What people and programs see over HTTP: bodies, answers, pages. The function app hands requests over and sends
back what it gets; nothing here knows azure-functions.
"""
