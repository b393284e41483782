"""A throw-away certificate authority and one server certificate, as PEM files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files: the CA's certificate, the server's chain and its private key."""

    ca: Path
    chain: Path
    key: Path


def issue_certificates(directory: Path) -> Certificates:
    """Write a new CA's certificate and a server's chain and key into `directory`."""
    paths = Certificates(directory / "ca.pem", directory / "chain.pem", directory / "key.pem")
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(paths.ca))
    server.private_key_pem.write_to_path(str(paths.key))
    for pem in server.cert_chain_pems:
        pem.write_to_path(str(paths.chain), append=True)
    return paths
