"""The doctor's decision: what the answers mean, without a node."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ron.cli.doctor._diagnose import diagnose
from ron.cli.doctor._evidence import Evidence, Finding, Probe, StreamProbe
from ron.cli.doctor._kind import KINDS, kind_of

GATEWAY = {
    "/healthz": Probe("/healthz", 200, text="ok", skew=0.2),
    "/readyz": Probe("/readyz", 200, text="ready"),
    "/version": Probe("/version", 200, json={"version": "1"}),
    "/app/healthz": Probe("/app/healthz", 200),
}
MACRO = {"www-authenticate": 'Macro realm="micronode"'}


def seen(**probes: Probe) -> dict[str, Probe]:
    """Probes by path; `_` in a name stands for `/`."""
    return {probe.path: probe for probe in probes.values()}


def evidence(probes: Optional[dict[str, Probe]] = None, **more: Any) -> Evidence:
    """What was seen of a gateway at https://node.example, but for what is given."""
    known: dict[str, Any] = {"url": "https://node.example:443", "scheme": "https", "host": "node.example", "port": 443}
    return Evidence(**{**known, "probes": GATEWAY if probes is None else probes, **more})


def finding(code: str, *seen_so: Any, **more: Any) -> Finding:
    """The last finding about one thing."""
    return [one for one in diagnose(evidence(*seen_so, **more)).findings if code == one.code][-1]


@pytest.mark.parametrize(
    ("probes", "kind"),
    [
        ([], "nothing"),
        ([Probe("/healthz", failure="connect")], "nothing"),
        ([Probe("/healthz", 200, text="ok"), Probe("/version", 200, json={})], "gateway"),
        ([Probe("/healthz", 503, text="busy"), Probe("/version", 200, json={})], "gateway"),
        ([Probe("/healthz", 200, text="ok\n"), Probe("/version", 200, text="v0.2")], "micronode"),
        ([Probe("/healthz", 200, text="ok"), Probe("/facets/meta", 200, json={"loaded": []})], "micronode"),
        ([Probe("/facets/x", 401, headers=MACRO)], "micronode"),
        ([Probe("/healthz", 200, json={"ok": True, "deps": {}})], "macronode"),
        ([Probe("/readyz", 503, json={"ready": False, "deps": {}})], "macronode"),
        ([Probe("/readyz", 503, json={"missing": ["index"]})], "omnigate"),
        ([Probe("/readyz", 200, json={"ready": True})], "omnigate"),
        ([Probe("/v1/app/healthz", 200)], "omnigate"),
        ([Probe("/healthz", 200, text="<html>"), Probe("/version", 200, json={})], "unknown"),
        ([Probe("/healthz", 200, text="ok")], "unknown"),
        ([Probe("/facets/meta", 200, json={"loaded": 5})], "unknown"),
    ],
)
def test_a_service_is_told_by_how_it_answers(probes: list[Probe], kind: str) -> None:
    """What is particular to each service's answers (protocol.md) names it; anything else is unknown."""
    assert kind == kind_of(evidence({probe.path: probe for probe in probes}))
    assert kind in KINDS


def test_a_healthy_gateway_has_nothing_to_mend() -> None:
    """The findings of a healthy gateway are fine, in the order in which one would look."""
    diagnosis = diagnose(evidence(tls=("TLSv1.3", "TLS_AES_128_GCM_SHA256")))
    assert ("gateway", "ok") == (diagnosis.kind, diagnosis.worst)
    assert ["kind", "tls", "health", "ready", "version", "clock", "app", "streams"] == [
        one.code for one in diagnosis.findings
    ]
    assert "the certificate verifies; TLSv1.3 TLS_AES_128_GCM_SHA256" == diagnosis.findings[1].message


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("dns", "the host's name could not be resolved"),
        ("connect", "nothing accepts connections there"),
        ("certificate", "its certificate does not verify"),
        ("tls", "it does not speak TLS"),
        ("timeout", "no answer came in time"),
        ("protocol", "what answers is no HTTP/1.1"),
        ("read", "it closed the connection without an answer"),
        ("truncated", "it closed the connection without an answer"),
    ],
)
def test_silence_has_a_reason_and_a_remedy(failure: str, message: str) -> None:
    """Each way not to answer is told apart, with what to do about it; nothing else is said then."""
    (one,) = diagnose(evidence(seen(a=Probe("/healthz", failure=failure)))).findings
    assert ("error", "reach", f"node.example:443: {message}") == one[:3]
    assert one.fix


def test_usual_ports_are_named() -> None:
    """A port that a service usually listens on is named with it; what answers at others is told."""
    silent = seen(a=Probe("/healthz", failure="connect"))
    one, other = diagnose(
        evidence(silent, scheme="http", host="::1", port=8080, elsewhere={5304: "svc-gateway"})
    ).findings
    assert "::1:8080, where a macronode usually listens: nothing accepts connections there" == one.message
    assert ("note", "elsewhere", "svc-gateway answers at http://[::1]:5304") == other[:3]


