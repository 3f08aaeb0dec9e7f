"""The sections ``[alerts]`` and ``[metrics]``: what is told to people and programs that do not look at the screen."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gridbot_tui.units import Mode

AlarmName = Literal[
    "kill",
    "halt",
    "stopped_out",
    "liquidation",
    "unprotected",
    "books",
    "second_bot",
    "foreign",
    "disk",
    "disconnected",
    "stale",
    "breaker",
    "refused",
    "tier",
    "trim",
    "dead_man",
    "failed",
    "stop",
    "restart",
]
"""The alarms by name, as ``ops.alarms`` explains them."""


class AlertParams(BaseModel):
    """Alarms to addresses outside. The addresses are secrets: gridbot alerts set, or GRIDBOT_ALERT_URLS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    modes: tuple[Mode, ...] = Field(
        (Mode.PAPER, Mode.TESTNET, Mode.LIVE),
        description="Modes in which alarms are sent, if an address is found. sim and replay hurry through days of "
        "invented trouble that nobody wants on a phone.",
        json_schema_extra={"applies": "restart"},
    )
    level: Literal["info", "warning", "error"] = Field(
        "warning",
        description="Least severe alarm that is sent. error is what wants a person now; info adds that the bot "
        "started or stopped as it should.",
    )
    mute: tuple[AlarmName, ...] = Field(
        (),
        description="Alarms that are not sent, whatever their level: names from the RUNBOOK's list of alarms that are "
        "sent. Empty: none of them is routine.",
    )
    disconnected_s: float = Field(
        60.0,
        ge=0.0,
        le=3_600.0,
        description="How long market data or account news must be cut off, requests be shut, or prices be old, before "
        "that is an alarm. A silent socket is replaced within a minute, so what lasts longer does not mend itself.",
        json_schema_extra={"unit": "s"},
    )
    quiet_minutes: float = Field(
        10.0,
        ge=0.0,
        le=1_440.0,
        description="An alarm that comes back within this time is only counted, and told again when it has passed if "
        "it still holds. 10 minutes turn a flapping line into one message.",
        json_schema_extra={"unit": "minutes"},
    )
    repeat_minutes: float = Field(
        240.0,
        ge=0.0,
        le=10_080.0,
        description="An alarm that goes on is told again after so long. Four hours: a message that was slept through "
        "is found again. 0 = never.",
        json_schema_extra={"unit": "minutes"},
    )
    resolved: bool = Field(
        True,
        description="Also tell when an alarm that was sent is over. On: otherwise somebody drives home for nothing.",
    )
    per_hour: int = Field(
        20,
        ge=4,
        le=600,
        description="Most messages an hour; what does not fit is gathered into the next one. The last quarter is kept "
        "for errors. 20 stays below what every known service takes.",
        json_schema_extra={"unit": "messages"},
    )
    timeout_s: float = Field(
        20.0,
        ge=1.0,
        le=120.0,
        description="An address that has not taken a message after so long is given up for this time and tried again "
        "later; orders never wait for it. Twice what a slow mail server needs.",
        json_schema_extra={"unit": "s"},
    )


class MetricsParams(BaseModel):
    """Metrics for Prometheus and its kin, over HTTP. docs/METRICS.md lists them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field(
        "",
        max_length=261,
        description="Address and port where GET /metrics is answered, such as 127.0.0.1:9464. Whoever reaches it "
        "reads equity and positions, without a password; nothing can be ordered there. Empty: nowhere, since no port "
        "is opened that nobody asked for.",
    )

    @field_validator("listen")
    @classmethod
    def _an_address(cls, text: str) -> str:
        if text:
            host_and_port(text)
        return text


def host_and_port(text: str) -> tuple[str, int]:
    """``127.0.0.1:9464`` or ``[::1]:9464`` in two parts. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    bracketed = host == f"[{bare}]"
    right = port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535
    if not (colon and right and bare and bare == "".join(bare.split()) and bracketed == (":" in bare)):
        raise ValueError("is an address and a port, such as 127.0.0.1:9464 or [::1]:9464, or empty")
    return bare, int(port)
