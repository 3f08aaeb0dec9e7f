"""Connections to Binance in the words of a face: up or not, how old, how slow, how much of the budget is used."""

from gridbot_tui.control.snapshot import LinkView, RateView
from gridbot_tui.exchange.binance.health import AdapterHealth
from gridbot_tui.exchange.binance.link_health import LinkHealth
from gridbot_tui.units import Ms

REQUESTS = "requests"
"""Name of the link that orders go out on."""


def stream_view(health: LinkHealth) -> LinkView:
    """One stream."""
    detail = health.detail
    if health.renewals:
        detail += f"; {health.renewals} renewed with overlap"
    if health.bad_frames:
        detail += f"; {health.bad_frames} unreadable frames"
    return LinkView(
        health.name,
        up=health.up,
        age_ms=None if health.age is None else round(health.age * 1000),
        reconnects=health.reconnects,
        latency_ms=health.latency_ms,
        detail=detail,
    )


def rest_view(health: AdapterHealth, now: Ms) -> LinkView:
    """The request side: budget, latency, and why anything of it is shut."""
    shut = bool(health.stopped) or (health.closed_until is not None and health.closed_until > now)
    rates = [RateView("request weight", health.weight_used, health.weight_limit, 60)]
    if health.orders_limit:
        rates.append(RateView("orders", health.orders_used, health.orders_limit, 10))
    return LinkView(
        REQUESTS,
        up=not shut,
        age_ms=None,
        reconnects=0,
        latency_ms=health.latency_p50_ms,
        detail="; ".join(_words(health, now)),
        rates=tuple(rates),
    )


def _words(health: AdapterHealth, now: Ms) -> list[str]:
    words = []
    if health.stopped:
        words.append(f"stopped: {health.stopped}")
    if health.closed_until is not None and health.closed_until > now:
        words.append(f"shut for {(health.closed_until - now) / 1000:.0f} s ({health.closed_for or 'rate limit'})")
    words += [
        f"{one.symbol} {one.request}: held back after error {one.code} ({one.detail})" for one in health.circuits
    ]
    if health.queued:
        words.append(f"{health.queued} requests wait")
    if health.unresolved:
        words.append(f"{health.unresolved} orders went unanswered so far")
    if abs(health.clock_offset_ms) >= 500:
        off = health.clock_offset_ms / 1000  # the exchange's less ours
        words.append(f"this machine's clock is {abs(off):.1f} s {'behind' if off > 0 else 'ahead'}")
    if health.latency_p99_ms is not None:
        words.append(f"p99 {health.latency_p99_ms:.0f} ms")
    if health.last_error and health.last_error_at is not None:
        words.append(f"last error {(now - health.last_error_at) / 1000:.0f} s ago: {health.last_error}")
    return words or ["no error so far"]