def test_plain_http_to_another_machine_is_an_error() -> None:
    """Plain http is a note on this machine, and an error on the way to another."""
    assert "error" == finding("tls", scheme="http").level
    assert "note" == finding("tls", scheme="http", loopback=True).level
    assert "--insecure-http" in finding("tls", scheme="http", loopback=True, withheld=True).fix


@pytest.mark.parametrize(
    ("probe", "level", "message"),
    [
        (Probe("/healthz", 200, text="ok"), "ok", "healthy: ok"),
        (
            Probe("/healthz", 200, json={"ok": False}, text='{"ok":false}'),
            "error",
            '/healthz answers 200: {"ok":false}',
        ),
        (Probe("/healthz", 500), "error", "/healthz answers 500: an empty body"),
        (Probe("/healthz", failure="timeout", detail="too late"), "error", "/healthz: too late"),
        (Probe("/healthz", failure="skipped"), "note", "/healthz was not asked: the time was up"),
    ],
)
def test_health_is_read(probe: Probe, level: str, message: str) -> None:
    """Health is the status, and a JSON body that says no."""
    assert (level, message) == finding("health", {**GATEWAY, "/healthz": probe})[::2][:2]


@pytest.mark.parametrize(
    ("probe", "level", "message"),
    [
        (Probe("/readyz", 503, text="not ready"), "error", "not ready (503): not ready"),
        (
            Probe("/readyz", 503, json={"missing": ["index", "storage"]}, headers={"retry-after": "3"}),
            "error",
            "not ready (503): it waits for index, storage, and asks to come back in 3 s",
        ),
        (Probe("/readyz", 200, json={"ready": False}, text="no"), "error", "not ready (200): no"),
        (Probe("/readyz", 404), "note", "/readyz is not there"),
    ],
)
def test_readiness_says_what_is_missing(probe: Probe, level: str, message: str) -> None:
    """Readiness tells what the node waits for and when it asks to come back."""
    assert (level, message) == finding("ready", {**GATEWAY, "/readyz": probe})[::2][:2]


@pytest.mark.parametrize(
    ("skew", "level", "message"),
    [
        (0.4, "ok", "the node's clock and this one agree"),
        (-29.0, "ok", "the node's clock and this one agree"),
        (61.2, "warning", "the node's clock is 61 s ahead of this one"),
        (-90.0, "warning", "the node's clock is 90 s behind this one"),
        (None, "note", "the node sends no Date: its clock can't be compared"),
    ],
)
def test_clocks_are_compared(skew: Optional[float], level: str, message: str) -> None:
    """A clock that is off by half a minute or more is a warning that says which way."""
    one = finding("clock", {**GATEWAY, "/healthz": Probe("/healthz", 200, text="ok", skew=skew)})
    assert level == one.level
    assert one.message.startswith(message)


@pytest.mark.parametrize(
    ("probe", "level", "message"),
    [
        (Probe("/app/healthz", 401), "note", "/app answers 401 without a token: what is behind can't be seen"),
        (Probe("/app/healthz", 404), "error", "/app/healthz answers 404: the gateway does not reach an omnigate"),
        (Probe("/app/healthz", 502), "error", "/app/healthz answers 502: the gateway does not reach omnigate"),
        (Probe("/app/healthz", failure="timeout", detail="too late"), "error", "/app/healthz too late: the gateway"),
    ],
)
def test_the_app_plane_is_looked_through(probe: Probe, level: str, message: str) -> None:
    """Whether /app reaches anything is told by omnigate's own health route behind it."""
    one = finding("app", {**GATEWAY, "/app/healthz": probe})
    assert level == one.level
    assert one.message.startswith(message)


def on_micronode(*facets: Any) -> dict[str, Probe]:
    """A micronode's answers."""
    return {
        "/healthz": Probe("/healthz", 200, text="ok"),
        "/facets/meta": Probe("/facets/meta", 200, json={"loaded": list(facets)}),
    }


@pytest.mark.parametrize(
    ("facets", "level", "message"),
    [
        ([], "warning", "no facet is loaded"),
        ([{"id": "a", "kind": "echo", "routes": [{"method": "GET", "path": "/x"}]}], "ok", "loaded: a (echo, 1 route)"),
        ([{"id": "a", "kind": "proxy", "routes": []}], "warning", "loaded without a route: a"),
        (
            [{"id": "a", "routes": [{"method": "put", "path": "/x"}, {"method": "GET", "path": "/x"}]}],
            "warning",
            "listed, but a micronode mounts only GET and POST: put a/x",
        ),
        ([{"id": str(n), "kind": "echo", "routes": [1]} for n in range(9)], "ok", "loaded: 0 (echo, 1 route), 1"),
        (["nonsense", {"routes": "none"}], "warning", "loaded without a route: ?"),
    ],
)
def test_loaded_facets_are_looked_at(facets: list[Any], level: str, message: str) -> None:
    """Facets without routes and with methods that are not mounted are found, whatever the node sends."""
    one = finding("facets", on_micronode(*facets))
    assert level == one.level
    assert one.message.startswith(message)


