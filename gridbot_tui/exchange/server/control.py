"""The control endpoint: what a test may do to the exchange. Answered only where it was asked for."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from gridbot_tui.exchange.server.accounts import Account, KeyConfig
from gridbot_tui.exchange.server.answers import json_answer
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.desk import Desk
from gridbot_tui.exchange.server.faults import read_rules
from gridbot_tui.exchange.server.floor import Floor
from gridbot_tui.exchange.server.mischief import Mischief
from gridbot_tui.exchange.server.place import Place
from gridbot_tui.exchange.server.streams import Hub
from gridbot_tui.exchange.server.web import Answer
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import DAY, Ms, Ticks

Json = dict[str, Any]
WORDS = {
    "price": "carry `symbol` to `price` now; `market` where both are served, `volume` traded there (default plenty),"
             " `mark` where it differs",
    "hold": "stop the market (`on` true) or let it go on",
    "speed": "`speed` times real time from now on",
    "jump": "let `ms` pass at once",
    "liquidity": "`steps` of `symbol` stand at each level of the book; null = as before",
    "funding": "settle `rate` of `symbol` now",
    "deposit": "add `amount` (negative: take) of `asset` to the account of `key` on `market`",
    "fees": "the account of `key` pays `maker` and `taker` on `market` from now on, fractions",
    "account": "open an account: `key`, `secret`, `balances`",
    "wipe": "the account of `key` on `market` is as it was opened, and nobody is told: a testnet's monthly reset",
    "faults": "a list of fault rules in place of the present ones",
    "act": "one action of the fault menu, now",
    "pardon": "forget every weight, count and ban",
    "state": "what the exchange knows of itself",
}  # fmt: skip
FIELDS = {
    "price": "symbol! price! market volume mark",
    "hold": "on",
    "speed": "speed!",
    "jump": "ms!",
    "liquidity": "symbol! steps! market",
    "funding": "symbol! rate!",
    "deposit": "key! asset! amount! market",
    "fees": "key! maker! taker! market",
    "account": "key! secret! balances",
    "wipe": "key! market",
    "pardon": "",
    "state": "",
}
"""What each word takes, ``!`` = must be given: one that is misspelt would be a test of nothing."""
RANGES: dict[str, tuple[Decimal, Decimal]] = {
    "price": (Decimal(0), Decimal(10**9)),
    "mark": (Decimal(0), Decimal(10**9)),
    "volume": (Decimal(0), Decimal(10**15)),
    "speed": (Decimal("0.01"), Decimal(100_000)),
    "ms": (Decimal(0), Decimal(366 * DAY)),
    "steps": (Decimal(0), Decimal(10**15)),
    "rate": (Decimal(-1), Decimal(1)),
    "maker": (Decimal("-0.01"), Decimal("0.1")),
    "taker": (Decimal(0), Decimal("0.1")),
    "amount": (Decimal(-(10**15)), Decimal(10**15)),
}
"""What each number may be: with others the exchange would have a price of nothing, or no time any more."""


def number(body: Json, name: str) -> Decimal:
    """The number of that name.

    :raises ValueError: it is none, or outside its range
    """
    low, high = RANGES[name]
    try:
        value = Decimal(str(body[name]))
    except InvalidOperation:
        value = Decimal("NaN")
    if value.is_nan() or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low:f} to {high:f}, not {body[name]!r}")
    return value


def _ticks(instrument: Instrument, body: Json, name: str) -> Ticks:
    ticks = instrument.ticks_near(number(body, name))
    if ticks < 1:
        least = f"a tick of {instrument.symbol} ({instrument.tick:f})"
        raise ValueError(f"{name} must be {least} or more, not {body[name]!r}")
    return ticks


def name(body: Json, key: str) -> str:
    """The text of that name.

    :raises ValueError: it is none
    """
    value = body[key]
    if not isinstance(value, str):
        raise ValueError(f"{key} must be a text, not {value!r}")
    return value


def fields(word: str, body: Json) -> None:
    """What was sent, against what the word takes.

    :raises ValueError: something is missing, or nothing that it takes
    """
    taken = FIELDS[word].split()
    names = [one.rstrip("!") for one in taken]
    for one in taken:
        if one.endswith("!") and one[:-1] not in body:
            raise ValueError(f"{word} needs {one[:-1]}")
    for one in body:
        if one not in names:
            raise ValueError(f"{word} takes {', '.join(names) or 'nothing'}, not {one}")


class Control:
    """Answers POST /control/<word>."""

    def __init__(self, place: Place, hub: Hub, mischief: Mischief) -> None:
        self._place = place
        self._hub = hub
        self._mischief = mischief

    def __call__(self, word: str, raw: bytes) -> Answer:
        """One order; 200 with what it did, 400 with why not."""
        if word not in WORDS:
            return json_answer({"error": f"no such word; there are {', '.join(WORDS)}"}, 404)
        try:
            if word == "faults":
                rules = read_rules(raw)
                self._place.befall(rules)
                return json_answer({"rules": len(rules)})
            if word == "act":
                for rule in read_rules(b"[" + raw + b"]"):
                    self._mischief.do(rule)
                return json_answer({})
            body = msgspec.json.decode(raw, type=dict[str, Any]) if raw else {}
            fields(word, body)
            act: Callable[[Json], Json] = getattr(self, f"_{word}")
            done = act(body)
        except Denied as why:
            return json_answer({"error": str(why)}, 400)
        except (ValueError, ArithmeticError, msgspec.DecodeError, msgspec.ValidationError) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)
        return json_answer(done)

    def _floors(self, body: Json) -> list[Floor]:
        market, symbol = body.get("market"), name(body, "symbol")
        found = [f for m, f in self._place.floors.items() if market in (None, m) and symbol in f.tapes]
        if not found:
            raise Denied(-1121)
        return found

    def _now(self) -> Ms:
        return self._place.now()

    def _price(self, body: Json) -> Json:
        for floor in self._floors(body):
            instrument = floor.tapes[body["symbol"]].instrument
            price = _ticks(instrument, body, "price")
            mark = _ticks(instrument, body, "mark") if "mark" in body else None
            volume = float(number(body, "volume")) if body.get("volume") is not None else None
            floor.push(body["symbol"], price, self._now(), volume, mark)
        self._hub.advance(self._now())
        return {"price": str(body["price"])}

    def _hold(self, body: Json) -> Json:
        on = body.get("on", True)
        if not isinstance(on, bool):
            raise ValueError(f"on must be true or false, not {on!r}")
        for floor in self._place.floors.values():
            floor.hold(on, self._now())
        return {"on": on}

    def _speed(self, body: Json) -> Json:
        self._place.run_at(float(number(body, "speed")))
        return {"speed": self._place.clock.speed}

    def _jump(self, body: Json) -> Json:
        self._place.clock.jump(int(number(body, "ms")))
        self._place.advance()
        self._hub.advance(self._now())
        return {"serverTime": self._now()}

    def _liquidity(self, body: Json) -> Json:
        steps = body.get("steps")
        for floor in self._floors(body):
            tape = floor.tapes[body["symbol"]]
            tape.book.liquidity = None if steps is None else int(number(body, "steps"))
            tape.rebuild()
        return {}

    def _funding(self, body: Json) -> Json:
        tape = self._place.tape("futures", name(body, "symbol"))
        self._place.floor("futures").settle(tape.symbol, float(number(body, "rate")), self._now())
        return {}

    def _desk(self, body: Json) -> tuple[Account, Desk]:
        account = self._place.by_key(name(body, "key"))
        market = name({"market": next(iter(self._place.floors)), **body}, "market")
        return account, self._place.desk(account, market, self._now())

    def _deposit(self, body: Json) -> Json:
        account, desk = self._desk(body)
        asset = name(body, "asset")
        if not asset or asset != asset.upper():
            raise ValueError(f"asset must be named in capitals, not {asset!r}")
        desk.transfer(asset, number(body, "amount"))
        self._place.flush(account)
        return {}

    def _fees(self, body: Json) -> Json:
        self._desk(body)[1].fees.charge(number(body, "maker"), number(body, "taker"))
        return {}

    def _account(self, body: Json) -> Json:
        self._place.add_account(msgspec.convert(body, KeyConfig))
        return {}

    def _wipe(self, body: Json) -> Json:
        account, _ = self._desk(body)
        self._place.wipe(account, name({"market": next(iter(self._place.floors)), **body}, "market"))
        return {}

    def _pardon(self, body: Json) -> Json:
        self._place.limiter.pardon()
        return {}

    def _state(self, body: Json) -> Json:
        return {
            "now": self._now(), "speed": self._place.clock.speed, "faults": dict(self._place.faults.injected),
            "links": len(self._hub.links), "sent": self._hub.sent,
            "prices": {name: {s: t.format.price(t.last) for s, t in floor.tapes.items()}
                       for name, floor in self._place.floors.items()},
        }  # fmt: skip
