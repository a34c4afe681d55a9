"""What may be connected to."""

from ipaddress import ip_network

import pytest

from nta.adapters.net.address_policy import Gate
from nta.domain.errors import OutsideError
from nta.settings import Reach


@pytest.mark.parametrize("ip", ["9.9.9.9", "223.255.255.254", "2001:4860:4860::8888", "2a00::1"])
def test_what_is_globally_routable_is_reached(public, ip):
    assert public.vet(ip) == ip


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%lo",
        "2a00::1%lo",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "2001:2::1",
        "3fff::1",
        "64:ff9b:1::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "2001:0:7f00:1::1",
        "2001:0:909:909:0:0:80ff:fffe",
    ],
)
def test_what_is_special_is_not_reached(public, ip):
    with pytest.raises(OutsideError) as caught:
        public.vet(ip)

    assert not caught.value.temporary
    assert ip not in str(caught.value)


@pytest.mark.parametrize("ip", ["64:ff9b::909:909", "2002:909:909::1", "2001:0:909:909:0:0:f6f6:f6f6"])
def test_carriers_of_a_public_address_are_reached(public, ip):
    assert public.vet(ip)


def test_a_mapped_address_comes_back_as_what_it_is(public):
    assert public.vet("::ffff:9.9.9.9") == "9.9.9.9"


@pytest.mark.parametrize(
    "text", ["", "web.test", "0x7f.1", "127.1", "2130706433", "9.9.9.9 ", "9.9.9.9:80", "[::1]"]
)
def test_only_addresses_in_plain_notation_pass(public, text):
    with pytest.raises(OutsideError):
        public.vet(text)


def test_a_range_named_is_reached_and_nothing_else():
    gate = Gate(Reach(public=False, ranges=(ip_network("127.0.0.0/8"),)))

    assert gate.vet("127.4.5.6") == "127.4.5.6"
    for ip in ("9.9.9.9", "::1", "128.0.0.1"):
        with pytest.raises(OutsideError):
            gate.vet(ip)


@pytest.mark.parametrize("ip", ["0.0.0.0", "224.0.0.1", "::", "ff02::1"])
def test_no_range_opens_the_way_to_unspecified_and_multicast(ip):
    gate = Gate(Reach(public=True, ranges=(ip_network("0.0.0.0/0"), ip_network("::/0"))))

    with pytest.raises(OutsideError):
        gate.vet(ip)


@pytest.mark.parametrize(
    ("own", "ip", "port"),
    [
        (("127.0.0.1", 8000), "127.0.0.1", 8000),
        (("127.0.0.1", 8000), "::ffff:127.0.0.1", 8000),
        (("0.0.0.0", 8000), "127.0.0.9", 8000),
        (("::", 8000), "127.0.0.1", 8000),
        (("::1", 8000), "::1", 8000),
    ],
)
def test_our_own_doors_are_never_reached(loopback, own, ip, port):
    assert loopback.vet(ip, port)

    loopback.own = [own]

    with pytest.raises(OutsideError):
        loopback.vet(ip, port)
    assert loopback.vet(ip, port + 1)
    assert loopback.vet(ip)


def test_a_door_open_to_all_does_not_close_other_machines(public):
    public.own = [("0.0.0.0", 443)]

    assert public.vet("9.9.9.9", 443) == "9.9.9.9"