def test_a_micronode_with_other_settings_is_a_warning() -> None:
    """A client set for a gateway is told what to set for a micronode; one that is set so is fine."""
    assert "--micronode" in finding("kind", on_micronode()).fix
    assert "ok" == finding("kind", on_micronode(), auth_scheme="Macro", facet_prefix="/facets").level


@pytest.mark.parametrize(
    ("probe", "has_token", "level", "message"),
    [
        (Probe("/app/ron-doctor", 401, headers=MACRO), True, "error", "the node asks for 'Macro' tokens; the client"),
        (Probe("/app/ron-doctor", 401), False, "warning", "the node asks for a token, and there is none"),
        (Probe("/app/ron-doctor", 401), True, "note", "the node asks for a token, as Bearer; there is one"),
        (
            Probe("/app/ron-doctor", 401, headers={"www-authenticate": "bearer"}),
            True,
            "note",
            "the node asks for a token, as Bearer; there is one",
        ),
    ],
)
def test_the_scheme_is_compared(probe: Probe, has_token: bool, level: str, message: str) -> None:
    """The scheme that a 401 asks for is compared with the client's, without regard to case."""
    one = finding("auth", {**GATEWAY, probe.path: probe}, has_token=has_token)
    assert level == one.level
    assert one.message.startswith(message)


@pytest.mark.parametrize(
    ("probe", "level", "fix"),
    [
        (Probe("/app/x", 200), "ok", ""),
        (Probe("/app/x", 401), "error", "set RON_APP_TOKEN beside RON_APP_URL, or use --ask-token"),
        (Probe("/app/x", 403), "error", "the node's policy denies it"),
        (Probe("/app/x", 404), "error", "an empty answer speaks of the route"),
        (Probe("/app/x", 404, text='{"code":"not_found"}'), "error", "check the path"),
        (Probe("/app/x", 502), "error", "look into the log of the service behind; the node itself answers"),
        (Probe("/app/x", failure="timeout", detail="too late"), "error", "look into the log of the service behind"),
    ],
)
def test_a_route_of_the_callers_has_a_remedy(probe: Probe, level: str, fix: str) -> None:
    """What the caller's own route answers is told with what to do about it."""
    one = finding("path", wanted=probe)
    assert level == one.level
    assert one.fix.startswith(fix)


def test_a_micronodes_401_is_not_about_the_token() -> None:
    """On a micronode a 401 is its security mode's, whatever the token."""
    one = finding("path", on_micronode(), wanted=Probe("/facets/a", 401, headers=MACRO), has_token=True)
    assert "dev_allow" in one.fix


@pytest.mark.parametrize(
    ("probe", "level"),
    [
        (StreamProbe("/s", 200, "text/event-stream"), "ok"),
        (StreamProbe("/s", 200, "application/json"), "error"),
        (StreamProbe("/s", 401), "error"),
        (StreamProbe("/s", failure="timeout", waited=3.0), "warning"),
        (StreamProbe("/s", failure="read"), "error"),
    ],
)
def test_streams_are_judged(probe: StreamProbe, level: str) -> None:
    """A stream whose head comes at once streams; one that doesn't come in time is buffered."""
    assert level == finding("streams", stream=probe).level


BAD_DAYS = [
    evidence({}),
    evidence({"/healthz": Probe("/healthz", 500, skew=99.0)}, scheme="http", out_of_time=True),
    evidence({"/readyz": Probe("/readyz", 503, json={"deps": {}})}, wanted=Probe("/app/x", 404)),
    evidence({**GATEWAY, "/app/healthz": Probe("/app/healthz", 404)}, stream=StreamProbe("/s", failure="timeout")),
    evidence(
        {"/healthz": Probe("/healthz", 200, text="ok"), "/facets/meta": Probe("/facets/meta", 401, headers=MACRO)}
    ),
    evidence({"/readyz": Probe("/readyz", 200, json={"ready": True})}, stream=StreamProbe("/s", 404)),
    evidence(on_micronode({"id": "a", "routes": []}), wanted=Probe("/facets/a", failure="read", detail="broke")),
]


@pytest.mark.parametrize("bad", BAD_DAYS, ids=[str(number) for number in range(len(BAD_DAYS))])
def test_whatever_is_wrong_has_a_remedy(bad: Evidence) -> None:
    """Every error and every warning says what to do about it."""
    findings = [one for one in diagnose(bad).findings if one.level in ("error", "warning")]
    assert findings
    assert [] == [one for one in findings if not one.fix]


def test_lack_of_time_is_told() -> None:
    """What could not be looked at is said, not passed over."""
    assert "warning" == finding("time", out_of_time=True).level
    assert "warning" == diagnose(evidence(out_of_time=True)).worst
