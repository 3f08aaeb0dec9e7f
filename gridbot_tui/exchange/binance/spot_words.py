"""Events of the spot user stream in the house's words."""

from collections.abc import Callable, Mapping

from gridbot_tui.engine.events import Cash, CashKind, Fill, OrderReport, Outcome
from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.frames import ExecutionReport
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.exchange.binance.numbers import BadNumber, money
from gridbot_tui.exchange.binance.stream_words import OUTCOMES, StreamWords, side_of
from gridbot_tui.exchange.binance.words import Ended, Foreign, Leaving, LookAgain, Word
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, ClientId, Ms, Symbol


def balance_id(asset: str, at: Ms, amount: str) -> str:
    """The id of a deposit, withdrawal or transfer that only the stream tells of."""
    return f"balance-{at}-{asset}-{amount}"


class SpotWords(StreamWords):
    """Translates; a trade in a symbol that the bot does not trade is money that came or went."""

    def __init__(
        self, instruments: Mapping[Symbol, Instrument], ours: Callable[[ClientId], bool], ids: KnownIds
    ) -> None:
        super().__init__(instruments, ours, ids)
        self._quotes = sorted({instrument.quote for instrument in instruments.values()})

    def _inner(self, head: frames.Any_) -> bytes:
        return bytes(head.event)

    def client_of(self, symbol: Symbol, order_number: int) -> ClientId | None:
        """None: a spot order keeps its id when it triggers."""
        return None

    def _read(self, kind: str, raw: bytes) -> tuple[Ms, list[Word]]:
        if kind == "executionReport":
            report = frames.execution_report(raw)
            return report.E, self._order(report)
        if kind == "balanceUpdate":
            update = frames.balance_update(raw)
            amount = money(update.d)
            if amount == ZERO:
                return update.E, []
            name = balance_id(update.a, update.T, update.d)
            return update.E, [Cash(update.T, CashKind.TRANSFER, update.a, amount, name)]
        if kind == "eventStreamTerminated":
            return 0, [Ended("the exchange ended the subscription")]
        if kind == "serverShutdown":
            return 0, [Leaving("the exchange announced a shutdown")]
        if kind == "externalLockUpdate":
            return 0, [LookAgain("part of the balance was locked or released by another program")]
        if not kind:
            raise BadNumber("it has no event type")
        return 0, []

    def _order(self, r: ExecutionReport) -> list[Word]:
        client_id = r.C if r.C not in ("", "null") else r.c
        ours = self._ours(client_id)
        self._ids.learn(r.s, str(r.i), client_id)
        words: list[Word] = []
        if r.x == "TRADE":
            words += self._fill(r, client_id, ours) if r.s in self._scales else self._elsewhere(r)
        if not ours:
            # Orders in symbols that are not traded are nobody's business here until they trade.
            return [*words, Foreign(r.s, client_id)] if words or r.s in self._scales else []
        words.append(self._report(r, client_id))
        if r.x == "REPLACED":
            words.append(LookAgain(f"order {client_id} was changed by another hand"))
        return words

    def _report(self, r: ExecutionReport, client_id: ClientId) -> Word:
        outcome = OUTCOMES.get(r.X)
        scale = self._scales.get(r.s)
        if outcome is None or scale is None:
            return LookAgain(f"order {client_id} of {r.s} is {r.X}", order=client_id)
        if outcome is Outcome.ACCEPTED and r.w and r.o.startswith(("STOP_LOSS", "TAKE_PROFIT")):
            outcome = Outcome.TRIGGERED
        detail = r.r if r.r != "NONE" else ""
        return OrderReport(r.T, r.s, client_id, outcome, scale.steps(r.z), str(r.i), 0, detail)

    def _fill(self, r: ExecutionReport, client_id: ClientId, ours: bool) -> list[Word]:
        if r.t < 0 or r.n is None:
            return [LookAgain(f"a trade of {r.s} without {'a number' if r.t < 0 else 'its fee'}")]
        scale = self._scales[r.s]
        fee, asset = money(r.n or "0"), r.N or scale.instrument.quote
        price, steps = scale.some_price(r.L), scale.some_steps(r.l)
        side, quote = side_of(r.S), scale.booked(price, steps, r.Y)
        return [Fill(r.T, r.s, client_id, str(r.t), side, price, steps, fee, asset, r.m, ZERO, ours, quote=quote)]

    def _elsewhere(self, r: ExecutionReport) -> list[Word]:
        """A trade in a symbol that the bot does not trade: what it brought and took is a transfer to us."""
        quote = next((asset for asset in self._quotes if r.s.endswith(asset) and r.s != asset), None)
        if quote is None or r.t < 0 or r.Y is None:
            return [LookAgain(f"a trade of {r.s}, which the bot does not trade")]
        signed = side_of(r.S).value
        legs = ((r.s.removesuffix(quote), signed * money(r.l)), (quote, -signed * money(r.Y)),
                (r.N or quote, -money(r.n or "0")))  # fmt: skip
        return [
            Cash(r.T, CashKind.TRANSFER, asset, amount, f"trade-{r.s}-{r.t}-{n}")
            for n, (asset, amount) in enumerate(legs)
            if amount
        ]
