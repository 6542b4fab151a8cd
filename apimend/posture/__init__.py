"""
The posture engine: reads what the controls need through a visit's reader, and judges purely.

The families in `remediators/posture` declare the controls; the engine and the reports use the result. It never writes,
never repeats a read of the visit, and takes what can't be read for unknown.
"""
