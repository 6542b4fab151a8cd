"""What of a document is ours: noted when it is written, and found again whatever stands beside it."""

import pytest

from apimend.model.own import Own
from apimend.policy import Document, each_edited, our_checks, own_after, own_either, without_found
from tests.policy.tenants import ELEMENT, OTHER, PIN, policy

OURS = ELEMENT
THEIRS = ELEMENT.replace(PIN, OTHER)
REFUSED = '<return-response><set-status code="403" reason="{}" /></return-response>'
CONDITION = (
    '<choose><when condition="@(context.Request.Certificate == null || context.Request.Certificate.Thumbprint != '
    f'&quot;{PIN}&quot;)">{REFUSED}</when></choose>'
)
MINE, SAME = CONDITION.format("ours"), CONDITION.format("theirs")


def found(own: Own, inbound: str) -> list[str]:
    """The texts of ours in such a document."""
    return [each.outer.text for each in our_checks(Document.parse(policy(inbound)), own)]


def put(before: str, after: str, own: Own | None = None) -> Own:
    """What is noted of a write."""
    return own_after(own, policy(before), policy(after))


LATER = {
    "as we left it": (OURS + THEIRS, [OURS]),
    "laid out anew": (OURS.replace("><", ">\r\n\t<"), [OURS.replace("><", ">\r\n\t<")]),
    "ours alone": (OURS, [OURS]),
    "theirs alone": (THEIRS, []),
    "nothing": ("", []),
    "set to observe by hand": (
        OURS.replace(" validate-trust", ' ignore-error="true" validate-trust'),
        [OURS.replace(" validate-trust", ' ignore-error="true" validate-trust')],
    ),
    "with other pins": (OURS.replace(PIN, "EF" * 20), []),
    "a copy added behind": (OURS + THEIRS + OURS, [OURS]),
    "not understood any more": (OURS.replace(" validate-trust", ' later="1" validate-trust'), []),
}


@pytest.mark.parametrize(("inbound", "expected"), LATER.values(), ids=LATER)
def test_ours_is_what_we_put_in(inbound: str, expected: list[str]) -> None:
    """
    What stood beside ours stays somebody else's, and of two that say the same one is ours.
    """
    own = put(THEIRS, OURS + THEIRS)

    assert expected == found(own, inbound)


def test_one_that_says_the_same_and_stood_there_first_is_never_ours() -> None:
    """
    Where ours is taken out, what the author wrote in other words stays the author's, though it means the same.
    """
    own = put(SAME, MINE + SAME)

    assert ([MINE], []) == (found(own, MINE + SAME), found(own, SAME))


def test_a_copy_that_stood_there_first_is_never_ours() -> None:
    """
    Of two in the very same words one is ours; of one that is left nobody can tell, so it isn't.
    """
    own = put(OURS, OURS + OURS)

    assert ([OURS], []) == (found(own, OURS + OURS), found(own, OURS))


def test_what_was_changed_in_place_is_followed() -> None:
    """
    Ours are known over every write: changed, joined by others, taken out, put in again.
    """
    first = put("", OURS)
    renewed = put(OURS + THEIRS, OURS.replace(PIN, "EF" * 20) + THEIRS, first)
    gone = put(OURS.replace(PIN, "EF" * 20) + THEIRS, THEIRS, renewed)
    again = put(THEIRS, OURS + THEIRS, gone)

    assert [OURS.replace(PIN, "EF" * 20)] == found(renewed, OURS.replace(PIN, "EF" * 20) + THEIRS)
    assert [] == found(gone, OURS + THEIRS)
    assert [OURS] == found(again, OURS + THEIRS)


def test_what_somebody_removed_and_we_put_in_anew_is_ours_once() -> None:
    """
    Nothing adds up over repairs: the next copy that somebody makes is not ours.
    """
    own = put("", OURS, put("", OURS, put("", OURS)))

    assert [OURS] == found(own, OURS + OURS)


@pytest.mark.parametrize("inbound", [OURS + THEIRS, OURS.replace(PIN, "EF" * 20) + THEIRS], ids=["lost", "done"])
def test_a_write_of_which_nothing_is_known_is_followed_both_ways(inbound: str) -> None:
    """
    Whether a write that was cut off took effect or not: ours is what is there of the two.
    """
    first = put(THEIRS, OURS + THEIRS)
    after = put(OURS + THEIRS, OURS.replace(PIN, "EF" * 20) + THEIRS, first)

    assert [inbound.removesuffix(THEIRS)] == found(own_either(first, after), inbound)


def test_taking_out_touches_one_of_two() -> None:
    """
    What goes is ours alone, from the last to the first, and the rest stays byte for byte.
    """
    own = put(SAME + THEIRS, MINE + SAME + THEIRS)
    document = Document.parse(policy(MINE + SAME + THEIRS))

    assert policy(SAME + THEIRS) == each_edited(document, own, without_found).text


def test_a_document_that_we_made_is_ours_until_it_is_gone() -> None:
    """
    Whether a document was made by us is known over later writes, and ends with the document.
    """
    made = own_after(None, None, policy(OURS))
    changed = put(OURS, THEIRS, made)

    assert (True, True, False) == (made.made, changed.made, own_after(changed, policy(THEIRS), None).made)
