"""The certificate of a login: of all that stand in a PEM text, the one whose private key is there, too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography import x509

_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class KeyPair(Struct, frozen=True):
    """A private key and its certificate, each in PEM form."""

    private_key: str
    certificate: str

    def __repr__(self) -> str:
        return "KeyPair(***)"


def key_pair(pem: str) -> KeyPair:
    """The private key in `pem` and its certificate, wherever in a chain that stands: Azure's Key Vault, for
    one, puts the root first. Raises ValueError, whose text says what is missing and holds nothing of
    `pem`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key, certificates = _PRIVATE_KEY.search(pem), _CERTIFICATE.findall(pem)
    if key is None or not certificates:
        missing = "private key" if key is None else "certificate"
        raise ValueError(f"it holds no {missing} in PEM form")
    if "ENCRYPTED" in key[0]:
        raise ValueError("its private key is encrypted")
    try:
        private_key = load_pem_private_key(key[0].encode(), None)
        own = [text for text in certificates if _loaded(text).public_key() == private_key.public_key()]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        own = None
    if own is None:
        raise ValueError("it cannot be used")
    if not isinstance(private_key, RSAPrivateKey):
        raise ValueError("its private key is no RSA key, and Microsoft's login takes no other")
    if not own:
        raise ValueError("none of its certificates belongs to its private key")
    return KeyPair(key[0], own[0])


def certificate_in(pem: str) -> x509.Certificate:
    """The certificate that counts in `pem`: the private key's, or the first where there is no key to go by.

    Raises ValueError.
    """
    try:
        return _loaded(key_pair(pem).certificate)
    except ValueError:
        found = _CERTIFICATE.search(pem)
    return _loaded(found[0] if found else pem)


def _loaded(pem: str) -> x509.Certificate:
    from cryptography import x509

    return x509.load_pem_x509_certificate(pem.encode())
