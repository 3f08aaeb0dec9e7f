"""What can go wrong between a face and a bot, classed by what the caller must do.

ControlError
├── ProtocolError      the other end speaks nonsense: close the connection
├── NotRunning         nobody listens: start the bot
├── ConnectionLost     the bot was there and is gone, or hangs up: connect again
├── Refused            the bot said no, with a reason: read it
└── TimedOut           no answer in time: what was asked may or may not have happened
"""


class ControlError(Exception):
    """Base: one sentence for the operator."""


class ProtocolError(ControlError):
    """A frame that is too long, no JSON, or none of the known messages."""


class NotRunning(ControlError):
    """There is no socket, or nobody behind it."""


class ConnectionLost(ControlError):
    """The connection ended while something was still expected of it."""


class Refused(ControlError):
    """The bot refused, and said why."""


class TimedOut(ControlError):
    """No answer in time. Unknown is not no: what was asked may still happen."""
