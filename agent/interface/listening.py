"""Where a server listens, found out before anything heavy is loaded."""

from __future__ import annotations

import ipaddress
import resource
import socket

MOST_FILES = 65_536
"""Open files that are asked of the system: each event stream is one."""


def bind(host: str, port: int) -> socket.socket:
    """A socket on this address; OSError where it is taken. Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


def needs_token(host: str, token: str | None) -> bool:
    """Whether serving on this address without a token has to be refused."""
    return not token and not is_loopback(host)


def is_loopback(address: str) -> bool:
    """Whether this is an address of the machine itself."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return address == "localhost"


def allow_many_connections() -> None:
    """Raise this process's limit of open files as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
