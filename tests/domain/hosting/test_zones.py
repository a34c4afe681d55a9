"""Which names say that a domain is parked."""

import pytest

from nta.domain.hosting.zones import parking_mark


@pytest.mark.parametrize(
    ("names", "mark"),
    [
        (["ns1.parkingcrew.net"], "ns1.parkingcrew.net"),
        (["NS2.ParkingCrew.NET."], "NS2.ParkingCrew.NET."),
        (["ns1.keeper.example", "sedoparking.com"], "sedoparking.com"),
        (["expired-domain-ns1.registrar.example"], "expired-domain-ns1.registrar.example"),
        (["ns1.keeper.example"], None),
        (["ns1.notparkingcrew.net"], None),
        (["parkingcrew.net.keeper.example"], None),
        ([], None),
    ],
)
def test_parking_is_known_by_whole_labels(names, mark):
    assert parking_mark(names) == mark
