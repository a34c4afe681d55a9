"""Recorded pages: none counts as gone that is not, and many that are gone say so in words we know."""

from nta.domain.checks.page_text import MOST, decoded, rule_of
from tests.recorded.records import cases, place

NEVER = {"online", "access-denied", "challenge", "geo-blocked", "network-block-page", "server-error"}
SAYS = {
    "removal_page": "soft-404",
    "soft_404": "soft-404",
    "suspended_page": "account-suspended",
    "parked": "parked",
    "placeholder": "placeholder",
}


def test_recorded_pages_are_never_gone_where_they_are_not_and_a_part_is_recognised() -> None:
    wrongly: list[str] = []
    right = gone = 0
    for case in cases("http-verdicts", "cases.json"):
        data = place("http-verdicts", case["file"]).read_bytes()[:MOST]
        rule = rule_of(decoded(data, case["http"].get("content_type")))
        verdicts = case["expected"]["verdicts"]
        if verdicts[0] in NEVER:
            wrongly += [case["id"]] if rule else []
        elif verdicts[0] != "platform-unclaimed":
            gone += 1
            right += SAYS.get(rule or "") in verdicts

    assert wrongly == []
    # English, Dutch and German alone are known; most recorded pages are in other languages.
    assert right >= 20, f"{right} of {gone}"
