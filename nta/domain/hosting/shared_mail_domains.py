"""Domains under which a mailbox says nothing of whose network it is about."""

from typing import Final

# Where anybody may have a mailbox: the large free services, and what access providers give customers.
# Collected by hand in 2026 from what these are known for; no list of them is whole, and what it lacks costs a
# notice that bounces.
_FOR_ALL: Final = """
126.com 139.com 163.com 189.cn abv.bg bk.ru bol.com.br chello.nl daum.net email.cz fastmail.com
foxmail.com free.fr freenet.de gmail.com googlemail.com hanmail.net hetnet.nl home.nl hushmail.com i.ua
icloud.com inbox.ru interia.pl kpnmail.nl laposte.net libero.it list.ru mac.com mail.com mail.ru
mailbox.org me.com naver.com o2.pl onet.pl op.pl orange.fr planet.nl posteo.de proton.me protonmail.com
qq.com rambler.ru rediffmail.com seznam.cz sina.com sohu.com t-online.de terra.com.br tutanota.com ukr.net
uol.com.br wanadoo.fr web.de wp.pl ya.ru yeah.net ymail.com ziggo.nl zoho.com
"""
_FOR_ALL_ANYWHERE: Final = "aol gmx hotmail live msn outlook rocketmail yahoo yandex"  # under any suffix

# Who keeps the records of networks that others hold: IANA, the five regional registries (RFC 7020, 2),
# and the national ones under APNIC and LACNIC, as their networks' records of 2026 name them.
_REGISTRIES: Final = """
afrinic.net apjii.or.id apnic.net arin.net cnnic.cn cnnic.net.cn iana.org iar.mx icann.org idnic.net
internic.net irinn.in kisa.or.kr krnic.or.kr lacnic.net nic.ad.jp nic.br nic.mx nic.or.kr nixi.in nro.net
registro.br ripe.net twnic.net.tw twnic.tw vnnic.net.vn vnnic.vn
"""

_NOBODYS: Final = frozenset((*_FOR_ALL.split(), *_REGISTRIES.split()))
_LABELS: Final = frozenset(_FOR_ALL_ANYWHERE.split())


def is_nobodys_own(domain: str) -> bool:
    """Tell whether a registrable domain, in lower case, is a mail service or a registry of networks."""
    return domain in _NOBODYS or domain.partition(".")[0] in _LABELS
