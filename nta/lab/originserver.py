"""What proxies tell a hotline that they trust: what stands behind a host of theirs."""

from urllib.parse import parse_qs

from nta.lab.httpserver import Reply, Request, json_reply
from nta.lab.landscape import Landscape
from nta.lab.overlay import PREFIX
from nta.lab.world import Placement, World


def origin_lookups(world: World, root: str) -> dict[str, str]:
    """Return where each proxy is asked that answers, by its id in the catalogue; `root` has a last slash."""
    asked = (one for one in world.providers.values() if one.tells_origins)
    return {f"proxy:{PREFIX}{one.id}": f"{root}{one.id}" for one in asked}


def origin_tokens(world: World) -> dict[str, str]:
    """Return our hotline's token with each of these proxies."""
    return {id_: _token(id_.removeprefix(f"proxy:{PREFIX}")) for id_ in origin_lookups(world, "")}


class OriginAnswers:
    """Answers `GET /<proxy>?host=<name>` to the bearer of that proxy's token (docs/operations.md)."""

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        self._world = landscape.world
        self.questions = 0

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.questions += 1
        proxy = request.path.strip("/")
        if request.method != "GET":
            return json_reply({"error": "ask with GET"}, 405)
        if f"proxy:{PREFIX}{proxy}" not in origin_lookups(self._world, ""):
            return json_reply({"error": "nobody answers here"}, 404)
        if request.fields.get("authorization") != f"Bearer {_token(proxy)}":
            return json_reply({"error": "who are you?"}, 401)
        origin = self._behind(proxy, "".join(parse_qs(request.query).get("host", [])))
        if origin is None:
            return json_reply({"error": "no host of ours"}, 404)
        holder = self._world.providers[origin.provider]
        abuse = [{"email": holder.mail}]
        return json_reply({"addresses": [str(origin.address)], "holder_name": holder.name, "abuse": abuse})

    def _behind(self, proxy: str, host: str) -> Placement | None:
        for site in self._world.sites.values():
            if site.host == host:
                for one in self._landscape.placements(site):
                    if one.provider == proxy:
                        return one.origin
        return None


def _token(proxy: str) -> str:
    return f"lab-token-of-{proxy}"
