"""One served exchange for a file's tests; what they leave behind is cleaned up."""

from tests.exchange_server.conftest import exchange, served

__all__ = ["exchange", "served"]
