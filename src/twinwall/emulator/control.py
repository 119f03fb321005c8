"""What another process may ask of the running endpoint, as JSON, under ``/_twinwall/``.

GET    counts      [{"account", "region", "action", "count"}]: every call, refused ones too
GET    throttle    {"on", "latency_ms", "time_scale", "refused": […as counts…], "buckets": […]}
POST   throttle    {"on"?, "latency_ms"?, "time_scale"?, "own"?: [{"action", "capacity", "refill", "account"?,
                   "region"?}]}: from now on; ``own``: an account's own bucket of an action, full
GET    faults      those that may still befall a call
POST   faults      {"faults": [SPEC, …]} (``fault_text``): these as well
DELETE faults      none any more
GET    functions   [{"function", "pid", "busy", "stream"}]: the processes of Lambda functions, warm ones too
POST   advance     {"seconds": N}: the server's clock leaps ahead; heartbeats, schedules, hidden messages with it
POST   reset       counts are zero, buckets full; faults stay
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from twinwall.emulator.fault_text import parse_fault
from twinwall.emulator.faults import Counts, Trouble
from twinwall.emulator.pace import Pace
from twinwall.emulator.state import World
from twinwall.emulator.throttle import Throttle
from twinwall.errors import ConfigError
from twinwall.model.throttle import Bucket


class Controlled(Protocol):
    counts: Counts
    trouble: Trouble
    throttle: Throttle
    world: World
    pace: Pace
    processes: Callable[[], Any]


def answer(it: Controlled, method: str, path: str, body: bytes) -> Any:
    """The JSON to answer with; None where there is no such control. Raises ``ConfigError``."""
    control = _CONTROLS.get((method, path.removeprefix("/_twinwall/")))
    return None if control is None else control(it, _read(body))


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body) if body else {}
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ConfigError("the body of a control is a JSON object")
    return given


def _counts(it: Controlled, _: Mapping[str, Any]) -> Any:
    return it.counts.document()


def _throttle(it: Controlled, _: Mapping[str, Any]) -> Any:
    return {
        "on": it.throttle.on,
        "latency_ms": it.pace.latency_ms,
        "time_scale": it.pace.time.scale,
        "refused": it.throttle.refused.document(),
        "buckets": it.throttle.document(),
    }


def _set_throttle(it: Controlled, given: Mapping[str, Any]) -> Any:
    latency = _number(given, "latency_ms", it.pace.latency_ms)
    scale = _number(given, "time_scale", it.pace.time.scale)
    on = given.get("on", it.throttle.on)
    if not isinstance(on, bool) or scale <= 0 or given.keys() - {"on", "latency_ms", "time_scale", "own"}:
        raise ConfigError(
            'a throttle is {"on": true or false, "latency_ms": 0 or more, "time_scale": above 0, "own": [buckets]}'
        )
    own = dict(_own_buckets(given.get("own", [])))
    it.world.buckets.update(own)
    it.throttle.renew(own)
    it.throttle.on = it.pace.throttle = on
    it.pace.latency_ms = latency
    it.pace.set_scale(scale)
    return _throttle(it, {})


def _own_buckets(given: Any) -> Iterator[tuple[tuple[str, str, str], Bucket]]:
    wrong = ConfigError(
        'an own bucket is {"action": NAME, "capacity": 1 or more, "refill": above 0, "account"?, "region"?}'
    )
    if not isinstance(given, list):
        raise wrong
    for one in given:
        if not isinstance(one, dict) or one.keys() - {"action", "capacity", "refill", "account", "region"}:
            raise wrong
        capacity, refill = _number(one, "capacity", 0), _number(one, "refill", 0)
        account, region, action = one.get("account", "*"), one.get("region", "*"), one.get("action", "")
        words = all(isinstance(word, str) and word for word in (account, region, action))
        if not words or capacity < 1 or refill <= 0:
            raise wrong
        yield (account, region, action), Bucket(int(capacity), refill)


def _number(given: Mapping[str, Any], key: str, standing: float) -> float:
    value = given.get(key, standing)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError(f"{key} is {value!r}; a number from 0 on is wanted")
    return float(value)


def _faults(it: Controlled, _: Mapping[str, Any]) -> Any:
    return [fault.document() for fault in it.trouble.pending()]


def _functions(it: Controlled, _: Mapping[str, Any]) -> Any:
    return it.processes()


def _add_faults(it: Controlled, given: Mapping[str, Any]) -> Any:
    texts = given.get("faults")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ConfigError('faults are given as {"faults": ["CreateNetworkAclEntry:7=drop", …]}')
    for fault in [parse_fault(text) for text in texts]:
        it.trouble.add(fault)
    return _faults(it, {})


def _no_faults(it: Controlled, _: Mapping[str, Any]) -> Any:
    it.trouble.no_faults()
    return []


def _advance(it: Controlled, given: Mapping[str, Any]) -> Any:
    if given.keys() != {"seconds"}:
        raise ConfigError('an advance is {"seconds": 0 or more}')
    it.pace.advance(_number(given, "seconds", 0.0))
    return []


def _reset(it: Controlled, _: Mapping[str, Any]) -> Any:
    it.counts.reset()
    it.throttle.reset()
    return []


_CONTROLS: Mapping[tuple[str, str], Callable[[Controlled, Mapping[str, Any]], Any]] = {
    ("GET", "counts"): _counts,
    ("GET", "throttle"): _throttle,
    ("POST", "throttle"): _set_throttle,
    ("GET", "faults"): _faults,
    ("GET", "functions"): _functions,
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _no_faults,
    ("POST", "advance"): _advance,
    ("POST", "reset"): _reset,
}
