"""Settings: where they come from, which wins, and how a bad one is refused."""

import logging
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from nta.domain.errors import RefusedError
from nta.settings import KNOWN, NameServers, Reach, Routes, Sending, Settings, Vantage, read

KEY = "ab" * 32
OTHER_KEY = "cd" * 32


def line_of(name: str, environment: dict[str, str]):
    return next(line for line in read(environment)[1] if line.name == name)


def test_defaults_send_nothing_and_reach_the_public_internet_alone() -> None:
    settings, lines = read({})

    assert settings.sending == Sending("off")
    assert settings.reach == Reach(public=True, ranges=())
    assert settings.instance == Path("instance")
    assert settings.vantages == (Vantage("local", None),)
    assert settings.probe_body == "text"
    assert settings.clock == "system"
    assert [line.name for line in lines] == [known.name for known in KNOWN]
    assert {line.source for line in lines} == {"default"}


def test_every_field_has_its_variable() -> None:
    assert [f"NTA_{field.upper()}" for field in Settings.model_fields] == [known.name for known in KNOWN]


@pytest.mark.parametrize(
    ("name", "text", "field", "expected"),
    [
        ("NTA_KEYS", f"{KEY}, {OTHER_KEY}", "keys", (bytes.fromhex(KEY), bytes.fromhex(OTHER_KEY))),
        ("NTA_DIGEST_KEY", KEY, "digest_key", bytes.fromhex(KEY)),
        (
            "NTA_DNS_SERVERS",
            "127.0.0.1:5300, ::1,[::1]:53",
            "dns_servers",
            NameServers((("127.0.0.1", 5300), ("::1", 53), ("::1", 53))),
        ),
        (
            "NTA_DNS_SERVERS",
            "local=192.0.2.53, 127.0.0.1, local=[2001:db8::53]:5300",
            "dns_servers",
            NameServers((("127.0.0.1", 53),), {"local": (("192.0.2.53", 53), ("2001:db8::53", 5300))}),
        ),
        (
            "NTA_VANTAGES",
            "nl=direct, de=socks5h://127.0.0.1:1080",
            "vantages",
            (Vantage("nl", None), Vantage("de", "socks5h://127.0.0.1:1080")),
        ),
        (
            "NTA_CONTROL_URLS",
            "http://a.test/,http://b.test/",
            "control_urls",
            ("http://a.test/", "http://b.test/"),
        ),
        ("NTA_ROUTES", "rdap", "routes", Routes()),
        ("NTA_ROUTES", "file:/var/lib/routes.gz", "routes", Routes(table=Path("/var/lib/routes.gz"))),
        ("NTA_ROUTES", "dns:origin.test.", "routes", Routes(zones=("origin.test",))),
        ("NTA_ROUTES", "dns:one.test, six.test", "routes", Routes(zones=("one.test", "six.test"))),
        ("NTA_MANNERS", "lifted", "manners", False),
        (
            "NTA_ORIGIN_LOOKUPS",
            "proxy:one=https://lookup.one.test/v1, proxy:two=http://127.0.0.1:81/",
            "origin_lookups",
            {"proxy:one": "https://lookup.one.test/v1", "proxy:two": "http://127.0.0.1:81/"},
        ),
        ("NTA_ORIGIN_TOKENS", "proxy:one=ab/c+d==", "origin_tokens", {"proxy:one": "ab/c+d=="}),
        ("NTA_REACH", "10.0.0.0/8", "reach", Reach(public=False, ranges=(ip_network("10.0.0.0/8"),))),
        (
            "NTA_REACH",
            "public,fd00::/8",
            "reach",
            Reach(public=True, ranges=(ip_network("fd00::/8"),)),
        ),
        ("NTA_TRUSTED_PROXIES", "", "trusted_proxies", ()),
        (
            "NTA_TRUSTED_PROXIES",
            "10.0.0.7, fd00::/64",
            "trusted_proxies",
            (ip_network("10.0.0.7/32"), ip_network("fd00::/64")),
        ),
        ("NTA_DESK_URL", "https://desk.hotline.test/", "desk_url", "https://desk.hotline.test"),
        ("NTA_RETURN_PATH", "back+{token}@hotline.test", "return_path", "back+{token}@hotline.test"),
        ("NTA_INBOX_URL", "maildir:/var/mail/in", "inbox_url", "maildir:/var/mail/in"),
        ("NTA_INBOX_AUTHSERV", "mx1.hotline.test", "inbox_authserv", "mx1.hotline.test"),
        ("NTA_SMTP_URL", "smtp://127.0.0.1:25", "smtp_url", "smtp://127.0.0.1:25"),
        ("NTA_PROBE_BODY", "none", "probe_body", "none"),
        ("NTA_HOTLINE", "", "hotline", None),
    ],
)
def test_a_good_value_is_read(name: str, text: str, field: str, expected: object) -> None:
    assert getattr(read({name: text})[0], field) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NTA_INSTANCE", ""),
        ("NTA_DATABASE_URL", "mysql://root@127.0.0.1/nta"),
        ("NTA_DATABASE_URL", "postgresql+psycopg://127.0.0.1:port/nta"),
        ("NTA_KEYS", "secret"),
        ("NTA_KEYS", KEY[:-2]),
        ("NTA_DIGEST_KEY", f"{KEY},{OTHER_KEY}"),
        ("NTA_PORTAL_KEYS", "zz" * 32),
        ("NTA_SENDING", "yes"),
        ("NTA_SENDING", ""),
        ("NTA_SENDING", "redirect:nobody"),
        ("NTA_SMTP_URL", "http://127.0.0.1"),
        ("NTA_SMTP_URL", "smtp://127.0.0.1:twentyfive"),
        ("NTA_SMTP_URL", "smtp://"),
        ("NTA_SENDER", "hotline"),
        ("NTA_RETURN_PATH", "back@hotline.test"),
        ("NTA_RETURN_PATH", "back+{token}@"),
        ("NTA_INBOX_URL", "imap:x"),
        ("NTA_INBOX_AUTHSERV", "mx.hotline.test; spf=pass"),
        ("NTA_DNS_SERVERS", "dns.test"),
        ("NTA_DNS_SERVERS", "127.0.0.1:fifty"),
        ("NTA_DNS_SERVERS", "local="),
        ("NTA_DNS_SERVERS", "elsewhere=192.0.2.53"),
        ("NTA_ROUTES", ""),
        ("NTA_ROUTES", "bgp"),
        ("NTA_ROUTES", "file:routes.txt"),
        ("NTA_ROUTES", "dns:"),
        ("NTA_ROUTES", "dns:a.test,b.test,c.test"),
        ("NTA_ROUTES", "dns:not a zone"),
        ("NTA_VANTAGES", ""),
        ("NTA_VANTAGES", "nl=http://127.0.0.1:80"),
        ("NTA_VANTAGES", "nl=direct,nl=direct"),
        ("NTA_VANTAGES", "de=socks5h://proxy.test:many"),
        ("NTA_VANTAGES", f"{'n' * 25}=direct"),
        ("NTA_CONTROL_URLS", ""),
        ("NTA_CONTROL_URLS", "ftp://a.test/"),
        ("NTA_PROBE_BODY", "all"),
        ("NTA_MANNERS", "none"),
        ("NTA_REACH", "10.0.0.0/33"),
        ("NTA_TRUSTED_PROXIES", "the proxy"),
        ("NTA_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("NTA_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("NTA_TRUSTED_PROXIES", "::/0"),
        ("NTA_REACH", "public,everything"),
        ("NTA_DESK_URL", "localhost:8000"),
        ("NTA_DESK_URL", "http://localhost:99999"),
        ("NTA_PORTAL_URL", "http://[::1"),
        ("NTA_ORIGIN_LOOKUPS", "https://lookup.one.test/v1"),
        ("NTA_ORIGIN_LOOKUPS", "hosting:one=https://lookup.one.test/v1"),
        ("NTA_ORIGIN_LOOKUPS", "proxy:one=http://lookup.one.test/v1"),
        ("NTA_ORIGIN_LOOKUPS", "proxy:one=http://127.0.0.1.one.test/v1"),
        ("NTA_ORIGIN_LOOKUPS", "proxy:one=https://me:word@lookup.one.test/"),
        ("NTA_ORIGIN_LOOKUPS", "proxy:one=https://lookup.one.test/?host="),
        ("NTA_ORIGIN_LOOKUPS", "proxy:one=https:///v1"),
        ("NTA_ORIGIN_LOOKUPS", "proxy:one=https://one.test/,proxy:one=https://two.test/"),
        ("NTA_ORIGIN_TOKENS", "proxy:one"),
        ("NTA_ORIGIN_TOKENS", "proxy:one=a!b"),
        ("NTA_CLOCK", "lab:http://lab.test:1"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_naming_setting_and_source(
    name: str, text: str, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError) as refusal:
        read({name: text})
    config = tmp_path / "nta.toml"
    config.write_text(f"{name} = '{text}'\n")
    with pytest.raises(RefusedError) as in_file:
        read({"NTA_CONFIG": str(config)})

    said = str(refusal.value)
    assert said.startswith(f"{name} (environment): ")
    assert str(in_file.value).startswith(f"{name} ({config}): ")
    assert "\n" not in said
    assert len(said) < 160
    assert len(text) < 8 or text not in said  # shorter ones are words of the hints


@pytest.mark.parametrize("name", [known.name for known in KNOWN if known.secret])
def test_a_bad_secret_is_not_repeated_in_its_refusal(name: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        read({name: "not-a-good-s3cret"})

    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


def test_the_librarys_own_refusal_shows_no_value_either() -> None:
    with pytest.raises(ValidationError) as refusal:
        Settings({}, {"NTA_KEYS": ("not-a-good-s3cret", "environment")}, {})

    assert "s3cret" not in str(refusal.value)


def test_settings_printed_by_mistake_show_no_secret() -> None:
    settings, _ = read({"NTA_KEYS": KEY, "NTA_ORIGIN_TOKENS": "proxy:one=s3cret", "NTA_HOTLINE": "ours"})

    assert "ours" in repr(settings)
    assert "s3cret" not in repr(settings)
    assert repr(bytes.fromhex(KEY)) not in repr(settings)


def test_no_value_is_logged_even_where_the_library_is_asked_to(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")

    with caplog.at_level(logging.DEBUG):
        read({"NTA_KEYS": KEY})

    assert KEY not in caplog.text


def test_settings_do_not_change() -> None:
    settings, _ = read({})

    with pytest.raises(ValidationError):
        settings.hotline = "another"


def test_variables_of_this_process_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTA_HOTLINE", "of-the-process")

    assert read({})[0].hotline is None


def test_a_name_in_small_letters_is_none_of_ours() -> None:
    assert read({"nta_hotline": "ours"})[0].hotline is None


def test_an_unknown_name_is_refused_with_where_it_stands(tmp_path: Path) -> None:
    config = tmp_path / "nta.toml"
    config.write_text('sendign = "off"\n')

    with pytest.raises(RefusedError, match=r"^unknown setting NTA_SENDIGN \(environment\)"):
        read({"NTA_SENDIGN": "off"})
    with pytest.raises(RefusedError) as refusal:
        read({"NTA_CONFIG": str(config)})
    assert str(refusal.value).startswith(f"unknown setting NTA_SENDIGN ({config})")


WAY_OUT = {
    "NTA_SMTP_URL": "smtp://127.0.0.1:25",
    "NTA_SENDER": "notices@hotline.test",
    "NTA_RETURN_PATH": "return+{token}@hotline.test",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("redirect:me@hotline.test", Sending("redirect", "me@hotline.test")), ("on", Sending("on"))],
)
def test_sending_is_read_where_there_is_a_way_out(text: str, expected: Sending) -> None:
    assert read({"NTA_SENDING": text, **WAY_OUT})[0].sending == expected


@pytest.mark.parametrize("text", ["on", "redirect:me@hotline.test"])
@pytest.mark.parametrize("missing", [list(WAY_OUT), *([name] for name in WAY_OUT)], ids=",".join)
def test_sending_without_a_way_out_is_refused_by_what_is_missing(text: str, missing: list[str]) -> None:
    given = {name: value for name, value in WAY_OUT.items() if name not in missing}

    with pytest.raises(RefusedError) as refusal:
        read({"NTA_SENDING": text, **given})

    word = text.partition(":")[0]
    assert (
        str(refusal.value) == f"NTA_SENDING (environment) is {word}, and there is no {', no '.join(missing)}"
    )


def test_other_programs_variables_are_none_of_ours() -> None:
    assert read({"PATH": "/bin", "HOME": "/", "NTA_TEST_DATA": "/data"})[0] == read({})[0]


def test_a_file_names_settings_in_either_spelling_and_lists_too(tmp_path: Path) -> None:
    config = tmp_path / "nta.toml"
    config.write_text(
        'NTA_HOTLINE = "ours"\nprobe_body = "head"\ncontrol_urls = ["http://a.test/", "http://b.test/"]\n'
    )

    settings, lines = read({"NTA_CONFIG": str(config)})

    assert settings.hotline == "ours"
    assert settings.probe_body == "head"
    assert settings.control_urls == ("http://a.test/", "http://b.test/")
    assert {line.source for line in lines} == {"default", str(config)}


def test_the_environment_wins_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    config = tmp_path / "nta.toml"
    config.write_text('hotline = "file"\nprobe_body = "head"\n')

    settings, _ = read({"NTA_CONFIG": str(config), "NTA_HOTLINE": "environment"})

    assert (settings.hotline, settings.probe_body, settings.sending) == (
        "environment",
        "head",
        Sending("off"),
    )
    assert line_of("NTA_HOTLINE", {"NTA_CONFIG": str(config), "NTA_HOTLINE": "x"}).source == "environment"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hotline = ours", "not TOML"),
        (b"hotline = '\xff'", "not TOML"),
        (b"[hotline]\nid = 'ours'", "NTA_HOTLINE ({path}): say a text"),
        (b"sending = true", "NTA_SENDING ({path}): say a text"),
        (b"control_urls = [1]", "NTA_CONTROL_URLS ({path}): say a text"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(content: bytes, said: str, tmp_path: Path) -> None:
    config = tmp_path / "nta.toml"
    config.write_bytes(content)

    with pytest.raises(RefusedError) as refusal:
        read({"NTA_CONFIG": str(config)})

    assert said.format(path=config) in str(refusal.value)
    assert str(config) in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"NTA_CONFIG: cannot read .*: No such file"):
        read({"NTA_CONFIG": str(tmp_path / "none.toml")})


def test_secrets_come_from_files_of_their_own(tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    secret.write_text(f"{KEY}\n{OTHER_KEY}\n")

    settings, _ = read({"NTA_KEYS_FILE": str(secret)})

    assert settings.keys == (bytes.fromhex(KEY), bytes.fromhex(OTHER_KEY))
    assert line_of("NTA_KEYS", {"NTA_KEYS_FILE": str(secret)}).source == "file named by NTA_KEYS_FILE"


def test_a_secrets_file_wins_over_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "nta.toml").write_text('smtp_url = "smtp://one.test"\n')
    (tmp_path / "relay").write_text("smtp://two.test\n")

    settings, _ = read(
        {"NTA_CONFIG": str(tmp_path / "nta.toml"), "NTA_SMTP_URL_FILE": str(tmp_path / "relay")}
    )

    assert settings.smtp_url == "smtp://two.test"


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    secret.write_text(OTHER_KEY)

    with pytest.raises(RefusedError, match=r"NTA_KEYS and NTA_KEYS_FILE .*set one of them"):
        read({"NTA_KEYS_FILE": str(secret), "NTA_KEYS": KEY})


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secrets_file_that_cannot_be_read_is_refused_by_name(content: bytes | None, tmp_path: Path) -> None:
    secret = tmp_path / "keys"
    if content is not None:
        secret.write_bytes(content)

    with pytest.raises(RefusedError, match=r"^NTA_KEYS_FILE: "):
        read({"NTA_KEYS_FILE": str(secret)})


def test_what_is_no_secret_has_no_file_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="unknown setting NTA_HOTLINE_FILE"):
        read({"NTA_HOTLINE_FILE": str(tmp_path / "hotline")})


def test_lines_hide_secrets_and_say_when_one_is_not_set() -> None:
    given = {
        "NTA_KEYS": KEY,
        "NTA_DATABASE_URL": "postgresql+psycopg://nta:s3cret@127.0.0.1/nta",
        "NTA_SMTP_URL": "smtps://nta:s3cret@127.0.0.1",
        "NTA_HOTLINE": "ours",
    }
    lines = {line.name: line.value for line in read(given)[1]}

    assert lines["NTA_KEYS"] == lines["NTA_DATABASE_URL"] == lines["NTA_SMTP_URL"] == "(hidden)"
    assert lines["NTA_DIGEST_KEY"] == "(not set)"
    assert lines["NTA_HOTLINE"] == "ours"
    assert not any(KEY in value or "s3cret" in value for value in lines.values())
