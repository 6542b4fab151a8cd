"""
The record beside a check that only observes: which certificates callers come with.

Called by change.py. A check that lets everybody pass leaves no trace of whom it would have refused, so while it
observes, each call writes down the thumbprint that was presented (R9). It goes when the check is enforced. It must
not hold anything secret: a thumbprint is none.
"""

from apimend.model.check import Record
from apimend.policy.document import Element
from apimend.policy.layout import Lines

_SOURCE = "apimend"
MESSAGE = "Presented client certificate"
METRIC = "Presented client certificates"
PRESENTED = '@(context.Request.Certificate == null ? "none" : context.Request.Certificate.Thumbprint)'


def record_lines(record: Record | None, presented: str = PRESENTED) -> Lines:
    """The element as lines; none where nothing is recorded. `presented` is the expression of the thumbprint."""
    if record is Record.TRACE:
        return [
            (0, f'<trace source="{_SOURCE}" severity="information">'),
            (1, f"<message>{MESSAGE}</message>"),
            (1, f'<metadata name="thumbprint" value="{presented}" />'),
            (0, "</trace>"),
        ]
    if record is Record.METRIC:
        return [
            (0, f'<emit-metric name="{METRIC}" value="1" namespace="{_SOURCE}">'),
            (1, '<dimension name="API ID" />'),
            (1, f'<dimension name="Thumbprint" value="{presented}" />'),
            (0, "</emit-metric>"),
        ]
    return []


def read_record(element: Element) -> Record | None:
    """Which record an element is; None for anything that we did not put in."""
    if element.name == Record.TRACE.value and element.value("source") == _SOURCE:
        return Record.TRACE
    if element.name == Record.METRIC.value and element.value("namespace") == _SOURCE:
        return Record.METRIC
    return None
