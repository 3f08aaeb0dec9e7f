"""How long a connection to Binance may be quiet, wait, live and overlap. Seconds, unless a name says otherwise.

Constants rather than config: each follows from a rule of the exchange or from the promise that a silent or
broken connection is replaced and its gap asked for within a minute (``StreamTiming.longest_outage``). Tests
pass shorter ones.
"""

from msgspec import Struct


class StreamTiming(Struct, frozen=True, kw_only=True):
    """Every wait of the streams."""

    dial: float = 8.0
    """For TCP, TLS and the upgrade."""
    handshake: float = 8.0
    """For the exchange to confirm the subscriptions."""
    probe: float = 8.0
    """Without a frame until the exchange is asked whether it is still there."""
    answer: float = 6.0
    """For its answer to that; then the socket is silent, whatever TCP says."""
    deaf: float = 25.0
    """Without data on a connection that answers and ought to have some (a stream at the wrong door connects,
    answers and delivers nothing): a second one is opened beside it."""
    deaf_most: float = 600.0
    """The wait for that is doubled up to here while a fresh connection is as quiet: then the market is."""
    retry_first: float = 0.5
    """Before the second try of a connection; the first follows at once."""
    retry_most: float = 12.0
    """Back-off doubles up to here. Small, because a returned exchange must be noticed within the minute; all
    connections together stay within ``dials``."""
    banned: float = 120.0
    """After 418 or 429 at the door without a Retry-After: Binance's shortest ban."""
    unserved: float = 25.0
    """Between two tries while the exchange does not serve us at all: a wrong key stays one, but in its troubles Binance
    calls right ones wrong too, and what is back must be noticed within the minute."""
    stable: float = 30.0
    """A connection that lived so long has proved itself: the back-off begins anew."""
    dials: int = 200
    """Connections a five minutes, all together: two thirds of what Binance allows an address. Six connections that
    are all refused stay below it."""
    dials_window: float = 300.0
    renew: float = 23 * 3600.0
    """Age at which a connection is replaced; Binance cuts it at 24 h."""
    renew_spread: float = 1800.0
    """Taken off by chance, so that connections made together are not renewed together."""
    overlap: float = 3.0
    """Old and new connection both listen so long, so that nothing falls between them."""
    streams: int = 400
    """Of one connection; Binance allows 1024."""
    batch: int = 100
    """Streams of one SUBSCRIBE."""
    batch_pause: float = 0.3
    """Between two: Binance takes five messages a second, pongs included."""
    bad_frames: int = 5
    """So many unreadable frames within ``bad_window`` condemn a connection; a single one is counted and passed."""
    bad_window: float = 10.0
    tick: float = 0.1
    """Pace of the feeds' own looking around."""
    quote_ms: int = 250
    """At most one quote a symbol in this time; the latest wins."""
    late: float = 5.0
    """A frame older than this by the exchange's own time is of the past. A connection that says nothing else for as
    long as a deaf one is quiet has fallen behind (a line too thin, a gateway that holds back) and gets a successor:
    that begins with the present. Account news that late end theirs at once."""
    quiet: float = 20.0
    """A symbol without news for so long is asked for by REST: quiet market or lost stream."""
    late_bar_ms: int = 2_000
    """After the close: a bar that is not there yet is asked for, and holds the others no longer."""
    gap_hold_ms: int = 10_000
    """After a gap all symbols are waited for so long, so that missed minutes are told together."""
    settle: float = 5.0
    """After a funding time, before the settled rates are asked for."""
    wallet: float = 1.0
    """After the stream said that a wallet changed, before the exchange's list is asked which change it was; then
    ever longer."""
    listen_key: float = 600.0
    """Between two prolongations of the listen key, which lives 3600."""
    ask_again: float = 15.0
    """After a REST call of the streams' own that failed."""
    heard_of: float = 10.0
    """An order the exchange answered must be heard of on the stream within this time, or the stream is deaf."""
    idle: float = 900.0
    """An account stream without any event for so long is replaced, with overlap: that costs nothing, and a deaf
    one looks the same."""
    hold_fill: float = 1.0
    """For news of the conditional order that a fill under an unknown id may have come from."""
    resync: float = 15.0
    """What the REST resync after a reconnection is allowed in ``longest_outage``; nothing waits by it."""

    @property
    def longest_outage(self) -> float:
        """From the last frame of a socket that fell silent until everything is connected and resynchronised.

        The worst way there: an open, silent socket; one failed try; then connection and confirmation at the very
        end of their time.
        """
        silent = self.probe + self.tick + self.answer + self.tick
        return silent + self.dial + self.retry_first + self.dial + self.handshake + self.resync

    @property
    def longest_return(self) -> float:
        """From the moment an exchange that was away is back until everything is resynchronised."""
        return self.retry_most + self.dial + self.handshake + self.resync
