"""What notices must say, in the words of each language: one row for each."""

from collections.abc import Mapping
from dataclasses import dataclass

from nta.domain.roles import NoticeKind


@dataclass(frozen=True)
class Phrases:
    """The phrases of one language that tests look for; `by_when` is to hosts under `first`."""

    good_faith: str
    article: str
    is_notice: str
    is_request: str
    came_back: str
    last_seen: str
    refused: str
    removed: str
    flagger: str
    is_test: str
    by_when: Mapping[NoticeKind, str]


PHRASES = {
    "en": Phrases(
        good_faith="in good faith",
        article="Article 16(2)(c)",
        is_notice="This is a notice",
        is_request="This is a request, not an order, and no notice under Article 16",
        came_back="came back as undeliverable",
        last_seen="Last seen online: 2026-03-02 09:00 UTC, from 2 vantage points.",
        refused="refused",
        removed="Answered: removed",
        flagger="trusted flagger",
        is_test="TEST. This message was made for",
        by_when={
            NoticeKind.FIRST: "within 24 hours of receiving this message",
            NoticeKind.REGISTRAR: "Within 24 hours of receiving this message",
            NoticeKind.REGISTRY: "again 24 hours after you got this message",
            NoticeKind.HOTLINE: "If it is still online after 24 hours, we may notify",
            NoticeKind.POLICE: "goes out 24 hours after this message",
        },
    ),
    "nl": Phrases(
        good_faith="te goeder trouw",
        article="artikel 16, lid 2, onder c)",
        is_notice="Dit is een melding",
        is_request="Dit is een verzoek, geen bevel, en geen melding volgens artikel 16",
        came_back="onbestelbaar teruggekomen",
        last_seen="Laatst online gezien: 2026-03-02 09:00 UTC, vanaf 2 meetpunten.",
        refused="geweigerd",
        removed="Antwoordde: verwijderd",
        flagger="betrouwbare flagger",
        is_test="TEST. Dit bericht is gemaakt voor",
        by_when={
            NoticeKind.FIRST: "binnen 24 uur nadat u dit bericht kreeg",
            NoticeKind.REGISTRAR: "Binnen 24 uur nadat u dit bericht kreeg",
            NoticeKind.REGISTRY: "kijken 24 uur nadat u dit bericht kreeg opnieuw",
            NoticeKind.HOTLINE: "Wat na 24 uur nog online is",
            NoticeKind.POLICE: "gaat onze melding 24 uur na dit bericht uit",
        },
    ),
    "de": Phrases(
        good_faith="in gutem Glauben",
        article="Artikel 16 Absatz 2 Buchstabe c",
        is_notice="Dies ist eine Meldung",
        is_request="Dies ist eine Bitte, keine Anordnung, und keine Meldung nach Artikel 16",
        came_back="als unzustellbar zurückgekommen",
        last_seen="Zuletzt online gesehen: 2026-03-02 09:00 UTC, von 2 Messpunkten.",
        refused="abgelehnt",
        removed="Antwort: entfernt",
        flagger="vertrauenswürdige",
        is_test="TEST. Diese Nachricht war bestimmt für",
        by_when={
            NoticeKind.FIRST: "binnen 24 Stunden nach Erhalt dieser Nachricht",
            NoticeKind.REGISTRAR: "Binnen 24 Stunden nach Erhalt dieser Nachricht",
            NoticeKind.REGISTRY: "24 Stunden nach Erhalt dieser Nachricht wieder nach",
            NoticeKind.HOTLINE: "Was nach 24 Stunden noch online ist",
            NoticeKind.POLICE: "geht unsere Meldung 24 Stunden nach dieser Nachricht",
        },
    ),
}
