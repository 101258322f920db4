"""Settings and rights for Mosquitto, the hub's broker (mosquitto.conf(5), 2.0).

TLS 1.3 alone, a certificate from everybody; the name in a certificate is the user and the client, so that no box can speak for
another or take its session away. What a broker has is never trusted: it is signed, and a message counts as arrived only when the
hub says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fieldbox.wire import topics
from fieldbox.wire.frame import MAX_FRAME

SETTINGS: Final = "mosquitto.conf"
RIGHTS: Final = "rights.acl"
REVOKED: Final = "revoked.crl"
TLS: Final = "openssl.cnf"
"""What the broker's environment names as OPENSSL_CONF."""
KEPT: Final = "broker"
"""The folder of what the broker keeps."""
SESSION_DAYS: Final = 400
"""For which the broker knows a box that is away."""
_PACKET: Final = MAX_FRAME + 1024
"""A frame, its topic and what MQTT puts around them."""


def settings(folder: Path, port: int, user: str) -> str:
    """mosquitto.conf for the hub in `folder`, whose files `user` may read."""
    return f"""\
# Made by fieldbox hub init for Mosquitto 2.0. Run it with:
# OPENSSL_CONF={folder / TLS} mosquitto -c {folder / SETTINGS}
user {user}
per_listener_settings false
allow_anonymous false
acl_file {folder / RIGHTS}

listener {port}
protocol mqtt
cafile {folder / "ca.crt"}
certfile {folder / "server.crt"}
keyfile {folder / "server.key"}
crlfile {folder / REVOKED}
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
use_username_as_clientid true
max_connections 5000

# What waits for a box, or for the hub while it is away. It only saves sending again: nothing counts as arrived here.
persistence true
persistence_location {folder / KEPT}/
autosave_interval 60
persistent_client_expiration {SESSION_DAYS}d

# No stranger fills the memory, and no box the disk.
max_packet_size {_PACKET}
max_inflight_messages 20
max_queued_messages 5000
max_queued_bytes 67108864
memory_limit 536870912
max_keepalive 3600
set_tcp_nodelay true

log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


def tls() -> str:
    """Settings of OpenSSL for the broker: one ticket of 32 bytes in place of two that hold the box's certificate, which spares a
    kilobyte on each connection (config(5), SSL_CONF_cmd(3))."""
    return """\
openssl_conf = fieldbox
[fieldbox]
ssl_conf = tls
[tls]
system_default = all
[all]
NumTickets = 1
Options = -SessionTicket
"""


def rights(hub: str) -> str:
    """Who may read and write what: a box its own two topics, the hub the other ends of them."""
    return f"""\
pattern write {topics.up(topics.EACH)}
pattern read {topics.down(topics.EACH)}

user {hub}
topic read {topics.up(topics.ANY)}
topic write {topics.down(topics.ANY)}
"""
